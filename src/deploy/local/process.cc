#include "deploy/local/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {  // glibc 2.36 forgets it in this header
#include <sys/pidfd.h>
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

namespace kgw::deploy {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<std::uint64_t> start_time_of(pid_t pid) {
  const std::string stat = slurp("/proc/" + std::to_string(pid) + "/stat");
  const auto end_of_name = stat.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  std::istringstream rest(stat.substr(end_of_name + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) rest >> field;  // the name is field 2
  return rest ? std::optional(std::strtoull(field.c_str(), nullptr, 10)) : std::nullopt;
}

bool has_argument(pid_t pid, const std::string& argument) {
  const std::string words = slurp("/proc/" + std::to_string(pid) + "/cmdline");
  for (std::string_view rest = words; !rest.empty();) {
    const auto end = std::min(rest.find('\0'), rest.size());
    if (rest.substr(0, end) == argument) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

std::string failure(const std::string& what, int error) {
  return what + ": " + std::strerror(error);
}

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void close_reader() { close_end(0); }
  void close_writer() { close_end(1); }

 private:
  void close_end(std::size_t i) {
    if (ends_[i] >= 0) close(std::exchange(ends_[i], -1));
  }
  std::array<int, 2> ends_{-1, -1};
};

// What a proxy may know of the environment: where programs are, the time zone, and how names are
// looked up. Anything else may be a secret, and a proxy can be made to repeat its environment.
std::vector<std::string> minimal_environment() {
  std::vector<std::string> variables;
  for (const char* name : {"PATH", "TZ", "RES_OPTIONS", "LOCALDOMAIN"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) variables.push_back(std::string(name) + "=" + value);
  }
  return variables;
}

// As exec() takes it; points into `words`.
std::vector<char*> terminated(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// What the child does between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output,
                         const Pipe& gate, const Pipe& result) {
  const auto fail = [&] {
    const int error = errno;
    [[maybe_unused]] const auto written = write(result.writer(), &error, sizeof error);
    _exit(127);
  };
  close(gate.writer());
  setsid();
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0) fail();
  if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) fail();
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  char go;
  if (read(gate.reader(), &go, 1) != 1) _exit(127);  // the parent gave up or is gone
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  execve(arguments[0], arguments, environment);
  fail();
  _exit(127);
}

}  // namespace

std::expected<Process, std::string> Process::spawn(
    const Command& command,
    const std::function<std::expected<void, std::string>(const ProcessId&)>& before_exec) {
  std::vector<std::string> words = command.arguments;
  const std::vector<char*> arguments = terminated(words);
  std::vector<std::string> variables = minimal_environment();
  const std::vector<char*> environment = terminated(variables);
  const std::string& program = words.front();

  const int output = open(command.output.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (output < 0) return std::unexpected(failure(command.output, errno));
  Pipe gate, result;
  const pid_t pid = gate.reader() < 0 || result.reader() < 0 ? -1 : fork();
  if (pid == 0) become(arguments.data(), environment.data(), output, gate, result);
  const int fork_error = errno;
  close(output);
  if (pid < 0) return std::unexpected(failure("cannot start a process", fork_error));
  gate.close_reader();
  result.close_writer();

  const auto start_time = start_time_of(pid);
  const int fd = pidfd_open(pid, 0);
  std::expected<void, std::string> known;
  if (fd < 0 || !start_time) {
    known = std::unexpected(failure("cannot observe the new process", errno));
  } else {
    known = before_exec({pid, *start_time});
  }
  if (known) {
    [[maybe_unused]] const auto written = write(gate.writer(), "g", 1);
  }
  gate.close_writer();
  int error = 0;
  const bool failed = read(result.reader(), &error, sizeof error) == sizeof error;
  if (!known || failed) {
    waitpid(pid, nullptr, 0);
    if (fd >= 0) close(fd);
    if (failed) return std::unexpected(failure("cannot run " + program, error));
    return std::unexpected(std::move(known.error()));
  }
  return Process({pid, *start_time}, fd);
}

std::optional<Process> Process::find(const ProcessId& id, const std::string& argument) {
  if (id.pid <= 0) return std::nullopt;
  const int fd = pidfd_open(id.pid, 0);
  if (fd < 0) return std::nullopt;
  Process process(id, fd);
  // Looked at after the pidfd was opened: it holds whatever process these are true of.
  const bool same = start_time_of(id.pid) == id.start_time && has_argument(id.pid, argument);
  if (!same || process.ended()) return std::nullopt;
  return process;
}

Process::Process(Process&& other) noexcept : id_(other.id_), fd_(std::exchange(other.fd_, -1)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(fd_, other.fd_);
  return *this;
}

Process::~Process() {
  if (fd_ >= 0) close(fd_);
}

bool Process::ended() const {
  pollfd poll_fd{fd_, POLLIN, 0};
  return poll(&poll_fd, 1, 0) > 0;
}

bool Process::signal(int number) const { return pidfd_send_signal(fd_, number, nullptr, 0) == 0; }

std::string Process::exit_reason() const {
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(fd_), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) {
    return "ended";
  }
  if (info.si_code == CLD_EXITED) return "exit code " + std::to_string(info.si_status);
  return "signal " + std::to_string(info.si_status) + " (" + strsignal(info.si_status) + ")";
}

}  // namespace kgw::deploy
