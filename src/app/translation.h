// Translation: the whole graph from objects to Envoy resources and statuses, as one value.
//
// apply() takes what sources post; commit() recomputes what depends on it and returns the difference: one
// edit per Gateway, the statuses that changed, the Gateways that appeared or went. Everything that runs
// the product (run, check, translate, tests, benches) goes through here; nothing in here knows about threads,
// files or sockets.
// Thread: one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "app/feedback.h"
#include "attach/model.h"
#include "engine/graph.h"
#include "envoy/resources.h"
#include "envoy/routes.h"
#include "policy/rules.h"
#include "source/source.h"
#include "status/statuses.h"
#include "xds/snapshot.h"

namespace kgw::app {

// What one commit changed.
struct Outcome {
  std::map<ObjectKey, xds::Edit> edits;  // by Gateway
  std::vector<std::pair<ObjectRef, std::optional<status::ObjectStatus>>> statuses;  // none = gone
  std::vector<ObjectKey> gateways_added;
  std::vector<ObjectKey> gateways_removed;
  engine::CommitStats stats;
};

class Translation {
 public:
  explicit Translation(const envoy::Settings& settings);

  void apply(const std::vector<source::ObjectEvent>& events);
  Outcome commit();

  engine::Graph graph;
  attach::Model model;
  policy::Rules rules;
  envoy::Routes routes;
  envoy::Resources resources;
  status::Delivery delivery;
  status::Statuses statuses;

 private:
  template <typename Key>
  void collect(engine::Table<Key, envoy::Resource>& table, envoy::ResourceType type);

  Outcome outcome_;  // filled by watchers during a commit
};

}  // namespace kgw::app
