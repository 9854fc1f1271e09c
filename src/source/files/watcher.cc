#include "source/files/watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "source/files/names.h"

namespace kgw::source {
namespace {

constexpr std::uint32_t kLinkMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                    IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kContentMask = kLinkMask | IN_MODIFY | IN_CLOSE_WRITE;
constexpr std::uint32_t kSelf = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;

}  // namespace

Watcher::Watcher(std::chrono::milliseconds abandoned_after) : abandoned_after_(abandoned_after) {
  inotify_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify_ < 0) failure_ = errno;
  stop_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Watcher::~Watcher() {
  if (inotify_ >= 0) close(inotify_);
  close(stop_);
}

void Watcher::begin_scan() {
  ++scan_;
  added_.clear();
  if (inotify_ >= 0) failure_ = 0;
}

void Watcher::end_scan() {
  for (auto entry = directories_.begin(); entry != directories_.end();) {
    if (entry->second.scan == scan_) {
      ++entry;
      continue;
    }
    inotify_rm_watch(inotify_, entry->first);
    std::erase_if(being_written_,
                  [&](const auto& written) { return written.first.first == entry->first; });
    entry = directories_.erase(entry);
  }
  added_.clear();
}

int Watcher::add(const std::string& directory, std::uint32_t mask) {
  if (inotify_ < 0) return -1;
  auto& [watch, have] = added_.try_emplace(directory, -1, 0).first->second;
  if (watch < 0 && have != 0) return watch;  // failed before
  if (have != 0 && (have | mask) == have) return watch;
  have |= mask;
  watch = inotify_add_watch(inotify_, directory.c_str(), have | IN_MASK_ADD);
  if (watch < 0) {
    if (errno != EACCES && errno != ENOENT && errno != ENOTDIR) failure_ = errno;
    return watch;
  }
  Directory& entry = directories_[watch];
  if (entry.scan != scan_) {  // else the same directory under a second path
    entry.all = false;
    entry.names.clear();
    entry.scan = scan_;
  }
  return watch;
}

int Watcher::watch(const std::string& directory, std::string_view name, Interest interest) {
  const int id = add(directory, interest == Interest::kLink ? kLinkMask : kContentMask);
  if (id >= 0) directories_[id].names.emplace(name);
  return id;
}

int Watcher::watch_all(const std::string& directory) {
  const int id = add(directory, kContentMask);
  if (id >= 0) directories_[id].all = true;
  return id;
}

bool Watcher::relevant(int watch, std::uint32_t mask, std::string_view name) {
  if (mask & IN_Q_OVERFLOW) {
    being_written_.clear();
    return true;
  }
  const auto entry = directories_.find(watch);
  if (entry == directories_.end()) return false;  // released by an earlier scan
  if (mask & IN_IGNORED) {
    std::erase_if(being_written_,
                  [&](const auto& written) { return written.first.first == watch; });
    directories_.erase(entry);
    return true;
  }
  if (name.empty()) return (mask & kSelf) != 0;
  const Directory& directory = entry->second;
  if (!directory.names.contains(name) && !(directory.all && !is_ignored_name(name))) return false;
  std::pair<int, std::string> file(watch, name);
  if (mask & IN_MODIFY) {
    being_written_[std::move(file)] = Clock::now();
    return false;  // its end will be reported
  }
  if (mask & (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)) being_written_.erase(file);
  return true;
}

void Watcher::drain() {
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ssize_t size = read(inotify_, buffer.data(), buffer.size());
    if (size <= 0) return;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event)) + event->len;
      const std::string_view name = event->len > 0 ? event->name : "";
      if (relevant(event->wd, event->mask, name)) pending_ = true;
    }
  }
}

Watcher::Wake Watcher::wait(std::optional<Clock::time_point> deadline) {
  for (;;) {
    auto until = deadline;
    for (const auto& [file, since] : being_written_) {
      until = until ? std::min(*until, since + abandoned_after_) : since + abandoned_after_;
    }
    int timeout = pending_ ? 0 : -1;
    if (until && !pending_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now());
      timeout = static_cast<int>(std::max<std::int64_t>(0, left.count()));
    }
    std::array<pollfd, 2> fds{{{stop_, POLLIN, 0}, {inotify_, POLLIN, 0}}};
    poll(fds.data(), fds.size(), timeout);
    if (fds[0].revents != 0) return Wake::kStop;
    if (fds[1].revents != 0) drain();
    const auto now = Clock::now();
    const bool abandoned = std::erase_if(being_written_, [&](const auto& written) {
                             return now - written.second >= abandoned_after_;
                           }) > 0;
    if (std::exchange(pending_, false) || abandoned) return Wake::kChange;
    if (deadline && now >= *deadline) return Wake::kTimeout;
  }
}

Watcher::Wake Watcher::wait_readable(int fd) {
  std::array<pollfd, 2> fds{{{stop_, POLLIN, 0}, {fd, POLLIN, 0}}};
  while (poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
  }
  return fds[0].revents != 0 ? Wake::kStop : Wake::kChange;
}

void Watcher::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(stop_, &one, sizeof one);
}

bool Watcher::is_being_written(int watch, const std::string& name) {
  if (inotify_ >= 0) drain();
  return being_written_.contains({watch, name});
}

}  // namespace kgw::source
