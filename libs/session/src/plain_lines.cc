#include <chatgate/protocol/plain_text.h>
#include <chatgate/session/plain_lines.h>

namespace chatgate::session {

bool answers_plain_lines(const ListenerProfile& profile) noexcept {
  const auto& service = profile.service;
  return service.framing == Framing::Line && service.quit_words.empty() &&
         service.messages_per_session == 0 && profile.reply.uses_message_alone();
}

std::size_t answer_plain_lines(std::string_view& input, const ListenerProfile& profile,
                               base::Clock::time_point asked_at, Batch& batch) {
  const auto message_max = profile.service.max_message.count;
  const auto text_max = profile.output.soft.count;
  auto rest = input;
  std::size_t answered = 0;
  while (!rest.empty() && answered < kUnansweredMax && batch.text.size() <= text_max) {
    const auto end = protocol::plain_prefix(rest);
    if (end == rest.size() || rest[end] != '\n') break;
    const bool has_cr = end > 0 && rest[end - 1] == '\r';
    const std::string_view line{rest.data(), end - (has_cr ? 1 : 0)};
    if (line.size() > message_max) break;
    profile.reply.render(line, batch.text);
    batch.replies.push_back({batch.text.size(), asked_at});
    ++answered;
    rest.remove_prefix(end + 1);
  }
  input = rest;
  return answered;
}

}  // namespace chatgate::session
