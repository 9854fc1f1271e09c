// LogFilter: which lines of a proxy's log are repeated in ours, and how.
//
// Envoy logs each refusal with the refused configuration, line by line, and again for every
// attempt. Of a refusal one line stays with the reason alone (xds/refusal_text.h), and a message
// that comes again within kQuiet is counted instead of repeated. The file itself keeps everything.
// Thread: one.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace kgw::deploy {

class LogFilter {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using OnLine = std::function<void(std::string_view line)>;

  static constexpr std::chrono::seconds kQuiet{10};
  static constexpr std::size_t kRemembered = 256;  // different messages

  explicit LogFilter(OnLine on_line) : on_line_(std::move(on_line)) {}

  void add(std::string_view line, Time now);
  // There are no more lines.
  void end(Time now);

 private:
  struct Seen {
    Time told;
    std::size_t repeats = 0;
  };

  void emit(std::string_view line, Time now);

  OnLine on_line_;
  std::string dump_;  // the line in which a printed message began, while it goes on
  std::map<std::string, Seen, std::less<>> seen_;  // by the message without its time
};

}  // namespace kgw::deploy
