// `kgateway check` and `kgateway translate`: the translation of a set of manifests without running
// anything.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/diagnostic.h"
#include "app/translation.h"

namespace kgw::app {

// The objects of the manifests, translated as if every proxy had acknowledged everything.
struct OfflineResult {
  Diagnostics problems;           // of reading and of translating, in the order of files and lines
  nlohmann::ordered_json output;  // {"gateways": [...], "statuses": [...]}
};

struct OfflineOptions {
  std::vector<std::string> paths;
  std::optional<ObjectKey> gateway;  // only its configuration and what belongs to it
  bool weighted_routes = false;      // annotation kgateway.dev/route-weight counts
  bool with_output = true;           // false: only the problems are wanted
};

OfflineResult translate_offline(const OfflineOptions& options);

// Where listeners are when nothing runs: spec.addresses, else all addresses.
envoy::Settings offline_settings();
// Marks everything that is published as acknowledged by one proxy, until the tables are at rest.
void acknowledge_everything(Translation& translation);
// What a translation that is at rest would send and report.
nlohmann::ordered_json output_json(Translation& translation,
                                   const std::optional<ObjectKey>& gateway);
// What the tables say is wrong with objects, beyond what decoding found: False conditions by
// object.
Diagnostics translation_problems(const Translation& translation);

}  // namespace kgw::app
