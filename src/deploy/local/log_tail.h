// LogTail: follows the log files of the proxies line by line.
//
// Envoy writes into a file and not into a pipe: a pipe would end it by SIGPIPE, or block it, once
// the controller is gone. The file is emptied when all of it was read and it has grown large.
// Thread: that of its io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace kgw::deploy {

class LogTail {
 public:
  // Without the line's end.
  using OnLine = std::function<void(std::string_view line)>;

  explicit LogTail(boost::asio::io_context& context);
  ~LogTail();
  LogTail(const LogTail&) = delete;
  LogTail& operator=(const LogTail&) = delete;

  // Starts at the beginning or the current end of the file; creates it if need be. Lines that are
  // there already come before this returns. The id is negative when the file cannot be followed.
  int follow(const std::string& path, bool from_end, OnLine on_line);
  // Hands over what has been written up to now, also an unfinished line, and forgets the file.
  void end(int id);
  void close();

 private:
  struct File {
    int fd = -1;
    std::int64_t offset = 0;
    std::string partial;
    OnLine on_line;
  };

  void arm();
  void drain_events();
  static void consume(File& file);
  static void emit(File& file, std::string_view text);

  int inotify_;
  boost::asio::posix::stream_descriptor events_;
  std::map<int, File> files_;  // by inotify watch
};

}  // namespace kgw::deploy
