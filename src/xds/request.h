// What proxies say, decoded: the part of a (Delta)DiscoveryRequest that the state machines need.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "xds/snapshot.h"

namespace kgw::xds {

enum class Protocol : std::uint8_t { kDelta, kStateOfTheWorld };

// Who is asking (envoy.config.core.v3.Node).
struct Node {
  std::string id;
  std::string cluster;
  std::string role;  // metadata.role
};

struct Request {
  ResourceType type = ResourceType::kSecret;
  std::string nonce;                 // of the response that this acknowledges; empty if none
  std::optional<std::string> error;  // present: a NACK, with Envoy's words

  // Delta: the changes of the subscription. "*" is the explicit wildcard.
  std::vector<Name> subscribe;
  std::vector<Name> unsubscribe;
  // Delta, in the first request of a type: what the proxy holds from an earlier stream. A version
  // that is not ours equals none of ours.
  std::vector<std::pair<Name, Version>> held;

  // State of the world: the whole subscription, and the version last accepted.
  std::vector<Name> names;
  std::string version_info;
};

struct Response {
  ResourceType type = ResourceType::kSecret;
  std::string nonce;
  std::string version_info;
  std::vector<EntryPtr> resources;
  std::vector<Name> removed;  // delta only
};
using Responses = std::vector<Response>;

}  // namespace kgw::xds
