// What 5,000 HTTPRoutes cost: YAML or JSON text to checked objects, and the memory they keep.
#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include "api/registry.h"

namespace kgw {
namespace {

constexpr int kRoutes = 5000;

std::string routes_yaml() {
  std::string text;
  for (int i = 0; i < kRoutes; ++i) {
    const std::string n = std::to_string(i);
    text += R"(---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: route-)" +
            n + R"(
  namespace: team-)" +
            std::to_string(i % 50) + R"(
  labels: {app: shop, part: web}
spec:
  parentRefs:
  - name: gateway
    namespace: infra
    sectionName: https
  hostnames:
  - host-)" +
            n + R"(.example.com
  rules:
  - matches:
    - path: {type: PathPrefix, value: /api}
      headers:
      - {name: x-version, value: v2}
    - path: {type: Exact, value: /health}
    filters:
    - type: RequestHeaderModifier
      requestHeaderModifier:
        set:
        - {name: x-route, value: route-)" +
            n + R"(}
    backendRefs:
    - {name: service-)" +
            n + R"(, port: 8080, weight: 90}
    - {name: service-)" +
            n + R"(-canary, port: 8080, weight: 10}
    timeouts: {request: 10s}
  - backendRefs:
    - name: fallback
      port: 80
)";
  }
  return text;
}

void decode_yaml(benchmark::State& state) {
  const std::string text = routes_yaml();
  for (auto _ : state) {
    const auto all = decode_text(text, "bench.yaml", DecodeMode::kStrict);
    if (all.size() != kRoutes || all.back().object == nullptr) state.SkipWithError("not decoded");
  }
  state.SetItemsProcessed(state.iterations() * kRoutes);
}
BENCHMARK(decode_yaml)->Unit(benchmark::kMillisecond);

void decode_json(benchmark::State& state) {
  std::vector<std::string> texts;
  for (const Decoded& decoded : decode_text(routes_yaml(), "bench.yaml", DecodeMode::kStrict)) {
    texts.push_back(encode_object(*decoded.object).dump());
  }
  for (auto _ : state) {
    for (const std::string& text : texts) {
      const doc::Parsed parsed = doc::parse(text, doc::Format::kJson);
      benchmark::DoNotOptimize(decode_object(parsed.documents[0], "", DecodeMode::kLenient));
    }
  }
  state.SetItemsProcessed(state.iterations() * kRoutes);
}
BENCHMARK(decode_json)->Unit(benchmark::kMillisecond);

void hash(benchmark::State& state) {
  const auto all = decode_text(routes_yaml(), "bench.yaml", DecodeMode::kStrict);
  for (auto _ : state) {
    for (const Decoded& decoded : all) benchmark::DoNotOptimize(hash_object(*decoded.object));
  }
  state.SetItemsProcessed(state.iterations() * kRoutes);
}
BENCHMARK(hash)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kgw

BENCHMARK_MAIN();
