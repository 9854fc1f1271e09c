// What translating costs, from scratch and after a change, at 1 to 10,000 routes.
//
// Times are CPU time of the one thread that computes; "before encoding" is a commit without what
// tables take whose functions write protobuf bytes. The counters are medians.
// docs/performance.md tells what came out.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <functional>
#include <string_view>
#include <vector>

#include "app/bench_world.h"
#include "app/heap_bytes.h"

namespace kgw::app {
namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}
double cpu_now() { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }
// Much cheaper to ask, so it is what divides a commit of some microseconds.
double wall_now() { return seconds_of(CLOCK_MONOTONIC); }

double median(std::vector<double> samples) {
  if (samples.empty()) return 0;
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::ranges::nth_element(samples, middle);
  return *middle;
}

bool encodes(std::string_view table) {
  constexpr std::array kEncoding = {"encoded routes",    "virtual hosts",     "route shards",
                                    "encoded clusters",  "encoded endpoints", "filter chains",
                                    "gateway listeners", "encoded secrets"};
  return std::ranges::find(kEncoding, table) != kEncoding.end();
}

// Runs commits and notes what they cost, in seconds. Every second one is divided by the graph's
// trace, which costs time itself.
class Meter {
 public:
  Outcome commit(Translation& translation, const Events& events) {
    double encoding = 0, last = wall_now();
    divide_ = !divide_;
    if (divide_) {
      // What passes between two runs of compute functions is the share of the second.
      translation.graph.set_trace([&](const engine::TraceEvent& event) {
        const double now = wall_now();
        if (encodes(event.table)) encoding += now - last;
        last = now;
      });
    }
    const double start = cpu_now();
    translation.apply(events);
    Outcome outcome = translation.commit();
    took_ = cpu_now() - start;
    translation.graph.set_trace(nullptr);
    (divide_ ? before_encoding_ : total_).push_back(took_ - encoding);
    return outcome;
  }

  double took() const { return took_; }
  void report(benchmark::State& state, double unit) const {
    state.counters["total"] = median(total_) * unit;
    state.counters["before_encoding"] = median(before_encoding_) * unit;
  }

 private:
  bool divide_ = true;
  double took_ = 0;
  std::vector<double> total_, before_encoding_;
};

envoy::Settings settings() {
  envoy::Settings settings;
  settings.place.addresses = [](const Gateway&) { return std::vector<std::string>{"127.0.0.1"}; };
  return settings;
}

struct World {
  explicit World(int routes) : objects(decode(gateway_manifest())) {
    for (int i = 0; i < routes; ++i) append(objects, decode(app_manifests(i)));
    objects.push_back(builtin_class());
  }
  static source::ObjectEvent builtin_class() {
    return decode(
               "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\n"
               "metadata: {name: kgateway}\n"
               "spec: {controllerName: kgateway.dev/kgateway}\n")
        .front();
  }
  Events objects;
};

void count(const Outcome& outcome, benchmark::State& state) {
  std::size_t resources = 0, bytes = 0;
  for (const auto& [gateway, edit] : outcome.edits) {
    resources += edit.upserts.size() + edit.removals.size();
    for (const auto& [type, resource] : edit.upserts) bytes += resource.body->size();
  }
  state.counters["resources"] = static_cast<double>(resources);
  state.counters["bytes"] = static_cast<double>(bytes);
}

constexpr double kMilli = 1e3, kMicro = 1e6;

void BM_FromScratch(benchmark::State& state) {
  const World world(static_cast<int>(state.range(0)));
  Meter meter;
  for (auto _ : state) {
    const auto heap = static_cast<double>(heap_bytes());
    Translation translation(settings());
    Outcome outcome = meter.commit(translation, world.objects);
    state.SetIterationTime(meter.took());
    count(outcome, state);
    outcome = {};
    state.counters["heap_mib"] = (static_cast<double>(heap_bytes()) - heap) / (1 << 20);
  }
  meter.report(state, kMilli);
}

// Each iteration commits what `change` gives, for another route and another content each time.
void change_one(benchmark::State& state,
                const std::function<std::string(int route, int n)>& change) {
  const int routes = static_cast<int>(state.range(0));
  const World world(routes);
  Translation translation(settings());
  translation.apply(world.objects);
  translation.commit();
  Meter meter;
  int n = 0;
  for (auto _ : state) {
    ++n;
    const Outcome outcome = meter.commit(translation, decode(change((n * 7919) % routes, n)));
    if (outcome.edits.empty()) state.SkipWithError("nothing was published");
    state.SetIterationTime(meter.took());
    count(outcome, state);
  }
  meter.report(state, kMicro);
}

void BM_OneRouteChanged(benchmark::State& state) {
  change_one(state,
             [](int route, int n) { return route_manifest(route, "/v" + std::to_string(n)); });
}

void BM_OneEndpointChanged(benchmark::State& state) {
  change_one(state, [](int route, int n) { return slice_manifest(route, 3 + n % 200); });
}

void BM_OneRouteAdded(benchmark::State& state) {
  const int routes = static_cast<int>(state.range(0));
  change_one(state, [routes](int, int n) { return app_manifests(routes + n); });
}

// YAML to objects.
void BM_Decode(benchmark::State& state) {
  std::string text = gateway_manifest();
  for (int i = 0; i < state.range(0); ++i) text += "---\n" + app_manifests(i);
  std::vector<double> total;
  for (auto _ : state) {
    const auto heap = static_cast<double>(heap_bytes());
    const double start = cpu_now();
    const Events events = decode(text);
    total.push_back(cpu_now() - start);
    state.SetIterationTime(total.back());
    state.counters["heap_mib"] = (static_cast<double>(heap_bytes()) - heap) / (1 << 20);
  }
  state.counters["total"] = median(total) * kMilli;
  state.counters["bytes"] = static_cast<double>(text.size());
}

#define KGW_SIZES ->Arg(1)->Arg(1000)->Arg(5000)->Arg(10000)->UseManualTime()
BENCHMARK(BM_FromScratch) KGW_SIZES->Unit(benchmark::kMillisecond)->MinTime(2);
BENCHMARK(BM_OneRouteChanged) KGW_SIZES->Unit(benchmark::kMicrosecond)->Iterations(500);
BENCHMARK(BM_OneEndpointChanged) KGW_SIZES->Unit(benchmark::kMicrosecond)->Iterations(500);
BENCHMARK(BM_OneRouteAdded) KGW_SIZES->Unit(benchmark::kMicrosecond)->Iterations(300);
BENCHMARK(BM_Decode) KGW_SIZES->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kgw::app

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
