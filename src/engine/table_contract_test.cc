// What every kind of table promises, run over each kind through one rig.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/graph.h"

namespace kgw::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Ints = Table<std::string, int>;

// A table `out()` that shows exactly the entries given to set() and not erased.
class Rig {
 public:
  virtual ~Rig() = default;
  virtual Ints& out() = 0;
  virtual void set(const std::string& key, int value) = 0;
  virtual void erase(const std::string& key) = 0;
  Graph g;
};

class InputRig : public Rig {
 public:
  Ints& out() override { return in_; }
  void set(const std::string& key, int value) override { in_.set(key, value); }
  void erase(const std::string& key) override { in_.erase(key); }

 protected:
  Input<std::string, int>& in_ = g.input<std::string, int>("in");
};

class FromTableRig : public InputRig {
 public:
  Ints& out() override { return out_; }

 private:
  Derived<std::string, int>& out_ = g.derived<std::string, int>("out").from(
      in_, [](const std::string&, const int& value, Read&) { return std::optional(value); });
};

class SharedValueRig : public InputRig {
 public:
  Ints& out() override { return out_; }

 private:
  Derived<std::string, int>& out_ = g.derived<std::string, int>("out").from(
      in_,
      [this](const std::string& key, const int&, Read& read) { return read.get_shared(in_, key); });
};

class MappedKeyRig : public Rig {
 public:
  Ints& out() override { return out_; }
  void set(const std::string& key, int value) override { in_.set({7, key}, value); }
  void erase(const std::string& key) override { in_.erase({7, key}); }

 private:
  using Key = std::pair<int, std::string>;
  Input<Key, int>& in_ = g.input<Key, int>("in");
  Derived<std::string, int>& out_ = g.derived<std::string, int>("out").from(
      in_, [](const Key& key) { return key.second; },
      [](const Key&, const int& value, Read&) { return value; });
};

class FromIndexRig : public InputRig {
 public:
  Ints& out() override { return out_; }

 private:
  Index<std::string, std::string, int>& by_key_ = g.index<std::string>(
      in_, "by key", [](const std::string& key, const int&, auto&& emit) { emit(key); });
  Derived<std::string, int>& out_ =
      g.derived<std::string, int>("out").from(by_key_, [this](const std::string& key, Read& read) {
        std::optional<int> result;
        read.each(by_key_, key, [&](const std::string&, const int& value) { result = value; });
        return result;
      });
};

// Even values come through one feed and odd ones through the other.
class TwoFeedsRig : public Rig {
 public:
  Ints& out() override { return out_; }
  void set(const std::string& key, int value) override {
    erase(key);
    (value % 2 == 0 ? even_ : odd_).set(key, value);
  }
  void erase(const std::string& key) override {
    even_.erase(key);
    odd_.erase(key);
  }

 private:
  static std::optional<int> copy(const std::string&, const int& value, Read&) { return value; }
  Input<std::string, int>& even_ = g.input<std::string, int>("even");
  Input<std::string, int>& odd_ = g.input<std::string, int>("odd");
  Derived<std::string, int>& out_ =
      g.derived<std::string, int>("out").from(odd_, copy).from(even_, copy);
};

// The keys a to e are in the feed all the time, but have a value only when a second table has one.
class LateValueRig : public InputRig {
 public:
  LateValueRig() {
    for (char c = 'a'; c <= 'e'; ++c) keys_.set(std::string(1, c), true);
  }
  Ints& out() override { return out_; }
  void set(const std::string& key, int value) override {
    keys_.set(key, true);
    InputRig::set(key, value);
  }
  void erase(const std::string& key) override {
    if (key < "a" || key > "e") keys_.erase(key);
    InputRig::erase(key);
  }

 private:
  Input<std::string, bool>& keys_ = g.input<std::string, bool>("keys");
  Derived<std::string, int>& out_ = g.derived<std::string, int>("out").from(
      keys_, [this](const std::string& key, const bool&, Read& read) -> std::optional<int> {
        const int* value = read.get(in_, key);
        return value == nullptr ? std::nullopt : std::optional(*value);
      });
};

template <class R>
class TableContract : public testing::Test {
 protected:
  using Entries = std::vector<std::pair<std::string, int>>;

  struct Seen {
    std::string key;
    std::optional<int> before, after;
    bool operator==(const Seen&) const = default;
  };

  void watch() {
    rig.g.watch(rig.out(), [this](std::span<const Change<std::string, int>> changes) {
      ++watcher_calls;
      for (const auto& change : changes) {
        const auto value = [](const auto& p) { return p ? std::optional(*p) : std::nullopt; };
        seen.push_back({change.key, value(change.before), value(change.after)});
      }
    });
  }

