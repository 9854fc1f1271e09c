// The slow half of a change of layout (envoy/table_layout.h): remembers which layout each table
// has, and says when proxies hold the next one and when nobody uses an old one any more.
//
// Tables are functions of inputs, so the past is one: `layout history`. It follows the table of
// layouts by one commit, and advance() moves it on as proxies do. Thread: the core.
#pragma once

#include <chrono>
#include <functional>
#include <map>

#include "engine/graph.h"
#include "envoy/routes.h"
#include "xds/ledger.h"

namespace kgw::app {

class LayoutChanges {
 public:
  using Clock = std::chrono::steady_clock;
  // How the proxies of a Gateway stand to a resource.
  using Ask = std::function<xds::Delivery(const ObjectKey& gateway, const xds::ResourceKey&)>;

  // Envoy closes what is left of a draining filter chain after --drain-time-s, 600 unless an
  // installation says otherwise. A proxy that has another table in shards cannot tell that it
  // uses the old ones no more.
  static constexpr auto kDrained = std::chrono::minutes(11);

  LayoutChanges(engine::Graph& graph, envoy::Layouts& layouts);

  // To be called after each commit, when its resources are published, and from time to time. True
  // if something may go on now: the tables want a commit.
  bool advance(Clock::time_point now, const Ask& ask);

  // For a Gateway without proxies here, while those of another replica have the route tables that
  // `is_used` knows: where they have another layout, it is taken over, or what they accept would
  // never be what is published here. True as of advance().
  using IsUsed = std::function<bool(const Name& route_table)>;
  bool adopt(const ObjectKey& gateway, const IsUsed& is_used);

 private:
  bool advance(const attach::RouteTableId& table, Clock::time_point now, const Ask& ask);

  envoy::Layouts& layouts_;
  // Tables with several layouts, and since when each of the old ones is not served.
  std::map<attach::RouteTableId, std::map<attach::Layout, Clock::time_point>> changing_;
};

}  // namespace kgw::app
