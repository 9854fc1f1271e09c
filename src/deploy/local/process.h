// Process: a process of this host held by a pidfd, so that a pid that was reused is never taken for
// the one that was meant.
//
// A spawned process leads its own session, has no environment but a few harmless variables, ignores
// the fate of its parent, and starts its program only after `before_exec` has returned (where its
// identity is written to disk): a parent killed in between leaves no process that nobody knows.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kgw::deploy {

// Names a process for as long as the host is up.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot, field 22 of /proc/PID/stat
  friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

class Process {
 public:
  struct Command {
    std::vector<std::string> arguments;  // the first is the program's path
    std::string output;                  // file to which stdout and stderr are appended
  };

  // The error says why there is no process.
  static std::expected<Process, std::string> spawn(
      const Command& command,
      const std::function<std::expected<void, std::string>(const ProcessId&)>& before_exec);

  // The running process `id` if `argument` is one of its command line's words.
  static std::optional<Process> find(const ProcessId& id, const std::string& argument);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  const ProcessId& id() const { return id_; }
  int fd() const { return fd_; }  // readable once the process has ended
  bool ended() const;
  // False if it has ended.
  bool signal(int number) const;

  // Reaps an ended child: "exit code 1", "signal 11 (Segmentation fault)"; "ended" for a process
  // that was not our child. REQUIRES: ended().
  std::string exit_reason() const;

 private:
  Process(ProcessId id, int fd) : id_(id), fd_(fd) {}

  ProcessId id_;
  int fd_ = -1;
};

}  // namespace kgw::deploy
