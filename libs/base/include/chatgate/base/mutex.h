#pragma once

#include <mutex>

// Clang checks lock discipline at compile time (-Wthread-safety); see
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html. Other compilers see plain declarations.
#if defined(__clang__)
#define CHATGATE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define CHATGATE_THREAD_ANNOTATION(x)
#endif

/// The field may be touched only while `mutex` is held.
#define CHATGATE_GUARDED_BY(mutex) CHATGATE_THREAD_ANNOTATION(guarded_by(mutex))
/// The function may be called only while the mutexes are held.
#define CHATGATE_REQUIRES(...) CHATGATE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))

namespace chatgate::base {

/// std::mutex with the annotations that libstdc++'s lacks. Never on the message path; no two are
/// held at once.
class CHATGATE_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() CHATGATE_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() CHATGATE_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for a scope.
class CHATGATE_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) CHATGATE_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_{mutex} {
    mutex_.lock();
  }
  ~MutexLock() CHATGATE_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace chatgate::base
