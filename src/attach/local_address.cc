#include "attach/local_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string>

namespace kgw::attach {
namespace {

using Ipv4 = std::array<std::uint8_t, 4>;
using Ipv6 = std::array<std::uint8_t, 16>;

bool is_local(const Ipv4& address) {
  return address[0] == 127 || address[0] == 0 || (address[0] == 169 && address[1] == 254);
}

bool is_local(const Ipv6& address) {
  if (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) return true;
  const auto zeros = std::ranges::find_if(address, [](auto byte) { return byte != 0; });
  const auto leading = zeros - address.begin();
  if (leading >= 15) return address[15] <= 1;  // :: and ::1
  // ::ffff:a.b.c.d (mapped), ::a.b.c.d (compatible, of old).
  const bool mapped = leading == 10 && address[10] == 0xff && address[11] == 0xff;
  if (!mapped && leading < 12) return false;
  return is_local(Ipv4{address[12], address[13], address[14], address[15]});
}

// As inet_pton takes it, without the zone of a link-local address.
template <typename Address>
bool parse(int family, std::string_view text, Address& address) {
  return inet_pton(family, std::string(text.substr(0, text.find('%'))).c_str(), address.data()) ==
         1;
}

bool is_local_name(std::string_view host) {
  std::string name(host);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name.ends_with('.')) name.pop_back();
  constexpr std::array<std::string_view, 5> kNames = {
      "localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"};
  return name.ends_with(".localhost") || std::ranges::find(kNames, name) != kNames.end();
}

Fault refused(std::string_view host) {
  return {"AddressNotAllowed", "The address \"" + std::string(host) +
                                   "\" is local to the proxy; backends may be there only with "
                                   "KGW_ALLOW_LOCAL_BACKENDS=true"};
}

}  // namespace

// The endpoint path asks for every address, and nearly all are IPv4 addresses of pods: they are
// told apart without being parsed.
bool is_local(std::string_view host) {
  if (host.find(':') != std::string_view::npos) {
    Ipv6 ipv6;
    return parse(AF_INET6, host, ipv6) && is_local(ipv6);
  }
  if (host.starts_with("127.") || host.starts_with("0.") || host.starts_with("169.254.")) {
    Ipv4 ipv4;
    if (parse(AF_INET, host, ipv4)) return is_local(ipv4);
  }
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!host.empty() && is_digit(host.front()) && is_digit(host.back())) return false;
  return is_local_name(host);
}

Fault local_host(const StaticBackend& backend) {
  const auto local = std::ranges::find_if(
      backend.hosts, [](const BackendHost& host) { return is_local(host.host); });
  return local == backend.hosts.end() ? Fault{} : refused(local->host);
}

Fault local_host(std::string_view external_name) {
  return is_local(external_name) ? refused(external_name) : Fault{};
}

}  // namespace kgw::attach
