#include "source/files/loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "source/files/manifest.h"
#include "source/files/watcher.h"

namespace kgw::source {
namespace {

// File systems stamp files with a coarse clock: a write so soon after another may not show.
constexpr std::int64_t kStampGrain = 100'000'000;  // ns

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ > STDERR_FILENO) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// Appends at most `limit` + 1 bytes; false: errno says why.
bool read_up_to(int fd, std::size_t limit, std::string& text) {
  constexpr std::size_t kChunk = 256 * 1024;
  while (text.size() <= limit) {
    const std::size_t have = text.size();
    text.resize(have + std::min(kChunk, limit + 1 - have));
    const ssize_t got = read(fd, text.data() + have, text.size() - have);
    text.resize(have + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got < 0 && errno != EINTR) return false;
    if (got == 0) return true;
  }
  return true;
}

Digest digest_of(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return {hash.low64, hash.high64};
}

bool is_below(const std::string& path, const std::string& directory) {
  return path == directory || (path.starts_with(directory) &&
                               (directory.ends_with('/') || path[directory.size()] == '/'));
}

std::string too_large(std::size_t limit) {
  return "is larger than " + std::to_string(limit) + " bytes";
}

}  // namespace

bool Loader::read_streams() {
  const Scan roots = scan(options_.paths, nullptr);
  bool read_stdin = false;
  for (std::size_t i = 0; i < options_.paths.size(); ++i) {
    if (roots.roots[i] != RootState::kStream) continue;
    const std::string& path = options_.paths[i];
    if (path == "-" && std::exchange(read_stdin, true)) continue;
    if (!read_stream(i, path)) return false;
  }
  return true;
}

bool Loader::read_stream(std::size_t root, const std::string& path) {
  const FileKey key{root, path == "-" ? "<stdin>" : path};
  const Descriptor fd(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  ssize_t got = fd.get() < 0 ? -1 : 1;
  while (got > 0 && text.size() <= options_.max_file_bytes) {
    if (watcher_ != nullptr && watcher_->wait_readable(fd.get()) == Watcher::Wake::kStop) {
      return false;
    }
    std::array<char, 64 * 1024> chunk;
    got = TEMP_FAILURE_RETRY(read(fd.get(), chunk.data(), chunk.size()));
    if (got > 0) text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  if (got < 0) {
    fail(key, "Unreadable", std::strerror(errno));
  } else if (got > 0) {
    fail(key, "TooLarge", too_large(options_.max_file_bytes));
  } else {
    interpret(key, text);
  }
  return true;
}

void Loader::refresh() {
  const Scan found = scan(options_.paths, watcher_);
  std::map<FileKey, Known> before = std::exchange(known_, {});
  for (const Sighting& sighting : found.files) {
    if (auto old = before.extract(sighting.key)) known_.insert(std::move(old));
    load(sighting);
  }
  for (auto& [key, known] : before) {
    if (is_kept(key, found)) {
      known.settled = false;
      known_.emplace(key, known);
    } else {
      catalog_.remove(key);
    }
  }
  report(found);
  for (std::size_t i = 0; i < found.roots.size(); ++i) {
    if (found.roots[i] == RootState::kDirectory) directories_.insert(i);
    if (found.roots[i] == RootState::kFile) directories_.erase(i);
  }
}

bool Loader::is_kept(const FileKey& file, const Scan& found) const {
  if (found.roots[file.root] == RootState::kMissing) return directories_.contains(file.root);
  for (const FileKey& place : found.unreadable) {
    if (place.root == file.root && is_below(file.path, place.path)) return true;
  }
  return false;
}

void Loader::load(const Sighting& sighting) {
  const auto known = known_.find(sighting.key);
  if (known != known_.end() && known->second.settled && known->second.stamp == sighting.stamp) {
    return;
  }
  const std::int64_t started = now_ns();
  Known now{sighting.stamp, false, {}};
  now.settled = sighting.stamp.modified + kStampGrain < started &&
                sighting.stamp.changed + kStampGrain < started;
  const Descriptor fd(open(sighting.key.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string text;
  const bool read = fd.get() >= 0 && read_up_to(fd.get(), options_.max_file_bytes, text);
  const int error = errno;
  if (watcher_ != nullptr && watcher_->is_being_written(sighting.watch, sighting.name)) {
    return;  // the end of the writing brings us back
  }
  if (!read && error == ENOENT) return;  // gone just now: the next scan sees it
  if (!read) {
    fail(sighting.key, "Unreadable", std::strerror(error));
  } else if (text.size() > options_.max_file_bytes) {
    fail(sighting.key, "TooLarge", too_large(options_.max_file_bytes));
  } else {
    now.text = digest_of(text);
    const bool same = known != known_.end() && known->second.text == now.text;
    if (!same) interpret(sighting.key, text);
  }
  known_[sighting.key] = now;
}

void Loader::fail(const FileKey& file, std::string reason, std::string message) {
  message += "; what it defined before stays in force";
  catalog_.keep(file, {file_problem(file.path, std::move(reason), std::move(message))});
}

void Loader::interpret(const FileKey& file, const std::string& text) {
  catalog_.set(file, read_manifest(file.path, text, options_, catalog_.definitions(file)));
}

void Loader::report(const Scan& found) {
  std::map<std::string, Diagnostics> places;
  for (const std::string& place : std::exchange(problem_places_, {})) places[place];
  for (const Diagnostic& problem : found.problems) {
    places[problem.position.file].push_back(problem);
    problem_places_.insert(problem.position.file);
  }
  if (watcher_ != nullptr && watcher_->failure() != 0 && !options_.paths.empty()) {
    const std::string& place = options_.paths.front();
    places[place].push_back(
        file_problem(place, "NotWatched",
                     std::string("cannot be watched (") + std::strerror(watcher_->failure()) +
                         "); changes are looked for once a second. For inotify limits see "
                         "/proc/sys/fs/inotify",
                     Severity::kWarning));
    problem_places_.insert(place);
  }
  for (auto& [place, problems] : places) catalog_.set_problems(place, std::move(problems));
}

}  // namespace kgw::source
