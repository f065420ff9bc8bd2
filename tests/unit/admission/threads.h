#pragma once

#include <atomic>
#include <thread>
#include <vector>

namespace chatgate::admission {

inline constexpr int kThreads = 8;

/// Counts those inside by itself, independently of what is tested, and keeps the greatest number.
class Witness {
 public:
  void one_came() {
    const int inside = ++inside_;
    int most = most_.load();
    while (inside > most && !most_.compare_exchange_weak(most, inside)) {
    }
  }
  void one_goes() { --inside_; }
  int most() const { return most_.load(); }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int> most_{0};
};

/// Runs `work(i)` on kThreads threads at once and waits for them.
template <class Work>
void on_all_threads(const Work& work) {
  std::atomic<int> ready{0};
  std::vector<std::jthread> threads;  // Last: joins before what it uses ends.
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      ++ready;
      while (ready.load() < kThreads) std::this_thread::yield();
      work(i);
    });
  }
}

}  // namespace chatgate::admission
