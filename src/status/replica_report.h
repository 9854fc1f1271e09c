// What a replica reports of a Gateway's proxies that are connected to it, and how that is written
// down: JSON, one text per Gateway.
//
// Versions are content hashes, and all replicas make the same content of the same objects, so a
// version that a proxy there has accepted is one that it would accept here.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "status/delivery.h"
#include "status/feedback.h"
#include "xds/ledger.h"

namespace kgw::status {

// How the proxies of a replica stand to a resource.
struct ReportedResource {
  enum class State : std::uint8_t {
    kPending,   // some have not accepted the version that they are to have
    kAccepted,  // all of those that want it have `version`
    kRefused    // some refuse `version`, and no piece of it can be blamed
  };
  State state = State::kPending;
  envoy::Version version;  // meaningless while pending
  std::string message;     // Envoy's words, if refused

  friend bool operator==(const ReportedResource&, const ReportedResource&) = default;
};

struct GatewayReport {
  std::size_t proxies = 0;  // 0: there is nothing to report
  // Of listeners, route tables and secrets those that some proxy wants; of clusters and endpoints
  // those that are refused: more than that no status asks for.
  std::map<envoy::ResourceKey, ReportedResource> resources;
  // By unit (Feedback): the pieces that this replica's own proxies were found to refuse.
  std::map<envoy::ResourceKey, Feedback::Pieces> held;

  friend bool operator==(const GatewayReport&, const GatewayReport&) = default;
};

// Statuses tell of each of these whether it is accepted.
constexpr bool is_reported(envoy::ResourceType type) {
  return type == envoy::ResourceType::kListener || type == envoy::ResourceType::kRoute ||
         type == envoy::ResourceType::kSecret;
}

// Of the proxies of this replica.
GatewayReport report_of(const xds::Ledger& ledger, const Feedback& feedback,
                        const ObjectKey& gateway);

std::string encode_report(const ObjectKey& gateway, const GatewayReport& report);

struct DecodedReport {
  ObjectKey gateway;
  GatewayReport report;
  std::vector<std::string> unknown;  // fields that this version does not know, and leaves out
};
// Error: what is wrong with the text.
std::expected<DecodedReport, std::string> decode_report(std::string_view text);

}  // namespace kgw::status
