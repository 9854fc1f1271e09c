// What a change costs when there are many routes or ListenerSets on one Gateway.
#include <benchmark/benchmark.h>

#include "attach/test_world.h"

namespace kgw::attach {
namespace {

std::string number(const char* prefix, std::int64_t i) { return prefix + std::to_string(i); }

HttpRoute numbered_route(std::int64_t i, const char* path = "/") {
  const std::string name = number("route-", i);
  auto r = route(HttpRoute(), "app", name.c_str(), {in(parent("gw"), "infra")},
                 {number("host-", i) + ".example.com"});
  r.rules.emplace_back().matches.emplace_back().path.value = path;
  r.rules[0].backend_refs.push_back({{.name = "web", .port = 80}});
  return r;
}

ListenerSet numbered_set(std::int64_t i, std::int32_t port = 80) {
  const std::string host = number("host-", i) + ".example.com";
  return listener_set("app", number("set-", i).c_str(), "infra", "gw",
                      {listener("web", "HTTP", port, host.c_str())});
}

Gateway open_gateway() {
  auto gw = gateway("infra", "gw", {allowing(listener("web", "HTTP", 80), FromNamespaces::kAll)});
  gw.allowed_listeners.from = FromNamespaces::kAll;
  return gw;
}

void BM_FirstRoutes(benchmark::State& state) {
  for (auto _ : state) {
    World world;
    world.set(open_gateway());
    for (std::int64_t i = 0; i < state.range(0); ++i) world.set(numbered_route(i));
    world.commit();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_FirstRoutes)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

// Of `routes`, one changes a rule: nothing may leave this layer.
void BM_RuleOfOneRoute(benchmark::State& state) {
  World world;
  world.set(open_gateway());
  for (std::int64_t i = 0; i < state.range(0); ++i) world.set(numbered_route(i));
  world.commit();
  bool flip = false;
  for (auto _ : state) {
    world.set(numbered_route(7, (flip = !flip) ? "/a" : "/b"));
    const auto stats = world.commit();
    if (stats.changed != 0) state.SkipWithError("a rule change left the layer");
  }
}
BENCHMARK(BM_RuleOfOneRoute)->Arg(1000)->Arg(10000)->Unit(benchmark::kMicrosecond);

void BM_OneListenerSetOfMany(benchmark::State& state) {
  World world;
  world.set(open_gateway());
  for (std::int64_t i = 0; i < state.range(0); ++i) world.set(numbered_set(i));
  world.commit();
  bool flip = false;
  for (auto _ : state) {
    world.set(numbered_set(7, (flip = !flip) ? 81 : 80));
    world.commit();
  }
}
BENCHMARK(BM_OneListenerSetOfMany)->Arg(100)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kgw::attach

BENCHMARK_MAIN();