  Entries entries() {
    Entries all;
    rig.out().for_each([&](const std::string& k, const int& v) { all.emplace_back(k, v); });
    return all;
  }

  R rig;
  std::vector<Seen> seen;
  int watcher_calls = 0;
};

using Rigs = testing::Types<InputRig, FromTableRig, SharedValueRig, MappedKeyRig, FromIndexRig,
                            TwoFeedsRig, LateValueRig>;
TYPED_TEST_SUITE(TableContract, Rigs);

TYPED_TEST(TableContract, IsEmptyAtFirst) {
  auto& rig = this->rig;
  rig.g.commit();
  EXPECT_EQ(rig.out().size(), 0u);
  EXPECT_EQ(rig.out().find("a"), nullptr);
  EXPECT_THAT(this->entries(), IsEmpty());
}

TYPED_TEST(TableContract, ShowsWhatWasCommitted) {
  auto& rig = this->rig;
  for (const char* key : {"c", "a", "b"}) rig.set(key, key[0]);
  EXPECT_EQ(rig.out().find("a"), nullptr) << "not yet committed";
  rig.g.commit();
  EXPECT_EQ(rig.out().size(), 3u);
  ASSERT_NE(rig.out().find("a"), nullptr);
  EXPECT_EQ(*rig.out().find("a"), 'a');
  EXPECT_THAT(this->entries(), ElementsAre(Pair("a", 'a'), Pair("b", 'b'), Pair("c", 'c')));

  rig.set("a", 1);
  rig.erase("b");
  rig.g.commit();
  EXPECT_THAT(this->entries(), ElementsAre(Pair("a", 1), Pair("c", 'c')));
  EXPECT_EQ(rig.out().size(), 2u);
  EXPECT_EQ(rig.out().find("b"), nullptr);
}

TYPED_TEST(TableContract, WatcherSeesEachCommitOnceInKeyOrder) {
  using Seen = typename TestFixture::Seen;
  auto& rig = this->rig;
  this->watch();
  for (const char* key : {"d", "b", "c", "a"}) rig.set(key, key[0]);
  rig.g.commit();
  EXPECT_EQ(this->watcher_calls, 1);
  EXPECT_THAT(this->seen, ElementsAre(Seen{"a", {}, 'a'}, Seen{"b", {}, 'b'}, Seen{"c", {}, 'c'},
                                      Seen{"d", {}, 'd'}));
  this->seen.clear();
  rig.set("e", 5);
  rig.set("d", 4);
  rig.erase("b");
  rig.set("a", 'a');
  rig.g.commit();
  EXPECT_EQ(this->watcher_calls, 2);
  EXPECT_THAT(this->seen, ElementsAre(Seen{"b", 'b', {}}, Seen{"d", 'd', 4}, Seen{"e", {}, 5}));
}

TYPED_TEST(TableContract, EqualValueIsNoChange) {
  auto& rig = this->rig;
  rig.set("a", 1);
  rig.g.commit();
  this->watch();
  const auto before = rig.out().find_shared("a");
  rig.set("a", 1);
  rig.g.commit();
  EXPECT_EQ(rig.out().find_shared("a"), before);
  EXPECT_EQ(this->watcher_calls, 0);
}

TYPED_TEST(TableContract, LastEditOfACommitCounts) {
  using Seen = typename TestFixture::Seen;
  auto& rig = this->rig;
  rig.set("a", 1);
  rig.set("b", 1);
  rig.g.commit();
  this->watch();
  rig.erase("a");
  rig.set("a", 1);  // back as it was
  rig.erase("b");
  rig.set("b", 2);
  rig.set("b", 3);
  rig.set("c", 1);
  rig.erase("c");  // never was
  rig.g.commit();
  EXPECT_THAT(this->seen, ElementsAre(Seen{"b", 1, 3}));
  EXPECT_THAT(this->entries(), ElementsAre(Pair("a", 1), Pair("b", 3)));
}

TYPED_TEST(TableContract, NothingToDoDoesNothing) {
  auto& rig = this->rig;
  rig.set("a", 1);
  rig.g.commit();
  this->watch();
  EXPECT_EQ(rig.g.commit(), CommitStats());
  rig.erase("unknown");
  EXPECT_EQ(rig.g.commit(), CommitStats());
  EXPECT_EQ(this->watcher_calls, 0);
}

