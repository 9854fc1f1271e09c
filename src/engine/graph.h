// Graph: a program of tables that keeps itself up to date. This is the header to include.
//
//   Graph g;
//   auto& routes = g.input<RouteKey, Route>("routes");
//   auto& by_gateway = g.index<GatewayKey>(routes, "routes by gateway",
//       [](const RouteKey&, const Route& route, auto&& emit) { emit(route.gateway); });
//   auto& hosts = g.derived<GatewayKey, Hosts>("hosts").from(by_gateway,
//       [&](const GatewayKey& gateway, Read& read) -> std::optional<Hosts> {
//         Hosts hosts;
//         read.each(by_gateway, gateway, [&](const RouteKey&, const Route& r) { hosts.add(r); });
//         return hosts;
//       });
//   g.watch(hosts, [](std::span<const Change<GatewayKey, Hosts>> changes) { ... });
//   routes.set(key, route);
//   g.commit();
//
// All tables, indexes and feeds are made before the first commit, in an order in which each reads
// only those before it; they live as long as the graph.
// Thread: one thread owns a graph and everything in it.
#pragma once

#include "engine/derived.h"

namespace kgw::engine {

class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  template <class K, class V>
  Input<K, V>& input(std::string name) {
    return runtime_.add(std::make_unique<Input<K, V>>(runtime_, std::move(name)));
  }

  // An empty table; feed it with from().
  template <class K, class V>
  Derived<K, V>& derived(std::string name) {
    return runtime_.add(std::make_unique<Derived<K, V>>(runtime_, std::move(name)));
  }

  // extract(const K&, const V&, emit) calls emit(IK) for each bucket in which the entry stands;
  // repeats count once. Pure, see Index::Extractor.
  template <class IK, class K, class V, class Extract>
  Index<IK, K, V>& index(Table<K, V>& table, std::string name, Extract extract) {
    auto collect = [extract = std::move(extract)](const K& key, const V& value,
                                                  std::vector<IK>& keys) {
      extract(key, value, [&keys](IK index_key) { keys.push_back(std::move(index_key)); });
    };
    return runtime_.add(
        std::make_unique<Index<IK, K, V>>(runtime_, std::move(name), table, std::move(collect)));
  }

  // Calls f(std::span<const Change<K, V>>) at the end of each commit that has changed entries of
  // `table`, with all of them in key order; all tables are settled then. Watchers run in the order
  // of their tables, those of one table in the order of watch(). They may set inputs (for the next
  // commit) and keep the values; the span dies with the call.
  template <class K, class V, class F>
  void watch(Table<K, V>& table, F f) {
    runtime_.require_idle("watch()", table);
    table.observed_ = true;
    table.watchers_.push_back(std::move(f));
  }

  // Takes over what has been set and erased, and brings everything up to date.
  CommitStats commit() { return runtime_.commit(); }

  template <class K, class V>
  Explanation explain(const Table<K, V>& table, const std::type_identity_t<K>& key,
                      const ExplainLimits& limits = {}) const {
    if (const auto* cell = table.lookup(key)) return runtime_.explain(*cell, limits);
    return {.table = table.name(),
            .kind = table.kind(),
            .read = ReadKind::kValue,
            .key = key_text(key)};
  }

  // In the order of creation.
  std::vector<TableInfo> tables() const { return runtime_.tables(); }

  // Called within commit() for each changed input entry and each run of a compute function, and
  // for derived entries that lost their origin; by table in order, then by key.
  void set_trace(std::function<void(const TraceEvent&)> trace) {
    runtime_.trace = std::move(trace);
  }

 private:
  Runtime runtime_;
};

}  // namespace kgw::engine
