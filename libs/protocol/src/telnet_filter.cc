#include <algorithm>
#include <initializer_list>

#include <chatgate/protocol/telnet_filter.h>

namespace chatgate::protocol {
namespace {

// RFC 854 and RFC 855.
constexpr std::uint8_t kSe = 240;
constexpr std::uint8_t kBrk = 243;
constexpr std::uint8_t kIp = 244;
constexpr std::uint8_t kAyt = 246;
constexpr std::uint8_t kEc = 247;
constexpr std::uint8_t kEl = 248;
constexpr std::uint8_t kSb = 250;
constexpr std::uint8_t kWill = 251;
constexpr std::uint8_t kWont = 252;
constexpr std::uint8_t kDo = 253;
constexpr std::uint8_t kDont = 254;
constexpr std::uint8_t kIac = 255;

constexpr std::uint8_t kBinary = 0;
constexpr std::uint8_t kSuppressGoAhead = 3;
constexpr std::uint8_t kTimingMark = 6;
constexpr std::uint8_t kTerminalType = 24;
constexpr std::uint8_t kWindowSize = 31;
constexpr std::uint8_t kCharset = 42;

// RFC 2066.
constexpr char kCharsetRequest = 1;
constexpr std::uint8_t kCharsetAccepted = 2;
constexpr std::uint8_t kCharsetRejected = 3;
constexpr std::string_view kTranslationTable = "[TTABLE ]";

constexpr std::uint64_t bit_of(std::uint8_t option) {
  return option < 64 ? std::uint64_t{1} << option : 0;
}

constexpr auto kOursAccepted = bit_of(kBinary) | bit_of(kSuppressGoAhead) | bit_of(kCharset);
constexpr auto kTheirsAccepted = kOursAccepted | bit_of(kTerminalType) | bit_of(kWindowSize);

void append(std::string& reply, std::initializer_list<std::uint8_t> bytes) {
  for (const auto byte : bytes) reply.push_back(static_cast<char>(byte));
}

bool is_utf8_name(std::string_view name) {
  const auto same = [](char a, char b) {
    return a == (b >= 'a' && b <= 'z' ? static_cast<char>(b - 'a' + 'A') : b);
  };
  constexpr std::string_view kName = "UTF-8";
  return std::equal(kName.begin(), kName.end(), name.begin(), name.end(), same);
}

// Finds UTF-8, as the client spells it, in `;name;name` (any byte may be the `;`); empty if absent.
std::string_view find_utf8(std::string_view names) {
  if (names.starts_with(kTranslationTable)) {
    names.remove_prefix(std::min(names.size(), kTranslationTable.size() + 1));
  }
  if (names.empty()) return {};
  const char separator = names.front();
  while (!names.empty()) {
    names.remove_prefix(1);
    const auto name = names.substr(0, names.find(separator));
    if (is_utf8_name(name)) return name;
    names.remove_prefix(name.size());
  }
  return {};
}

}  // namespace

TelnetFilter::Step TelnetFilter::step(std::string_view& input, std::string& reply) {
  while (!input.empty()) {
    if (state_ == State::Data && input.front() != kTelnetIac) return data_at(input, 0);
    if (state_ == State::Command && input.front() == kTelnetIac) {
      state_ = State::Data;
      return data_at(input, 1);
    }
    if (state_ == State::Abused) {
      input = {};
      return {{}, Event::AbuseLimit};
    }
    const auto byte = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
    const auto taken = take(byte, reply);
    if (taken.event != Event::None || !taken.data.empty()) return taken;
  }
  return {};
}

bool TelnetFilter::character_mode() const { return (ours_ & bit_of(kSuppressGoAhead)) != 0; }

bool TelnetFilter::binary() const { return (theirs_ & bit_of(kBinary)) != 0; }

// The first `known` bytes are data although they look like an IAC.
TelnetFilter::Step TelnetFilter::data_at(std::string_view& input, std::size_t known) {
  const auto data = input.substr(0, input.find(kTelnetIac, known));
  input.remove_prefix(data.size());
  return {data, Event::None};
}

TelnetFilter::Step TelnetFilter::take(std::uint8_t byte, std::string& reply) {
  switch (state_) {
    case State::Data:
      state_ = State::Command;
      return {};
    case State::Command:
      return command(byte, reply);
    case State::Option:
      state_ = State::Data;
      return negotiate(byte, reply);
    case State::SubnegotiationOption:
      subject_ = byte;
      state_ = State::Subnegotiation;
      return {};
    case State::Subnegotiation:
      if (byte != kIac) return subnegotiate(byte);
      state_ = State::SubnegotiationCommand;
      return {};
    case State::SubnegotiationCommand:
      if (byte == kIac) return subnegotiate(byte);
      if (byte == kSe) end_subnegotiation(reply);
      std::string{}.swap(charset_request_);
      // Any other command here means that the end was forgotten: it counts as a command.
      return command(byte, reply);
    case State::Abused:
      break;
  }
  return abuse();
}

TelnetFilter::Step TelnetFilter::command(std::uint8_t byte, std::string& reply) {
  state_ = State::Data;
  switch (byte) {
    case kWill:
    case kWont:
    case kDo:
    case kDont:
      verb_ = byte;
      state_ = State::Option;
      return {};
    case kSb:
      state_ = State::SubnegotiationOption;
      return {};
    case kBrk:
    case kIp:
    case kEl:
      return {{}, Event::ClearLine};
    case kAyt:
      reply += "[yes]\r\n";
      return {};
    case kEc:
      return {character_mode() ? "\b" : std::string_view{}, Event::None};
    default:
      return {};
  }
}

TelnetFilter::Step TelnetFilter::negotiate(std::uint8_t option, std::string& reply) {
  const bool theirs = verb_ == kWill || verb_ == kWont;
  const bool on = verb_ == kWill || verb_ == kDo;
  const auto bit = bit_of(option) & (theirs ? kTheirsAccepted : kOursAccepted);
  auto& options = theirs ? theirs_ : ours_;
  auto& refused = theirs ? theirs_refused_ : ours_refused_;

  // Each DO TIMING-MARK asks anew. It changes nothing, so a person may interrupt without limit.
  if (verb_ == kDo && option == kTimingMark) {
    append(reply, {kIac, kWont, option});
    return {};
  }
  const bool refuse = on && bit == 0;
  // An answer to what changes nothing could be answered in turn, without end (RFC 854).
  if (refuse ? refused.test(option) : on == ((options & bit) != 0)) return {};

  if (++option_changes_ > kTelnetOptionChangesMax) return abuse();
  if (refuse) {
    refused.set(option);
  } else {
    options ^= bit;
  }
  const bool agree = on && !refuse;
  const auto answer = theirs ? (agree ? kDo : kDont) : (agree ? kWill : kWont);
  append(reply, {kIac, answer, option});
  return {};
}

TelnetFilter::Step TelnetFilter::subnegotiate(std::uint8_t byte) {
  state_ = State::Subnegotiation;
  if (++subnegotiation_bytes_ > kTelnetSubnegotiationBytesMax) return abuse();
  if (subject_ == kCharset) charset_request_.push_back(static_cast<char>(byte));
  return {};
}

TelnetFilter::Step TelnetFilter::abuse() {
  state_ = State::Abused;
  std::string{}.swap(charset_request_);
  return {{}, Event::AbuseLimit};
}

// NAWS and TTYPE need no answer, and nobody here asks for what they say.
void TelnetFilter::end_subnegotiation(std::string& reply) {
  const bool agreed = (theirs_ & bit_of(kCharset)) != 0;
  if (!agreed || !charset_request_.starts_with(kCharsetRequest)) return;

  const auto name = find_utf8(std::string_view{charset_request_}.substr(1));
  append(reply, {kIac, kSb, kCharset, name.empty() ? kCharsetRejected : kCharsetAccepted});
  reply += name;
  append(reply, {kIac, kSe});
}

}  // namespace chatgate::protocol