TYPED_TEST(TableContract, ReaderOfAKeyWakesForThatKeyAlone) {
  auto& rig = this->rig;
  auto& who = rig.g.template input<int, std::string>("who");
  int runs = 0;
  auto& reader = rig.g.template derived<int, int>("reader").from(
      who, [&](const int&, const std::string& key, Read& read) {
        ++runs;
        const int* value = read.get(rig.out(), key);
        return value == nullptr ? -1 : *value;
      });
  who.set(0, "b");
  rig.g.commit();
  EXPECT_EQ(*reader.find(0), -1);
  EXPECT_EQ(runs, 1);
  rig.set("a", 1);
  rig.g.commit();
  EXPECT_EQ(runs, 1) << "woken by another key";
  rig.set("b", 2);
  rig.g.commit();
  EXPECT_EQ(*reader.find(0), 2) << "not woken by the key that it found absent";
  rig.set("b", 3);
  rig.g.commit();
  EXPECT_EQ(*reader.find(0), 3);
  rig.erase("b");
  rig.g.commit();
  EXPECT_EQ(*reader.find(0), -1);
  EXPECT_EQ(runs, 4);
  rig.set("b", 4);
  rig.g.commit();
  EXPECT_EQ(*reader.find(0), 4);
  who.set(0, "a");  // reads "a" from now on, "b" no more
  rig.g.commit();
  EXPECT_EQ(*reader.find(0), 1);
  rig.set("b", 5);
  rig.g.commit();
  EXPECT_EQ(runs, 6);
}

TYPED_TEST(TableContract, IndexFollows) {
  auto& rig = this->rig;
  auto& by_value = rig.g.template index<int>(
      rig.out(), "by value", [](const std::string&, const int& v, auto&& emit) { emit(v); });
  rig.set("a", 1);
  rig.set("b", 1);
  rig.set("c", 2);
  rig.g.commit();
  EXPECT_EQ(by_value.size(), 2u);
  EXPECT_EQ(by_value.count(1), 2u);
  EXPECT_EQ(by_value.count(2), 1u);
  rig.set("c", 1);
  rig.set("a", 3);
  rig.erase("b");
  rig.g.commit();
  EXPECT_EQ(by_value.count(1), 1u);
  EXPECT_EQ(by_value.count(2), 0u);
  EXPECT_EQ(by_value.count(3), 1u);
  EXPECT_EQ(by_value.size(), 2u);
}

TYPED_TEST(TableContract, ValuesOutliveTheirEntries) {
  auto& rig = this->rig;
  std::vector<Change<std::string, int>> kept;
  rig.g.watch(rig.out(), [&](auto changes) { kept.assign(changes.begin(), changes.end()); });
  rig.set("a", 1);
  rig.g.commit();
  rig.erase("a");
  rig.g.commit();
  rig.g.commit();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].after, nullptr);
  EXPECT_EQ(*kept[0].before, 1);
}

TYPED_TEST(TableContract, ExplainNamesTheEntry) {
  auto& rig = this->rig;
  rig.set("a", 1);
  rig.g.commit();
  const Explanation there = rig.g.explain(rig.out(), "a");
  EXPECT_EQ(there.table, rig.out().name());
  EXPECT_EQ(there.key, "a");
  EXPECT_TRUE(there.present);
  EXPECT_EQ(there.reads.empty(), rig.out().kind() == TableKind::kInput);
  const Explanation absent = rig.g.explain(rig.out(), "never");
  EXPECT_EQ(absent.key, "never");
  EXPECT_FALSE(absent.present);
}

TYPED_TEST(TableContract, ComesBackToItsSizeAfterUse) {
  auto& rig = this->rig;
  auto& out = rig.out();
  auto& by_value = rig.g.template index<int>(
      out, "by value", [](const std::string&, const int& v, auto&& emit) { emit(v % 100); });
  rig.g.template derived<std::string, int>("peer").from(
      out, [&](const std::string& key, const int& value, Read& read) {
        read.get(out, key + "'");  // absent
        read.count(by_value, value % 100 + 50);
        return static_cast<int>(read.members(by_value, value % 100).size());
      });
  const auto numbers = [&] {
    std::vector<std::array<size_t, 3>> numbers;
    for (const TableInfo& t : rig.g.tables()) numbers.push_back({t.size, t.cells, t.edges});
    return numbers;
  };
  rig.g.commit();
  const auto start = numbers();
  for (int i = 0; i < 10'000; ++i) rig.set(std::to_string(i), i);
  rig.g.commit();
  EXPECT_EQ(out.size(), 10'000u);
  EXPECT_NE(numbers(), start);
  for (int i = 0; i < 10'000; i += 10) rig.set(std::to_string(i), i / 2);
  rig.g.commit();
  for (int i = 0; i < 10'000; ++i) rig.erase(std::to_string(i));
  rig.g.commit();
  EXPECT_EQ(numbers(), start);
}

}  // namespace
}  // namespace kgw::engine
