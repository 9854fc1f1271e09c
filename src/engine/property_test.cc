// Incremental equals from scratch: random programs of tables under random edits, compared after
// every commit with a naive evaluation that shares no code with the engine, and with a fresh graph
// (which must hold as many cells and edges, or something leaks).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "engine/graph.h"

namespace kgw::engine {
namespace {

using Ints = std::map<int, int>;
using IntTable = Table<int, int>;
using IntIndex = Index<int, int, int>;

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9E3779B97F4A7C15u ^ (b + 0x7F4A7C15u);
  x = (x ^ (x >> 31)) * 0xBF58476D1CE4E5B9u;
  return x ^ (x >> 29);
}

enum class Form { kInput, kSameKey, kMappedKey, kTwoFeeds, kFromIndex, kIndex };

struct Step {
  Form form;
  size_t a = 0, b = 0;  // what it is made from
  uint64_t salt = 0;
};
using Program = std::vector<Step>;

bool is_index(const Step& step) { return step.form == Form::kIndex; }

Program random_program(std::mt19937_64& random) {
  Program program = {{Form::kInput}, {Form::kInput}, {Form::kIndex, 0, 0, random()}};
  const auto pick = [&](bool index) {
    size_t at = random() % program.size();
    while (is_index(program[at]) != index) at = (at + 1) % program.size();
    return at;
  };
  for (int i = 0; i < 7; ++i) {
    const auto form = static_cast<Form>(1 + random() % 5);
    const bool from_index = form == Form::kFromIndex;
    program.push_back({form, pick(from_index), pick(from_index), random()});
  }
  return program;
}

// What a compute function may do, for the engine and for the naive evaluation.
class Reading {
 public:
  virtual ~Reading() = default;
  virtual const int* get(size_t table, int key) = 0;
  virtual std::vector<int> members(size_t index, int key) = 0;
  virtual std::vector<std::pair<int, int>> each(size_t index, int key) = 0;
  virtual size_t count(size_t index, int key) = 0;
};

// Reads up to three things, the later ones depending on what the earlier ones gave.
std::optional<int> compute(const Program& program, size_t self, int key, int value,
                           Reading& reading) {
  uint64_t state = mix(mix(program[self].salt, static_cast<uint64_t>(key)), value);
  const auto absorb = [&](uint64_t word) { state = mix(state, word); };
  for (uint64_t reads = state % 4; reads > 0; --reads) {
    const size_t at = (state >> 8) % self;
    const int where = static_cast<int>((state >> 24) % 24);
    if (!is_index(program[at])) {
      const int* found = reading.get(at, where);
      absorb(found == nullptr ? 99 : *found % 2);
    } else if (state >> 40 & 1) {
      for (auto [k, v] : reading.each(at, where % 4)) absorb(k + 1000 * v);
    } else if (state >> 41 & 1) {
      for (int k : reading.members(at, where % 4)) absorb(k);
    } else {
      absorb(reading.count(at, where % 4));
    }
  }
  if (state % 5 == 0) return std::nullopt;
  return static_cast<int>((state >> 16) % 6);
}

std::vector<int> buckets_of(const Step& step, int value) {
  const uint64_t state = mix(step.salt, value);
  switch (state % 4) {
    case 0:
      return {};
    case 1:
      return {static_cast<int>(state >> 8 & 3), static_cast<int>(state >> 16 & 3)};
    default:
      return {static_cast<int>(state >> 8 & 3)};
  }
}

int mirrored(int key) { return 23 - key; }
int even(int key) { return 2 * key; }
int odd(int key) { return 2 * key + 1; }

// The program evaluated with maps, all of it every time.
class Naive : public Reading {
 public:
  Naive(const Program& program, const std::vector<Ints>& inputs)
      : tables_(program.size()), buckets_(program.size()) {
    for (size_t i = 0; i < program.size(); ++i) {
      const Step& step = program[i];
      const auto add = [&](int key, int source_key, int value) {
        if (auto result = compute(program, i, source_key, value, *this)) tables_[i][key] = *result;
      };
      switch (step.form) {
        case Form::kInput:
          tables_[i] = inputs[i];
          break;
        case Form::kSameKey:
          for (auto [k, v] : tables_[step.a]) add(k, k, v);
          break;
        case Form::kMappedKey:
          for (auto [k, v] : tables_[step.a]) add(mirrored(k), k, v);
          break;
        case Form::kTwoFeeds:
          for (auto [k, v] : tables_[step.a]) add(even(k), k, v);
          for (auto [k, v] : tables_[step.b]) add(odd(k), k, v);
          break;
        case Form::kFromIndex:
          for (const auto& [k, members] : buckets_[step.a]) add(k, k, 0);
          break;
        case Form::kIndex:
          for (auto [k, v] : tables_[step.a]) {
            for (int bucket : buckets_of(step, v)) buckets_[i][bucket][k] = v;
          }
      }
    }
  }

