// What a proxy costs: the heap that its stream keeps once it has everything, and the time of one
// change, for fleets of proxies of one Gateway with 1,000 Services. Transport is left out, encoding
// is not: the hub, real messages, and proxies that accept whatever they are sent.
#include <benchmark/benchmark.h>
#include <grpcpp/support/byte_buffer.h>
#ifdef KGW_HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif

#include <deque>

#include "xds/hub.h"
#include "xds/wire.h"

namespace kgw::xds {
namespace {

constexpr int kServices = 1000;
const ObjectKey kGateway = {"ns", "gw"};

// Bytes in use.
std::size_t heap() {
#ifdef KGW_HAVE_JEMALLOC
  std::uint64_t epoch = 1;
  std::size_t size = sizeof epoch;
  mallctl("epoch", &epoch, &size, &epoch, size);
  std::size_t allocated = 0;
  size = sizeof allocated;
  mallctl("stats.allocated", &allocated, &size, nullptr, 0);
  return allocated;
#else
  return mallinfo2().uordblks;
#endif
}

std::string service(int i) { return "kube_team-" + std::to_string(i) + "_service_8080"; }

Edit endpoints(int i, int salt) {
  Edit edit;
  edit.upserts.emplace_back(
      ResourceType::kEndpoint,
      envoy::make_resource(service(i), std::string(300, 'e') + std::to_string(salt)));
  return edit;
}

Edit everything() {
  Edit edit;
  for (int i = 0; i < kServices; ++i) {
    edit.upserts.emplace_back(ResourceType::kCluster,
                              envoy::make_resource(service(i), std::string(250, 'c')));
    edit.upserts.push_back(endpoints(i, 0).upserts.front());
  }
  edit.upserts.emplace_back(ResourceType::kListener,
                            envoy::make_resource("listener~80", std::string(2000, 'l')));
  edit.upserts.emplace_back(ResourceType::kRoute,
                            envoy::make_resource("listener~80", std::string(200'000, 'r')));
  return edit;
}

class Fleet final : public Sink, public LedgerObserver {
 public:
  explicit Fleet(Protocol protocol) : protocol_(protocol), hub_({}, *this, *this, Time()) {
    hub_.set_synced();
    hub_.publish(kGateway, everything());
  }

  void connect(int proxies) {
    std::vector<Name> names;
    for (int i = 0; i < kServices; ++i) names.emplace_back(service(i));
    for (int i = 0; i < proxies; ++i) {
      const StreamId id = ++last_id_;
      hub_.opened(id, {protocol_, kGateway, {"proxy-" + std::to_string(id), "gw.ns", ""}, ""});
      ask(id, ResourceType::kCluster, {});
      ask(id, ResourceType::kEndpoint, names);
      ask(id, ResourceType::kListener, {});
      ask(id, ResourceType::kRoute, {"listener~80"});
    }
  }

  void publish(Edit edit) {
    hub_.publish(kGateway, std::move(edit));
    answer();
  }

  std::uint64_t delivered() const { return delivered_; }

 private:
  struct Answer {
    StreamId id;
    Request request;
  };

  void ask(StreamId id, ResourceType type, std::vector<Name> names) {
    Request request{.type = type};
    (protocol_ == Protocol::kDelta ? request.subscribe : request.names) = names;
    hub_.request(id, std::move(request));
    answer();
  }

  void answer() {
    while (!answers_.empty()) {
      Answer next = std::move(answers_.front());
      answers_.pop_front();
      hub_.request(next.id, std::move(next.request));
    }
  }

  std::size_t send(StreamId id, Protocol protocol, const Response& response) override {
    const std::size_t size = encoder_.encode(protocol, response).Length();
    Request request{.type = response.type, .nonce = response.nonce};
    if (protocol == Protocol::kStateOfTheWorld) {
      request.version_info = response.version_info;
      if (response.type == ResourceType::kEndpoint) {
        for (int i = 0; i < kServices; ++i) request.names.emplace_back(service(i));
      } else if (response.type == ResourceType::kRoute) {
        request.names = {"listener~80"};
      }
    }
    answers_.push_back({id, std::move(request)});
    return size;
  }
  void read_next(StreamId) override {}
  void close(StreamId, const std::string&) override {}
  void on_delivered(const ObjectKey&, const ResourceKey&, Version) override { ++delivered_; }
  void on_rejected(const ObjectKey&, const ResourceKey&, Version, const std::string&) override {}
  void on_proxies_changed(const ObjectKey&, std::size_t) override {}

  const Protocol protocol_;
  Hub hub_;
  Encoder encoder_;
  StreamId last_id_ = 0;
  std::deque<Answer> answers_;
  std::uint64_t delivered_ = 0;
};

Protocol protocol_of(const benchmark::State& state) {
  return state.range(0) == 0 ? Protocol::kDelta : Protocol::kStateOfTheWorld;
}

// Connects all of them, one after the other.
void memory_of_a_proxy(benchmark::State& state) {
  const int proxies = static_cast<int>(state.range(1));
  for (auto _ : state) {
    Fleet fleet(protocol_of(state));
    fleet.connect(1);  // what all of them share is made with the first
    const std::size_t before = heap();
    fleet.connect(proxies);
    state.counters["bytes_per_proxy"] =
        (static_cast<double>(heap()) - static_cast<double>(before)) / proxies;
  }
}
BENCHMARK(memory_of_a_proxy)
    ->ArgNames({"sotw", "proxies"})
    ->ArgsProduct({{0, 1}, {1, 100, 1000}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// One ClusterLoadAssignment, until every proxy has accepted it.
void endpoint_change(benchmark::State& state) {
  Fleet fleet(protocol_of(state));
  fleet.connect(static_cast<int>(state.range(1)));
  const std::uint64_t before = fleet.delivered();
  int salt = 0;
  for (auto _ : state) {
    ++salt;
    fleet.publish(endpoints(salt % kServices, salt));
  }
  if (fleet.delivered() - before != static_cast<std::uint64_t>(salt)) {
    state.SkipWithError("a change was not delivered");
  }
}
BENCHMARK(endpoint_change)
    ->ArgNames({"sotw", "proxies"})
    ->ArgsProduct({{0}, {1, 100, 1000}})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kgw::xds

BENCHMARK_MAIN();
