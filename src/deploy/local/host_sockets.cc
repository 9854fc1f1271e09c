#include "deploy/local/host_sockets.h"

#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

#include "attach/host_ports.h"

namespace kgw::deploy {
namespace {

namespace fs = std::filesystem;
namespace ip = boost::asio::ip;

constexpr std::string_view kListening = "0A";  // TCP_LISTEN in /proc/net/tcp

std::vector<std::string> command_line(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

// f(pid) for every process, until it returns true.
template <typename F>
void any_process(F&& f) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (!std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) continue;
    if (f(static_cast<pid_t>(std::stol(name)))) return;
  }
}

// "0100007F" or 32 digits, in words of the host's byte order; empty: neither.
std::string parse_hex(const std::string& text) {
  std::vector<std::uint32_t> words;
  for (std::size_t at = 0; at + 8 <= text.size(); at += 8) {
    words.push_back(static_cast<std::uint32_t>(std::stoul(text.substr(at, 8), nullptr, 16)));
  }
  if (words.size() == 1) return ip::address_v4(ntohl(words[0])).to_string();
  if (words.size() != 4) return {};
  ip::address_v6::bytes_type bytes;
  std::copy_n(reinterpret_cast<const unsigned char*>(words.data()), bytes.size(), bytes.begin());
  return ip::address_v6(bytes).to_string();
}

using Inodes = std::map<std::string, uid_t>;  // "socket:[17]" -> its owner

void add_inodes(const char* table, const HostSocket& socket, Inodes& inodes) {
  std::ifstream file(std::string("/proc/self/net/") + table);
  std::string line;
  std::getline(file, line);  // the head
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queue, timer, retransmits, timeout, inode;
    uid_t uid = 0;
    fields >> slot >> local >> remote >> state >> queue >> timer >> retransmits >> uid >> timeout >>
        inode;
    const std::size_t colon = local.find(':');
    if (!fields || colon == std::string::npos || (!socket.udp && state != kListening)) continue;
    if (std::stoul(local.substr(colon + 1), nullptr, 16) != socket.port) continue;
    if (attach::overlap(parse_hex(local.substr(0, colon)), socket.address))
      inodes["socket:[" + inode + "]"] = uid;
  }
}

Inodes inodes_of(const HostSocket& socket) {
  Inodes inodes;
  add_inodes(socket.udp ? "udp" : "tcp", socket, inodes);
  add_inodes(socket.udp ? "udp6" : "tcp6", socket, inodes);
  return inodes;
}

// The sockets of one process among `inodes`; absent when its files cannot be seen.
std::optional<std::vector<std::string>> sockets_of(pid_t pid, const Inodes& inodes) {
  std::vector<std::string> found;
  std::error_code error;
  fs::directory_iterator files("/proc/" + std::to_string(pid) + "/fd", error);
  if (error) return std::nullopt;
  while (files != fs::directory_iterator()) {
    std::error_code unreadable;
    const fs::path target = fs::read_symlink(files->path(), unreadable);
    if (!unreadable && inodes.contains(target.string())) found.push_back(target.string());
    files.increment(error);
    if (error) return std::nullopt;  // the process ended meanwhile
  }
  return found;
}

struct EnvoyPlace {
  std::string state_dir;
  std::string gateway;
};

// Of an argument "<state directory>/proxies/<namespace>~<name>/<n>/bootstrap.json" (StateDir).
std::optional<EnvoyPlace> envoy_place(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (!word.ends_with("/bootstrap.json")) continue;
    const fs::path gateway = fs::path(word).parent_path().parent_path();
    if (gateway.parent_path().filename() != "proxies") continue;
    std::string name = gateway.filename();
    std::ranges::replace(name, '~', '/');
    return EnvoyPlace{gateway.parent_path().parent_path(), name};
  }
  return std::nullopt;
}

}  // namespace

int try_bind(const HostSocket& socket) {
  boost::system::error_code error;
  const ip::address address = ip::make_address(socket.address, error);
  if (error) return EINVAL;
  const int fd = ::socket(address.is_v4() ? AF_INET : AF_INET6,
                          (socket.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int on = 1, off = 0;
  // Connections that are closed already do not count; for UDP the option would mean to share.
  if (!socket.udp) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  int result = 0;
  if (address.is_v4()) {
    v4 = {.sin_family = AF_INET,
          .sin_port = htons(socket.port),
          .sin_addr = {htonl(address.to_v4().to_uint())},
          .sin_zero = {}};
    result = bind(fd, reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  } else {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(socket.port);
    std::ranges::copy(address.to_v6().to_bytes(), v6.sin6_addr.s6_addr);
    result = bind(fd, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  }
  const int failure = result == 0 ? 0 : errno;
  close(fd);
  return failure;
}

std::vector<Holder> holders_of(const HostSocket& socket) {
  Inodes inodes = inodes_of(socket);
  std::vector<Holder> holders;
  any_process([&](pid_t pid) {
    const auto sockets = sockets_of(pid, inodes);
    if (!sockets || sockets->empty()) return inodes.empty();
    holders.push_back({pid, inodes.at(sockets->front())});
    for (const std::string& inode : *sockets) inodes.erase(inode);
    return inodes.empty();
  });
  for (const auto& [inode, uid] : inodes) holders.push_back({0, uid});
  std::ranges::sort(holders);
  const auto repeats = std::ranges::unique(holders);
  holders.erase(repeats.begin(), repeats.end());
  return holders;
}

bool has_argument_under(pid_t pid, const std::string& prefix) {
  return std::ranges::any_of(command_line(pid),
                             [&](const std::string& word) { return word.starts_with(prefix); });
}

bool hides_argument_under(const std::string& prefix) {
  bool hides = false;
  any_process([&](pid_t pid) {
    std::error_code error;
    fs::directory_iterator files("/proc/" + std::to_string(pid) + "/fd", error);
    hides = error && has_argument_under(pid, prefix);
    return hides;
  });
  return hides;
}

std::string describe(const Holder& holder) {
  if (holder.pid == 0) return "a process of user " + std::to_string(holder.uid);
  const std::string number = std::to_string(holder.pid);
  const std::vector<std::string> words = command_line(holder.pid);
  if (const auto envoy = envoy_place(words)) {
    return "the Envoy of Gateway " + envoy->gateway + " (process " + number + ", state directory " +
           envoy->state_dir + ")";
  }
  if (words.empty()) return "process " + number;
  return "process " + number + " (" + fs::path(words.front()).filename().string() + ")";
}

}  // namespace kgw::deploy
