#include "document.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <chatgate/base/assert.h>
#include <chatgate/config/reading.h>
#include <chatgate/config/wording.h>

namespace chatgate::config {
namespace {

using Kind = Value::Kind;

constexpr const char* kTagRefused = "tags (!, !!) are not supported";

// Building from yaml-cpp's events and not from its nodes keeps duplicate keys, tells quoted from
// plain scalars, and stops hostile nesting before yaml-cpp recurses into it.
class Builder final : public YAML::EventHandler {
 public:
  ValuePtr root() const { return root_ ? root_ : std::make_shared<Value>(); }
  std::optional<std::size_t> second_document() const { return second_document_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 1) second_document_ = offset_of(mark);
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto value = make(Kind::Nothing, mark);
    // yaml-cpp marks what comes after a missing value; the key is where the operator looks.
    if (!open_.empty() && open_.back().key != nullptr) value->offset = open_.back().key->offset;
    deliver(std::move(value), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto named = anchors_.find(anchor);
    if (named == anchors_.end()) {
      deliver(refused(mark, "an alias must not name what contains it"), 0);
      return;
    }
    count(named->second->nodes, mark);
    check_depth(named->second->height, mark);
    deliver(named->second, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (is_explicit(tag)) {
      deliver(refused(mark, kTagRefused), anchor);
      return;
    }
    auto value = make(Kind::Scalar, mark);
    value->text = text;
    value->is_plain = tag == "?";
    deliver(std::move(value), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Kind::List, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Kind::Map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    std::shared_ptr<Value> value;
    YAML::anchor_t anchor;
    ValuePtr key;  // Of a map, while its value is awaited.
    std::string tag;
  };

  static std::size_t offset_of(const YAML::Mark& mark) {
    return static_cast<std::size_t>(std::max(mark.pos, 0));
  }

  // yaml-cpp tags a plain scalar with `?` and a quoted one with `!`.
  static bool is_explicit(const std::string& tag) {
    return !tag.empty() && tag != "?" && tag != "!";
  }

  std::shared_ptr<Value> make(Kind kind, const YAML::Mark& mark) {
    count(1, mark);
    auto value = std::make_shared<Value>();
    value->kind = kind;
    value->offset = offset_of(mark);
    return value;
  }

  std::shared_ptr<Value> refused(const YAML::Mark& mark, std::string why) {
    auto value = make(Kind::Refused, mark);
    value->text = std::move(why);
    return value;
  }

  void count(std::size_t nodes, const YAML::Mark& mark) {
    nodes_ += nodes;
    if (nodes_ <= kDocumentNodesMax) return;
    throw Refusal{offset_of(mark),
                  fmt::format("more than {} values, with aliases expanded", kDocumentNodesMax)};
  }

  void check_depth(std::size_t height, const YAML::Mark& mark) const {
    if (open_.size() + height <= kDocumentDepthMax) return;
    throw Refusal{offset_of(mark), fmt::format("nested deeper than {} levels", kDocumentDepthMax)};
  }

  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check_depth(1, mark);
    open_.push_back({make(kind, mark), anchor, nullptr, tag});
  }

  void close() {
    CHATGATE_ASSERT(!open_.empty());
    auto [value, anchor, key, tag] = std::move(open_.back());
    open_.pop_back();
    if (is_explicit(tag)) {
      value->kind = Kind::Refused;
      value->text = kTagRefused;
    }
    deliver(std::move(value), anchor);
  }

  void deliver(ValuePtr value, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = value;
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    auto& [parent, parent_anchor, key, tag] = open_.back();
    parent->nodes += value->nodes;
    parent->height = std::max(parent->height, value->height + 1);
    if (parent->kind == Kind::List) {
      parent->items.push_back(std::move(value));
    } else if (key == nullptr) {
      key = std::move(value);
    } else {
      parent->entries.emplace_back(std::exchange(key, nullptr), std::move(value));
    }
  }

  ValuePtr root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, ValuePtr> anchors_;
  std::size_t nodes_ = 0;
  std::size_t documents_ = 0;
  std::optional<std::size_t> second_document_;
};

// yaml-cpp calls a tab in the indentation an illegal map value, which helps nobody to see it.
bool is_indented_by_tab(std::string_view text, std::size_t offset) {
  const auto line = text.substr(text.substr(0, offset).rfind('\n') + 1);
  const auto indentation = line.substr(0, line.find_first_not_of(" \t"));
  return indentation.find('\t') != indentation.npos;
}

Refusal explain(const YAML::Exception& error, std::string_view text) {
  auto offset = text.size();
  if (!error.mark.is_null()) offset = std::min(offset, static_cast<std::size_t>(error.mark.pos));
  if (is_indented_by_tab(text, offset)) return {offset, "not valid YAML: a tab must not indent"};
  return {offset, "not valid YAML: " + error.msg};
}

std::optional<Refusal> refuse_bytes(std::string_view text) {
  if (text.size() > kFileBytesMax) {
    return Refusal{0, fmt::format("larger than {} bytes", kFileBytesMax)};
  }
  if (const auto prefix = utf8_prefix(text); prefix < text.size()) {
    return Refusal{prefix, "not UTF-8"};
  }
  if (const auto nul = text.find('\0'); nul != text.npos) return Refusal{nul, "a NUL byte"};
  return std::nullopt;
}

}  // namespace

base::Expected<ValuePtr, Refusal> parse_document(const Source& source) {
  if (auto refusal = refuse_bytes(source.text())) return base::Unexpected{std::move(*refusal)};
  Builder builder;
  try {
    std::istringstream stream{std::string{source.text()}};
    YAML::Parser parser{stream};
    while (!builder.second_document() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    return base::Unexpected{explain(error, source.text())};
  } catch (const Refusal& refusal) {
    return base::Unexpected{refusal};
  }
  if (const auto offset = builder.second_document()) {
    return base::Unexpected{Refusal{*offset, "a second document; one file is one configuration"}};
  }
  return builder.root();
}

}  // namespace chatgate::config
