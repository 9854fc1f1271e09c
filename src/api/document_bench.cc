// How fast text becomes a tree: a file of many small documents, as YAML and as JSON.
#include <benchmark/benchmark.h>

#include "api/document.h"

namespace kgw::doc {
namespace {

std::string ten_megabytes() {
  std::string text = "items:\n";
  while (text.size() < 10u << 20) {
    text += "- name: route\n  hosts: [a.example.com, b.example.com]\n  port: 8080\n";
  }
  return text;
}

void read_yaml(benchmark::State& state) {
  const std::string text = ten_megabytes();
  for (auto _ : state) benchmark::DoNotOptimize(parse(text, Format::kYaml));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(read_yaml)->Unit(benchmark::kMillisecond);

void read_json(benchmark::State& state) {
  const Parsed parsed = parse(ten_megabytes(), Format::kYaml);
  const std::string text = to_json(parsed.documents[0]);
  for (auto _ : state) benchmark::DoNotOptimize(parse(text, Format::kJson));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(read_json)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kgw::doc

BENCHMARK_MAIN();
