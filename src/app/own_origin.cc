#include "app/own_origin.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <string_view>

#include "policy/envoy_rules.h"

namespace kgw::app {
namespace {

namespace ip = boost::asio::ip;

// "a.com" of "A.com:80", "::1" of "[::1]:80".
std::string name_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? "" : policy::to_lower(authority.substr(1, end - 1));
  }
  return policy::to_lower(authority.substr(0, authority.find(':')));
}

// IPv4 in the form of IPv6 is IPv4.
std::optional<ip::address> address_of(const std::string& text) {
  boost::system::error_code error;
  const ip::address address = ip::make_address(text, error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  }
  return address;
}

bool is_own(const std::string& name, const std::string& local_address,
            const std::vector<std::string>& names) {
  if (name == "localhost") return true;
  if (std::ranges::any_of(names, [&](const std::string& own) { return name_of(own) == name; })) {
    return true;
  }
  const auto address = address_of(name);
  return address && (address->is_loopback() || address == address_of(local_address));
}

}  // namespace

std::optional<std::string> foreign_origin(const HttpRequest& request,
                                          const std::vector<std::string>& names) {
  if (!request.host.empty() && !is_own(name_of(request.host), request.local_address, names)) {
    return "Host is neither localhost, nor an address of this endpoint, nor a name that it was "
           "given";
  }
  if (request.origin.empty()) return std::nullopt;
  const std::size_t scheme = request.origin.find("://");
  const bool same =
      scheme != std::string::npos && !request.host.empty() &&
      policy::to_lower(request.origin.substr(scheme + 3)) == policy::to_lower(request.host);
  if (same) return std::nullopt;
  return "Origin is another site";
}

}  // namespace kgw::app
