#include "deploy/local/log_tail.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace kgw::deploy {
namespace {

constexpr std::int64_t kMaxLog = 16 << 20;
constexpr std::size_t kMaxLine = 16 << 10;

}  // namespace

LogTail::LogTail(boost::asio::io_context& context)
    : inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), events_(context) {
  if (inotify_ < 0) return;
  events_.assign(inotify_);
  arm();
}

LogTail::~LogTail() { close(); }

void LogTail::close() {
  boost::system::error_code ignored;
  events_.close(ignored);
  while (!files_.empty()) end(files_.begin()->first);
}

void LogTail::arm() {
  events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& error) {
                       if (error) return;
                       drain_events();
                       arm();
                     });
}

void LogTail::drain_events() {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  while (::read(inotify_, buffer.data(), buffer.size()) > 0) {
  }
  for (auto& [id, file] : files_) consume(file);
}

int LogTail::follow(const std::string& path, bool from_end, OnLine on_line) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  const int id = inotify_ < 0 ? -1 : inotify_add_watch(inotify_, path.c_str(), IN_MODIFY);
  if (id < 0) {
    ::close(fd);
    return -1;
  }
  File& file = files_[id];
  file.fd = fd;
  file.offset = from_end ? lseek(fd, 0, SEEK_END) : 0;
  file.on_line = std::move(on_line);
  consume(file);  // what was written before there was a watch gives no event
  return id;
}

void LogTail::end(int id) {
  const auto found = files_.find(id);
  if (found == files_.end()) return;
  File file = std::move(found->second);
  files_.erase(found);
  if (events_.is_open()) inotify_rm_watch(inotify_, id);
  consume(file);
  if (!file.partial.empty()) file.on_line(file.partial);
  ::close(file.fd);
}

void LogTail::consume(File& file) {
  std::array<char, 64 * 1024> buffer;
  struct stat st;
  if (fstat(file.fd, &st) == 0 && st.st_size < file.offset) file.offset = 0;  // emptied by others
  for (;;) {
    const ssize_t got = pread(file.fd, buffer.data(), buffer.size(), file.offset);
    if (got <= 0) break;
    file.offset += got;
    emit(file, {buffer.data(), static_cast<std::size_t>(got)});
  }
  // The writer appends, so it goes on at the new end.
  if (file.offset > kMaxLog && ftruncate(file.fd, 0) == 0) file.offset = 0;
}

void LogTail::emit(File& file, std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    file.partial.append(text.substr(0, end));
    if (end == std::string_view::npos && file.partial.size() < kMaxLine) return;
    file.on_line(file.partial);
    file.partial.clear();
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace kgw::deploy