  const int* get(size_t table, int key) override {
    auto it = tables_[table].find(key);
    return it == tables_[table].end() ? nullptr : &it->second;
  }
  std::vector<int> members(size_t index, int key) override {
    std::vector<int> keys;
    for (auto [k, v] : each(index, key)) keys.push_back(k);
    return keys;
  }
  std::vector<std::pair<int, int>> each(size_t index, int key) override {
    auto it = buckets_[index].find(key);
    if (it == buckets_[index].end()) return {};
    return {it->second.begin(), it->second.end()};
  }
  size_t count(size_t index, int key) override { return each(index, key).size(); }

  const Ints& table(size_t i) const { return tables_[i]; }
  size_t bucket_count(size_t i) const { return buckets_[i].size(); }

 private:
  std::vector<Ints> tables_;
  std::vector<std::map<int, Ints>> buckets_;
};

// The program built on the engine.
class Built {
 public:
  explicit Built(const Program& program) : program_(program) {
    for (size_t i = 0; i < program.size(); ++i) build(i);
  }

  Input<int, int>& input(size_t i) { return *inputs_[i]; }
  IntTable* table(size_t i) { return tables_[i]; }
  IntIndex* index(size_t i) { return indexes_[i]; }
  Graph g;

 private:
  class EngineReading : public Reading {
   public:
    EngineReading(Built& built, Read& read) : built_(built), read_(read) {}
    const int* get(size_t table, int key) override { return read_.get(*built_.table(table), key); }
    std::vector<int> members(size_t index, int key) override {
      const auto range = read_.members(*built_.index(index), key);
      return {range.begin(), range.end()};
    }
    std::vector<std::pair<int, int>> each(size_t index, int key) override {
      std::vector<std::pair<int, int>> all;
      read_.each(*built_.index(index), key, [&](int k, int v) { all.emplace_back(k, v); });
      return all;
    }
    size_t count(size_t index, int key) override { return read_.count(*built_.index(index), key); }

   private:
    Built& built_;
    Read& read_;
  };

  void build(size_t i) {
    const Step& step = program_[i];
    const std::string name = std::to_string(i);
    tables_.push_back(nullptr);
    indexes_.push_back(nullptr);
    inputs_.push_back(nullptr);
    const auto fn = [this, i](int key, int value, Read& read) {
      EngineReading reading(*this, read);
      return compute(program_, i, key, value, reading);
    };
    if (step.form == Form::kInput) {
      tables_[i] = inputs_[i] = &g.input<int, int>(name);
      return;
    }
    if (step.form == Form::kIndex) {
      indexes_[i] = &g.index<int>(*tables_[step.a], name, [step](int, int value, auto&& emit) {
        for (int bucket : buckets_of(step, value)) emit(bucket);
      });
      return;
    }
    auto& derived = g.derived<int, int>(name);
    tables_[i] = &derived;
    if (step.form == Form::kSameKey) {
      derived.from(*tables_[step.a], fn);
    } else if (step.form == Form::kMappedKey) {
      derived.from(*tables_[step.a], mirrored, fn);
    } else if (step.form == Form::kTwoFeeds) {
      derived.from(*tables_[step.a], even, fn).from(*tables_[step.b], odd, fn);
    } else {
      derived.from(*indexes_[step.a], [fn](int key, Read& read) { return fn(key, 0, read); });
    }
  }

