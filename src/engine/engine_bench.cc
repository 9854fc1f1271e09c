// What a commit costs, at the size of a large Gateway: 10,000 routes.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "engine/graph.h"

namespace kgw::engine {
namespace {

constexpr int kEntries = 10'000;
using Key = std::string;

Key route_name(int i) { return "team-" + std::to_string(i / 100) + "/route-" + std::to_string(i); }

// An input and a chain of derived tables behind it, each entry doing `reads` reads of the input
// beside its own origin.
struct Chain {
  Graph g;
  Input<Key, int>& routes = g.input<Key, int>("routes");
  std::vector<Derived<Key, int>*> tables;

  Chain(int length, int reads) {
    for (int level = 0; level < length; ++level) {
      auto fn = [this, reads](const Key& key, const int& value, Read& read) {
        int sum = value;
        Key neighbour = key;
        for (int i = 0; i < reads; ++i) {
          neighbour.back() = static_cast<char>('0' + i);
          if (const int* found = read.get(routes, neighbour)) sum += *found;
        }
        return sum;
      };
      auto& table = g.derived<Key, int>("level " + std::to_string(level));
      level == 0 ? table.from(routes, fn) : table.from(*tables.back(), fn);
      tables.push_back(&table);
    }
  }

  void fill() {
    for (int i = 0; i < kEntries; ++i) routes.set(route_name(i), i);
    g.commit();
  }
};

void from_scratch(benchmark::State& state) {
  for (auto _ : state) {
    Chain chain(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
    chain.fill();
    benchmark::DoNotOptimize(chain.tables.back()->size());
  }
}
BENCHMARK(from_scratch)
    ->ArgNames({"tables", "reads"})
    ->Args({1, 0})
    ->Args({8, 0})
    ->Args({8, 10})
    ->Unit(benchmark::kMillisecond);

// Heap bytes per derived entry (key of 32 bytes and value included), and per recorded read.
void memory(benchmark::State& state) {
  const auto heap_of = [](int length, int reads) {
    const size_t before = mallinfo2().uordblks;
    Chain chain(length, reads);
    chain.fill();
    return static_cast<double>(mallinfo2().uordblks - before);
  };
  double base = 0, plain = 0, reading = 0;
  for (auto _ : state) {
    base = heap_of(1, 0);
    plain = heap_of(8, 0);
    reading = heap_of(8, 10);
  }
  state.counters["bytes_per_entry"] = (plain - base) / (7.0 * kEntries);
  state.counters["bytes_per_read"] = (reading - plain) / (80.0 * kEntries);
}
BENCHMARK(memory)->Iterations(1)->Unit(benchmark::kMillisecond);

void one_change_through_a_chain_of_5(benchmark::State& state) {
  Chain chain(5, 0);
  chain.fill();
  int i = 0;
  for (auto _ : state) {
    ++i;
    chain.routes.set(route_name(i % kEntries), -i);
    benchmark::DoNotOptimize(chain.g.commit());
  }
}
BENCHMARK(one_change_through_a_chain_of_5)->Unit(benchmark::kMicrosecond);

void a_commit_without_changes(benchmark::State& state) {
  Chain chain(8, 0);
  chain.fill();
  for (auto _ : state) benchmark::DoNotOptimize(chain.g.commit());
}
BENCHMARK(a_commit_without_changes);

// All routes in one bucket, read by as many readers as asked for, in the way asked for.
struct Bucket {
  Graph g;
  Input<Key, int>& routes = g.input<Key, int>("routes");
  Input<int, bool>& readers = g.input<int, bool>("readers");
  Index<int, Key, int>& all =
      g.index<int>(routes, "all", [](const Key&, const int&, auto&& emit) { emit(0); });
  Derived<int, int64_t>& each = g.derived<int, int64_t>("each").from(
      readers, [this](const int& reader, const bool& wants_all, Read& read) -> int64_t {
        if (!wants_all) return static_cast<int64_t>(read.count(all, 0));
        int64_t sum = reader;
        read.each(all, 0, [&](const Key&, const int& value) { sum += value; });
        return sum;
      });

  Bucket(int count, bool wants_all) {
    for (int i = 0; i < kEntries; ++i) routes.set(route_name(i), i);
    for (int i = 0; i < count; ++i) readers.set(i, wants_all);
    g.commit();
  }
};

void each_over_10000_members(benchmark::State& state) {
  Bucket bucket(1, true);
  int i = 0;
  for (auto _ : state) {
    bucket.routes.set(route_name(0), --i);
    benchmark::DoNotOptimize(bucket.g.commit());
  }
  state.SetItemsProcessed(state.iterations() * kEntries);
}
BENCHMARK(each_over_10000_members)->Unit(benchmark::kMicrosecond);

// The value of a member changes; 10,000 readers of the count sleep on.
void member_change_beside_10000_count_readers(benchmark::State& state) {
  Bucket bucket(kEntries, false);
  int i = 0;
  for (auto _ : state) {
    ++i;
    bucket.routes.set(route_name(i % kEntries), -i);
    benchmark::DoNotOptimize(bucket.g.commit());
  }
}
BENCHMARK(member_change_beside_10000_count_readers)->Unit(benchmark::kMicrosecond);

// The count changes; all of them wake and read the same again.
void member_added_beneath_10000_count_readers(benchmark::State& state) {
  Bucket bucket(kEntries, false);
  bool there = false;
  for (auto _ : state) {
    there ? bucket.routes.erase("extra") : bucket.routes.set("extra", 1);
    there = !there;
    benchmark::DoNotOptimize(bucket.g.commit());
  }
  state.SetItemsProcessed(state.iterations() * kEntries);
}
BENCHMARK(member_added_beneath_10000_count_readers)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kgw::engine

BENCHMARK_MAIN();
