#include "fake_backend.h"

#include <stdexcept>

#include <fmt/format.h>

namespace chatgate::admin {

using namespace std::chrono_literals;

ConnectionRow make_row(std::uint64_t id, const std::string& peer) {
  ConnectionRow row;
  row.id = {id};
  row.listener = "public";
  row.peer = {net::IpAddress::parse(peer).value(), 4711};
  row.state = "reading";
  return row;
}

FakeBackend::FakeBackend() {
  open.rows = {make_row(7, "10.1.0.1"), make_row(8, "10.2.0.2"), make_row(9, "2001:db8::1")};
  open.rows[0].age = 90s;
  open.rows[1].age = 1500ms;
  open.rows[1].worker = 1;
  open.rows[2].age = 300s;
  open.rows[2].telnet = true;
}

std::vector<std::string> FakeBackend::commands() const {
  const base::MutexLock lock{mutex_};
  return commands_;
}

void FakeBackend::note(std::string command) {
  const base::MutexLock lock{mutex_};
  commands_.push_back(std::move(command));
}

std::string FakeBackend::metrics() {
  if (!failure.empty()) throw std::runtime_error{failure};
  return "chatgate_connections_open 3\n";
}

ControlResult FakeBackend::close_connection(base::SessionId id, bool abort) {
  note(fmt::format("{} {}", abort ? "abort" : "close", id.value));
  return control;
}

ControlResult FakeBackend::forgive(const std::optional<net::IpAddress>& source) {
  note("forgive " + (source ? net::to_text(*source) : "all"));
  return control;
}

ControlResult FakeBackend::force_overload() {
  note("force overload");
  return control;
}

ControlResult FakeBackend::release_overload() {
  note("release overload");
  return control;
}

ControlResult FakeBackend::drain() {
  note("drain");
  return control;
}

ControlResult FakeBackend::undrain() {
  note("undrain");
  return control;
}

ReloadResult FakeBackend::reload() {
  note("reload");
  return reloaded;
}

ControlResult FakeBackend::set_log_level(telemetry::LogLevel level) {
  note(fmt::format("level {}", static_cast<int>(level)));
  return control;
}

}  // namespace chatgate::admin