  const Program& program_;
  std::vector<IntTable*> tables_;
  std::vector<IntIndex*> indexes_;
  std::vector<Input<int, int>*> inputs_;
};

// Everything that one random program is checked for, over many commits.
class Trial {
 public:
  explicit Trial(uint64_t seed) : random_(seed), program_(random_program(random_)) {
    inputs_.resize(program_.size());
    mirror_.resize(program_.size());
    for (size_t i = 0; i < program_.size(); ++i) {
      if (built_.table(i) == nullptr) continue;
      built_.g.watch(*built_.table(i), [this, i](std::span<const Change<int, int>> changes) {
        follow(mirror_[i], changes);
      });
    }
    built_.g.set_trace([this](const TraceEvent& event) {
      const std::pair at(std::stoi(std::string(event.table)), std::stoi(event.key));
      EXPECT_LT(last_traced_, at) << "computed twice, or out of order";
      last_traced_ = at;
    });
  }

  void run(int commits) {
    for (int i = 0; i < commits && !testing::Test::HasFailure(); ++i) {
      edit();
      last_traced_ = {-1, 0};
      built_.g.commit();
      check();
    }
  }

 private:
  static void follow(Ints& mirror, std::span<const Change<int, int>> changes) {
    ASSERT_FALSE(changes.empty());
    for (size_t i = 0; i < changes.size(); ++i) {
      const auto& [key, before, after] = changes[i];
      if (i > 0) {
        EXPECT_LT(changes[i - 1].key, key);
      }
      ASSERT_TRUE(before != nullptr || after != nullptr);
      if (before && after) {
        EXPECT_NE(*before, *after);
      }
      auto it = mirror.find(key);
      ASSERT_EQ(it != mirror.end(), before != nullptr);
      if (before) {
        EXPECT_EQ(it->second, *before);
      }
      if (after) mirror[key] = *after;
      if (!after) mirror.erase(key);
    }
  }

  void edit() {
    // Mostly small edits; now and then everything goes.
    const uint64_t wipe = random_() % 40;
    for (size_t i = 0; i < 2; ++i) {
      for (uint64_t n = random_() % 5; n > 0; --n) put(i, random_() % 12, random_() % 8);
      for (int key = 0; wipe == 0 && key < 12; ++key) put(i, key, 0);
    }
  }

  void put(size_t i, int key, int value) {
    if (value < 3) {
      built_.input(i).erase(key);
      inputs_[i].erase(key);
    } else {
      built_.input(i).set(key, value);
      inputs_[i][key] = value;
    }
  }

  void check() {
    const Naive naive(program_, inputs_);
    Built fresh(program_);
    for (size_t i = 0; i < 2; ++i) {
      for (auto [key, value] : inputs_[i]) fresh.input(i).set(key, value);
    }
    fresh.g.commit();
    const auto numbers = built_.g.tables(), fresh_numbers = fresh.g.tables();
    for (size_t i = 0; i < program_.size(); ++i) {
      EXPECT_EQ(numbers[i].size, fresh_numbers[i].size) << "step " << i;
      EXPECT_EQ(numbers[i].cells, fresh_numbers[i].cells) << "step " << i;
      EXPECT_EQ(numbers[i].edges, fresh_numbers[i].edges) << "step " << i;
      if (is_index(program_[i])) {
        EXPECT_EQ(built_.index(i)->size(), naive.bucket_count(i)) << "step " << i;
        continue;
      }
      Ints now;
      built_.table(i)->for_each([&](int k, int v) { now[k] = v; });
      EXPECT_EQ(now, naive.table(i)) << "step " << i;
      EXPECT_EQ(mirror_[i], now) << "watcher of step " << i;
      EXPECT_EQ(built_.table(i)->size(), now.size());
    }
  }

  std::mt19937_64 random_;
  Program program_;
  Built built_{program_};
  std::vector<Ints> inputs_;  // what was set
  std::vector<Ints> mirror_;  // what the watchers told
  std::pair<int, int> last_traced_;
};

TEST(Property, IncrementalEqualsFromScratch) {
  const char* given = std::getenv("KGW_SEED");
  const uint64_t first = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::printf("seeds %llu + 0..99; KGW_SEED repeats\n", static_cast<unsigned long long>(first));
  for (uint64_t seed = first; seed < first + 100 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Trial(seed).run(40);
  }
}

}  // namespace
}  // namespace kgw::engine
