// A client for Envoy's admin endpoint on its Unix socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace kgw::deploy {

struct AdminReply {
  unsigned status = 0;  // HTTP status
  std::string body;
};

struct BoundListener {
  std::string name;
  std::string address;
  std::uint16_t port = 0;
};

inline constexpr std::chrono::milliseconds kAdminTimeout{2000};

// One request; the error is one sentence. Blocks at most for `timeout`.
std::expected<AdminReply, std::string> admin_get(const std::string& socket,
                                                 const std::string& target,
                                                 std::chrono::milliseconds timeout = kAdminTimeout);
std::expected<AdminReply, std::string> admin_post(
    const std::string& socket, const std::string& target,
    std::chrono::milliseconds timeout = kAdminTimeout);

// Targets, and what their replies mean.
inline constexpr const char* kAdminReady = "/ready";
inline constexpr const char* kAdminListeners = "/listeners?format=json";
inline constexpr const char* kAdminConnections = "/stats?format=json&filter=downstream_cx_active";
inline constexpr const char* kAdminConfigDump = "/config_dump?include_eds";
inline constexpr const char* kAdminFailHealthCheck = "/healthcheck/fail";
inline constexpr const char* kAdminDrainGracefully = "/drain_listeners?graceful";
inline constexpr const char* kAdminCloseListeners = "/drain_listeners";

// Reply to kAdminListeners. Listeners on Unix sockets are left out.
std::vector<BoundListener> parse_listeners(std::string_view body);
// Reply to kAdminConnections: open connections of all listeners, without those to the admin.
std::uint64_t parse_connections(std::string_view body);

}  // namespace kgw::deploy
