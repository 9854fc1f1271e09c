// Derived: a table whose entries are computed. Its feeds decide which keys exist, a feed's compute
// function gives the value (or none), and everything else that the function looks at goes through
// its Read. When the origin of an entry or something it has read changes, the entry is computed
// again in the same commit; a value equal to the old one ends there.
#pragma once

#include <optional>

#include "engine/read.h"

namespace kgw::engine {

namespace detail {

template <class K, class V>
struct DerivedCell : Cell<K, V> {
  using Cell<K, V>::Cell;
  // The entry or bucket by which a feed decided that this one exists. A dependency that is known
  // without a record. Null: not in any feed, so without value and reads.
  const Source* origin = nullptr;
  ReadList reads;
};

}  // namespace detail

template <class K, class V>
class Derived final : public Table<K, V> {
  using Base = Table<K, V>;
  using typename Base::Cell;
  using DerivedCell = detail::DerivedCell<K, V>;
  using Pointer = std::shared_ptr<const V>;

 public:
  Derived(Runtime& runtime, std::string name)
      : Base(runtime, std::move(name), TableKind::kDerived) {}
  ~Derived() override { this->delete_cells(); }

  // Compute functions return std::optional<V>, V, or std::shared_ptr<const V> (null: no entry).
  // They are pure: equal arguments and reads give an equal result.

  // One entry for each entry of `table`, under the same key: fn(const K&, const SV&, Read&).
  template <class SV, class Fn>
  Derived& from(const Table<K, SV>& table, Fn fn) {
    return from(table, [](const K& key) -> const K& { return key; }, std::move(fn));
  }

  // One entry for each entry of `table`, under key_fn(const SK&), which is injective:
  // fn(const SK&, const SV&, Read&). Keys of different feeds must differ too; both is fatal.
  template <class SK, class SV, class KeyFn, class Fn>
  Derived& from(const Table<SK, SV>& table, KeyFn key_fn, Fn fn) {
    using SourceTable = Table<SK, SV>;
    using SourceCell = detail::Cell<SK, SV>;
    observe(table).observed_ = true;
    Feed feed;
    feed.update = [this, &table, key_fn, number = feeds_.size()](bool erased) {
      for (const typename SourceTable::Edit& edit : table.edits_) {
        if ((edit.cell->value == nullptr) != erased) continue;
        update(key_fn(std::as_const(edit.cell->key)), *edit.cell, number, erased);
      }
    };
    feed.compute = [fn = std::move(fn)](const Cell& cell, const Source& origin, Read& read) {
      const auto& source = static_cast<const SourceCell&>(origin);
      return keep_equal(cell, fn(source.key, *source.value, read));
    };
    feeds_.push_back(std::move(feed));
    return *this;
  }

  // One entry for each bucket of `index` that has members: fn(const K&, Read&). The entry depends
  // on the bucket only by what it reads of it.
  template <class SK, class SV, class Fn>
  Derived& from(const Index<K, SK, SV>& index, Fn fn) {
    using SourceIndex = Index<K, SK, SV>;
    observe(index);
    Feed feed;
    feed.update = [this, &index, number = feeds_.size()](bool erased) {
      for (const typename SourceIndex::Edit& edit : index.edits_) {
        const size_t now = edit.bucket->members.size();
        if ((edit.before != 0) == (now != 0) || (now == 0) != erased) continue;
        update(edit.bucket->key, *edit.bucket, number, erased);
      }
    };
    feed.compute = [fn = std::move(fn)](const Cell& cell, const Source&, Read& read) {
      return keep_equal(cell, fn(cell.key, read));
    };
    feeds_.push_back(std::move(feed));
    return *this;
  }

 private:
  struct Feed {
    std::function<void(bool erased)> update;
    std::function<Pointer(const Cell&, const Source& origin, Read&)> compute;
  };

  Cell* new_cell(const K& key) override { return new DerivedCell(this->level(), key); }
  void delete_cell(Cell* cell) override { delete static_cast<DerivedCell*>(cell); }
  bool pinned(const Cell& cell) const override {
    return static_cast<const DerivedCell&>(cell).origin != nullptr;
  }

  template <class N>
  N& observe(const N& source) {
    this->runtime_.require_not_started(this->name());
    if (source.level() >= this->level()) {
      fatal("\"" + this->name() + "\" is fed from \"" + source.name() +
            "\", which is not created before it");
    }
    return const_cast<N&>(source);
  }

  // The pointer of before when the value is the same, so that "changed" is a pointer comparison
  // and an equal value costs no allocation.
  static Pointer keep_equal(const Cell& cell, Pointer result) {
    return detail::same_value(cell.value, result) ? cell.value : std::move(result);
  }
  static Pointer keep_equal(const Cell& cell, std::optional<V> result) {
    if (!result) return nullptr;
    if (cell.value != nullptr && *cell.value == *result) return cell.value;
    return std::make_shared<const V>(*std::move(result));
  }

  // A feed's source entry has come, changed or gone. All that went are told before any that came,
  // so that a key may change its feed within a commit.
  void update(const K& key, const Source& origin, size_t feed, bool erased) {
    auto* cell = static_cast<DerivedCell*>(erased ? this->lookup(key) : this->touch(key));
    if (erased) {
      if (cell == nullptr || cell->origin != &origin) return;
      cell->origin = nullptr;
    } else {
      if (cell->origin != nullptr && cell->origin != &origin) {
        fatal("two feed entries of \"" + this->name() + "\" give the key " + key_text(key));
      }
      cell->origin = &origin;
      cell->feed = static_cast<uint16_t>(feed);
    }
    this->mark_dirty(*cell);
  }

  void settle() override {
    for (const Feed& feed : feeds_) feed.update(true);
    for (const Feed& feed : feeds_) feed.update(false);
    const auto by_key = [](Source* a, Source* b) {
      return static_cast<Cell*>(a)->key < static_cast<Cell*>(b)->key;
    };
    // A feed that keeps the keys has marked them in order already.
    if (!std::ranges::is_sorted(this->dirty_, by_key)) std::ranges::sort(this->dirty_, by_key);
    for (Source* cell : this->dirty_) recompute(*static_cast<DerivedCell*>(cell));
    reset_list(this->dirty_);
  }

  void recompute(DerivedCell& cell) {
    cell.reset(Source::kDirty);
    Runtime& runtime = this->runtime_;
    Pointer next;
    if (cell.origin != nullptr) {
      Read read(*this, runtime.reads);
      runtime.computing = this;
      next = feeds_[cell.feed].compute(cell, *cell.origin, read);
      runtime.computing = nullptr;
      ++runtime.stats.recomputed;
      ++this->recomputed_;
    } else {
      this->retire(cell);
    }
    runtime.relink(cell, cell.reads, runtime.reads);
    const bool changed = next != cell.value;
    if (changed) {
      this->replace(cell, std::move(next));
      ++runtime.stats.changed;
    } else if (cell.origin != nullptr) {
      ++runtime.stats.cut_off;
    }
    this->trace(cell, changed);
  }

  void explain(const Source& source, Explanation& out, std::vector<const Source*>& made_from,
               const ExplainLimits& limits) const override {
    Base::explain(source, out, made_from, limits);
    const auto& cell = static_cast<const DerivedCell&>(source);
    if (cell.origin != nullptr) made_from.push_back(cell.origin);
    for (const Source* read : cell.reads.view()) {
      if (read != cell.origin) made_from.push_back(read);
    }
  }

  std::vector<Feed> feeds_;
};

}  // namespace kgw::engine
