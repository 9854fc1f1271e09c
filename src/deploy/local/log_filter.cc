#include "deploy/local/log_filter.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "xds/refusal_text.h"

namespace kgw::deploy {
namespace {

constexpr std::string_view kDump = "goo.gle/debug";
constexpr std::string_view kRejected = "rejected: ";

// "[2026-11-29 02:15:16.576][11202][warning]..."
bool begins_message(std::string_view line) {
  return line.size() > 1 && line[0] == '[' && absl::ascii_isdigit(line[1]);
}

// A component's message without its time and thread, which differ from line to line; empty for
// other lines, such as those of an access log.
std::string_view what_is_said(std::string_view line) {
  const std::size_t time = line.find("][");
  if (!begins_message(line) || time == std::string_view::npos || time != line.find(']')) return {};
  const std::size_t thread = line.find(']', time + 1);
  return thread == std::string_view::npos ? std::string_view() : line.substr(thread + 1);
}

}  // namespace

void LogFilter::add(std::string_view line, Time now) {
  if (line.empty()) return;  // Envoy's reasons end with some
  if (!dump_.empty()) {
    if (line.starts_with(": "))
      return emit(std::exchange(dump_, {}) + "\n" + std::string(line), now);
    if (!begins_message(line)) return;
    emit(std::exchange(dump_, {}), now);
  }
  if (line.find(kDump) != std::string_view::npos) {
    dump_ = line;
  } else {
    emit(line, now);
  }
}

void LogFilter::end(Time now) {
  if (!dump_.empty()) emit(std::exchange(dump_, {}), now);
}

void LogFilter::emit(std::string_view line, Time now) {
  std::string text(line);
  const std::size_t rejected = line.find(kRejected);
  if (rejected != std::string_view::npos && begins_message(line)) {
    const std::size_t reason = rejected + kRejected.size();
    text = std::string(line.substr(0, reason)) + xds::reason_of(line.substr(reason));
  } else if (line.find(kDump) != std::string_view::npos) {
    text = xds::without_dumps(line).text;
  }
  const std::string message(what_is_said(text));
  if (message.empty()) return on_line_(text);
  if (seen_.size() >= kRemembered) seen_.clear();
  const auto [found, fresh] = seen_.try_emplace(message, Seen{now});
  Seen& seen = found->second;
  if (!fresh && now - seen.told < kQuiet) {
    ++seen.repeats;
    return;
  }
  if (seen.repeats > 0) text += " (and " + std::to_string(seen.repeats) + " times before)";
  seen = {now};
  on_line_(text);
}

}  // namespace kgw::deploy
