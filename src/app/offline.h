// `kgateway check` and `kgateway translate`: the translation of a set of manifests, or of the
// objects of a cluster, without running anything.
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
  // In the order of files and lines. An object with an error of reading is not in force at all; one
  // with an error of translating is, as far as it goes.
  Diagnostics of_reading;
  Diagnostics of_translating;
  nlohmann::ordered_json output;  // {"gateways": [...], "statuses": [...]}

  Diagnostics problems() const;  // all of them, in the same order
};

struct OfflineOptions {
  std::vector<std::string> paths;
  std::optional<ObjectKey> gateway;  // only its configuration and what belongs to it
  bool for_cluster = false;          // manifests, as a cluster that gets them would take them
  bool weighted_routes = false;      // annotation kgateway.dev/route-weight counts
  bool with_output = true;           // false: only the problems are wanted
};

OfflineResult translate_offline(const OfflineOptions& options);
// The same with all objects of a cluster in place of manifests (`options.paths`). Where not all of
// them could be read, nothing is translated, and the problems of reading say so.
OfflineResult translate_objects(source::Batch objects, const OfflineOptions& options);
// {"problems": [...]}, each with the "stage" it belongs to: "read" or "translate".
nlohmann::ordered_json problems_json(const OfflineResult& result);

// Where listeners are when nothing runs: spec.addresses, else all addresses.
envoy::Settings offline_settings();
// Marks everything that is published as acknowledged by one proxy, until the tables are at rest.
void acknowledge_everything(Translation& translation);
// What a translation that is at rest would send and report.
nlohmann::ordered_json output_json(Translation& translation,
                                   const std::optional<ObjectKey>& gateway);

}  // namespace kgw::app
