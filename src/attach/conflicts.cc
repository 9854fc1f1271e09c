#include <absl/container/flat_hash_map.h>

#include "attach/bind.h"
#include "attach/hostname.h"

namespace kgw::attach {
namespace {

// What may share a port.
enum class Family { kHttp, kTls, kTcp, kUdp };

Family family_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kHttp:
      return Family::kHttp;
    case Protocol::kHttps:
    case Protocol::kTls:
      return Family::kTls;
    case Protocol::kTcp:
      return Family::kTcp;
    case Protocol::kUdp:
      return Family::kUdp;
  }
  return Family::kUdp;
}

struct Port {
  const BoundListener* first;
  Family family;
  absl::flat_hash_map<Name, BoundListener*> by_hostname;
};

// Names a listener of the same owner; says no more than "another" about those of other people.
std::string describe(const BoundListener& other, const BoundListener& loser) {
  if (other.id.owner == loser.id.owner) return "listener \"" + other.id.name.str() + "\"";
  return other.id.owner.kind == Kind::kGateway ? "a listener of the Gateway"
                                               : "a listener of an earlier ListenerSet";
}

Fault conflict_with(const Port& port, const BoundListener& listener) {
  const Family family = family_of(*listener.protocol);
  const std::string number = std::to_string(listener.port);
  if (family != port.family || family == Family::kTcp || family == Family::kUdp) {
    return {"ProtocolConflict", "Protocol " + listener.spec->protocol + " cannot share port " +
                                    number + " with protocol " + port.first->spec->protocol +
                                    " of " + describe(*port.first, listener)};
  }
  const auto same = port.by_hostname.find(listener.hostname);
  if (same == port.by_hostname.end()) return {};
  const std::string hostname =
      listener.hostname.empty() ? "no hostname" : "hostname \"" + listener.hostname.str() + "\"";
  return {"HostnameConflict", "Port " + number + " with " + hostname + " is already taken by " +
                                  describe(*same->second, listener)};
}

// Of two listeners that terminate TLS and share hosts, a client may send requests for the one over
// a connection made for the other (GEP-3567).
void judge_overlaps(Port& port) {
  const auto terminates = [](const BoundListener& listener) {
    return listener.tls_mode == TlsMode::kTerminate;
  };
  for (auto& [hostname, listener] : port.by_hostname) {
    if (hostname.empty() || !terminates(*listener)) continue;
    for (std::string pattern = wider(hostname.view());; pattern = wider(pattern)) {
      const auto covering = port.by_hostname.find(Name(pattern));
      if (covering != port.by_hostname.end() && terminates(*covering->second)) {
        for (BoundListener* each : {listener, covering->second}) {
          each->overlapping = {"OverlappingHostnames",
                               "The hostname overlaps with that of another listener on port " +
                                   std::to_string(each->port)};
        }
      }
      if (pattern.empty()) break;
    }
  }
}

}  // namespace

void judge_conflicts(std::span<BoundListener> listeners) {
  absl::flat_hash_map<std::pair<std::int32_t, bool>, Port> ports;  // number, is UDP
  for (BoundListener& listener : listeners) {
    if (!listener.usable()) continue;
    const Family family = family_of(*listener.protocol);
    const auto [at, is_new] =
        ports.try_emplace({listener.port, family == Family::kUdp}, Port{&listener, family, {}});
    if (!is_new) listener.conflicted = conflict_with(at->second, listener);
    if (!listener.conflicted) at->second.by_hostname.try_emplace(listener.hostname, &listener);
  }
  for (auto& [number, port] : ports) {
    if (port.family == Family::kTls) judge_overlaps(port);
  }
}

}  // namespace kgw::attach
