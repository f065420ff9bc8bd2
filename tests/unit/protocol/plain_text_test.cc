#include <cstddef>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <chatgate/protocol/plain_text.h>

namespace chatgate::protocol {
namespace {

std::size_t slow_plain_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == '\n' || byte == 0 || byte > 0x7f) break;
    ++at;
  }
  return at;
}

TEST(PlainPrefixTest, IsAllOfAnEmptyAndOfAPlainText) {
  EXPECT_EQ(plain_prefix(""), 0U);
  const std::string plain = "a line\tof 0123456789 printable ASCII, with a CR\r and an ESC\x1b.";
  EXPECT_EQ(plain_prefix(plain), plain.size());
}

// Every byte, at every place of texts of every size around the steps of the scan.
TEST(PlainPrefixTest, EndsAtTheFirstByteThatIsNotPlain) {
  for (std::size_t size = 1; size <= 50; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(plain_prefix(text), slow_plain_prefix(text)) << size << ' ' << at << ' ' << byte;
      }
    }
  }
}

TEST(PlainPrefixTest, SeesTheFirstOfSeveral) {
  std::string text(64, 'x');
  for (std::size_t at = text.size(); at-- > 0;) {
    text[at] = at % 3 == 0 ? '\n' : at % 3 == 1 ? '\0' : '\xff';
    ASSERT_EQ(plain_prefix(text), at);
  }
}

}  // namespace
}  // namespace chatgate::protocol
