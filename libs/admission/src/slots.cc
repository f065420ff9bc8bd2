#include <chatgate/admission/slots.h>
#include <chatgate/base/assert.h>

namespace chatgate::admission {

Slots::Slots(std::uint32_t limit) noexcept : word_{Word{limit} << 32} {}

bool Slots::try_take() noexcept {
  Word word = word_.load();
  do {
    if (!has_room_in(word)) return false;
  } while (!word_.compare_exchange_weak(word, word + 1));
  return true;
}

bool Slots::take() noexcept {
  const Word before = word_.fetch_add(1);
  // One more would carry into the limit.
  CHATGATE_ASSERT(taken_in(before) != UINT32_MAX);
  return has_room_in(before);
}

void Slots::give_back(std::uint32_t places) noexcept {
  const Word before = word_.fetch_sub(places);
  CHATGATE_ASSERT(taken_in(before) >= places);
}

void Slots::set_limit(std::uint32_t limit) noexcept {
  Word word = word_.load();
  while (!word_.compare_exchange_weak(word, Word{limit} << 32 | taken_in(word))) {
  }
}

}  // namespace chatgate::admission
