#include "app/layout_changes.h"

#include <algorithm>

namespace kgw::app {
namespace {

using attach::Layout;
using attach::RouteTableId;
using attach::ShardId;
using envoy::ResourceType;

std::uint32_t shards_of(const Layout& layout) { return layout.sharded ? envoy::kShards : 1; }

// Proxies that follow scopes have the whole layout; others will wait for it before they use it.
bool is_held(const RouteTableId& table, const Layout& layout, const LayoutChanges::Ask& ask) {
  if (!layout.sharded) return true;
  for (std::uint32_t i = 0; i < envoy::kShards; ++i) {
    const Name name = envoy::shard_name({table, layout, i});
    const auto scope = ask(table.gateway, {ResourceType::kScopedRoute, name});
    if (scope.accepted < scope.subscribed) return false;
    const auto route = ask(table.gateway, {ResourceType::kRoute, name});
    if (route.accepted < route.subscribed || route.subscribed < scope.subscribed) return false;
  }
  return true;
}

// Proxies that are away may come back with it.
bool is_used(const RouteTableId& table, const Layout& layout, const LayoutChanges::Ask& ask) {
  for (std::uint32_t i = 0; i < shards_of(layout); ++i) {
    const Name name = envoy::shard_name({table, layout, i});
    const auto route = ask(table.gateway, {ResourceType::kRoute, name});
    if (route.proxies == 0 || route.subscribed > 0) return true;
  }
  return false;
}

}  // namespace

LayoutChanges::LayoutChanges(engine::Graph& graph, envoy::Layouts& layouts) : layouts_(layouts) {
  graph.watch(layouts.table, [this](auto changes) {
    for (const auto& change : changes) {
      if (change.after == nullptr) {
        layouts_.history.erase(change.key);
        changing_.erase(change.key);
        continue;
      }
      layouts_.history.set(change.key, envoy::history_of(*change.after));
      if (change.after->published.size() > 1) {
        changing_.try_emplace(change.key);
      } else {
        changing_.erase(change.key);
      }
    }
  });
}

bool LayoutChanges::advance(Clock::time_point now, const Ask& ask) {
  bool moved = false;
  // Steps change what is changing only in the next commit.
  for (const auto& [table, since] : changing_) moved |= advance(table, now, ask);
  return moved;
}

bool LayoutChanges::advance(const RouteTableId& table, Clock::time_point now, const Ask& ask) {
  const envoy::TableLayout* layout = layouts_.table.find(table);
  if (layout == nullptr) return false;
  envoy::LayoutHistory history = envoy::history_of(*layout);
  auto& since = changing_[table];
  std::erase_if(since, [&](const auto& entry) {
    return std::ranges::find(history.retiring, entry.first) == history.retiring.end();
  });
  bool moved = false;
  if (layout->next && is_held(table, *layout->next, ask)) {
    history.ready = layout->next;
    moved = true;
  }
  moved |= std::erase_if(history.retiring, [&](const Layout& old) {
             const auto left = since.try_emplace(old, now).first->second;
             return now - left >= kDrained || !is_used(table, old, ask);
           }) > 0;
  if (moved) layouts_.history.set(table, std::move(history));
  return moved;
}

bool LayoutChanges::adopt(const ObjectKey& gateway, const IsUsed& is_used) {
  std::vector<std::pair<RouteTableId, Layout>> others;
  layouts_.table.for_each([&](const RouteTableId& table, const envoy::TableLayout& own) {
    const auto has = [&](const Layout& layout) {
      return is_used(envoy::shard_name({table, layout, 0}));
    };
    if (table.gateway != gateway || has(own.serving)) return;
    for (std::uint8_t label = 0; label <= envoy::kMaxLabel; ++label) {
      if (has({true, label})) return others.emplace_back(table, Layout{true, label}), void();
    }
    if (has({})) others.emplace_back(table, Layout{});
  });
  for (const auto& [table, layout] : others) layouts_.history.set(table, {.serving = layout});
  return !others.empty();
}

}  // namespace kgw::app
