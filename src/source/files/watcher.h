// Watcher: inotify over exactly the directories through which the last scan walked.
//
// A scan calls watch() for a directory before it reads it, so that no change between reading and
// watching is lost, and brackets its calls with begin_scan()/end_scan(); directories not named
// again are released. wait() reports only changes that can matter to that scan.
//
// A file that is being written (modified, not yet closed) is known by is_being_written(), so that a
// half-written manifest is not taken for the new one.
// Thread: one, except that stop() may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace kgw::source {

using Clock = std::chrono::steady_clock;

class Watcher {
 public:
  // A writer that neither writes nor closes its file for `abandoned_after` is done with it.
  explicit Watcher(std::chrono::milliseconds abandoned_after = std::chrono::seconds(5));
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void begin_scan();
  void end_scan();

  enum class Interest {
    kLink,     // this name coming, going or being replaced
    kContent,  // that, and writes to it
  };
  // One name in a directory. Returns the watch's id, negative if there is none (see failure()).
  int watch(const std::string& directory, std::string_view name, Interest interest);
  // All names in a directory that may be manifests or directories.
  int watch_all(const std::string& directory);

  // Why some directory of the last scan is not watched (errno); 0 if all are. Directories that may
  // not be read are not counted.
  int failure() const { return failure_; }

  enum class Wake { kChange, kTimeout, kStop };
  // Waits until something relevant changed, the deadline passed, or stop().
  Wake wait(std::optional<Clock::time_point> deadline);
  // As wait(), and also returns kChange when `fd` is readable or at its end.
  Wake wait_readable(int fd);
  void stop();

  // As of now: takes in what inotify has reported so far (the next wait() still returns it).
  bool is_being_written(int watch, const std::string& name);

 private:
  struct Directory {
    bool all = false;
    std::uint32_t mask = 0;
    std::set<std::string, std::less<>> names;
    unsigned scan = 0;
  };

  int add(const std::string& directory, std::uint32_t mask);
  void drain();
  bool relevant(int watch, std::uint32_t mask, std::string_view name);

  std::chrono::milliseconds abandoned_after_;
  int inotify_ = -1;
  int stop_ = -1;  // eventfd
  int failure_ = 0;
  unsigned scan_ = 0;
  bool pending_ = false;  // a relevant change that wait() has not returned yet
  std::unordered_map<int, Directory> directories_;
  std::unordered_map<std::string, std::pair<int, std::uint32_t>> added_;  // in this scan
  std::map<std::pair<int, std::string>, Clock::time_point> being_written_;
};

}  // namespace kgw::source
