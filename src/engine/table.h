// Table: a map from keys to immutable values that other tables can read, and Input: the kind of
// table that a source sets from outside.
//
// An entry is a Cell. A cell exists while it has a value, or is read by somebody (an absent entry
// that was read must wake its reader when it appears), or, in a derived table, has an origin.
//
// REQUIRES of K: AbslHashValue (or std::hash), ==, <, copyable, printable (engine/key_text.h).
// REQUIRES of V: ==. Values are compared to decide whether anything changed.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

#include <algorithm>
#include <list>
#include <memory>
#include <span>

#include "engine/key_text.h"
#include "engine/runtime.h"

namespace kgw::engine {

class Graph;
class Read;

// One entry that a commit has changed. At least one side is set, and the sides differ.
template <class K, class V>
struct Change {
  K key;
  std::shared_ptr<const V> before;
  std::shared_ptr<const V> after;
};

namespace detail {

template <class K, class V>
struct Cell : Source {
  Cell(uint32_t node, const K& key) : Source(node, ReadKind::kValue), key(key) {}
  const K key;
  std::shared_ptr<const V> value;
};

// Hashes and compares pointers to things with a `key` by that key, or by a key alone.
template <class T, class K>
struct ByKey {
  using is_transparent = void;
  static const K& of(const K& key) { return key; }
  static const K& of(const T* item) { return item->key; }
  struct Hash {
    using is_transparent = void;
    size_t operator()(const auto& item) const { return absl::Hash<K>()(of(item)); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const { return of(a) == of(b); }
  };
  struct Less {
    bool operator()(const T* a, const T* b) const { return a->key < b->key; }
  };
};

template <class T, class K>
using SetByKey = absl::flat_hash_set<T*, typename ByKey<T, K>::Hash, typename ByKey<T, K>::Equal>;

template <class V>
bool same_value(const std::shared_ptr<const V>& a, const std::shared_ptr<const V>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

}  // namespace detail

template <class K, class V>
class Table : public Node {
 public:
  using Key = K;
  using Value = V;

  // What follows shows the state after the last commit, and is not for compute functions.

  size_t size() const { return size_; }

  // Valid until the next commit.
  const V* find(const K& key) const { return find_shared(key).get(); }

  std::shared_ptr<const V> find_shared(const K& key) const {
    runtime_.require_idle("find()", *this);
    const Cell* cell = lookup(key);
    return cell == nullptr ? nullptr : cell->value;
  }

  // f(const K&, const V&) in key order.
  template <class F>
  void for_each(F&& f) const {
    runtime_.require_idle("for_each()", *this);
    std::vector<const Cell*> present;
    present.reserve(size_);
    for (const Cell* cell : cells_) {
      if (cell->value != nullptr) present.push_back(cell);
    }
    std::ranges::sort(present, typename ByKey::Less());
    for (const Cell* cell : present) f(cell->key, *cell->value);
  }

  TableInfo info() const override {
    return {.name = name(), .kind = kind(), .size = size_, .cells = cells_.size()};
  }

 protected:
  friend class Graph;
  friend class Read;
  template <class, class, class>
  friend class Index;
  template <class, class>
  friend class Derived;

  using Cell = detail::Cell<K, V>;
  using ByKey = detail::ByKey<Cell, K>;
  using Watcher = std::function<void(std::span<const Change<K, V>>)>;

  // An entry that this commit has changed, and its value before.
  struct Edit {
    Cell* cell;
    std::shared_ptr<const V> before;
  };

  using Node::Node;

  virtual Cell* new_cell(const K& key) = 0;
  virtual void delete_cell(Cell* cell) = 0;
  // For the destructors of the derived classes, where delete_cell() is still theirs.
  void delete_cells() {
    for (Cell* cell : cells_) delete_cell(cell);
  }
  // Whether the entry must exist although it has neither value nor readers.
  virtual bool pinned(const Cell&) const { return false; }

  Cell* lookup(const K& key) const {
    auto it = cells_.find(key);
    return it == cells_.end() ? nullptr : *it;
  }

  Cell* touch(const K& key) {
    auto it = cells_.lazy_emplace(key, [&](const auto& make) { make(new_cell(key)); });
    return *it;
  }

  // REQUIRES: `next` differs from the value of the cell.
  void replace(Cell& cell, std::shared_ptr<const V> next) {
    size_ += static_cast<size_t>(next != nullptr) - static_cast<size_t>(cell.value != nullptr);
    cell.value.swap(next);
    runtime_.notify(cell);
    if (cell.value == nullptr) retire(cell);
    if (observed_) edits_.push_back({&cell, std::move(next)});
  }

  void retire(Source& source) override {
    if (source.has(Source::kRetired)) return;
    source.set(Source::kRetired);
    retired_.push_back(static_cast<Cell*>(&source));
  }

  void publish() override {
    if (watchers_.empty() || edits_.empty()) return;
    std::vector<Change<K, V>> changes;
    changes.reserve(edits_.size());
    for (const Edit& edit : edits_) {
      changes.push_back({edit.cell->key, edit.before, edit.cell->value});
    }
    // One that is added meanwhile waits for the next commit.
    auto watcher = watchers_.begin();
    for (size_t left = watchers_.size(); left > 0; --left) (*watcher++)(changes);
  }

  void finish() override {
    reset_list(edits_);
    for (Cell* cell : retired_) {
      cell->reset(Source::kRetired);
      if (cell->value != nullptr || !cell->readers.empty() || pinned(*cell)) continue;
      cells_.erase(cells_.find(cell));
      delete_cell(cell);
    }
    reset_list(retired_);
  }

  void explain(const Source& source, Explanation& out, std::vector<const Source*>&,
               const ExplainLimits&) const override {
    const auto& cell = static_cast<const Cell&>(source);
    out.key = key_text(cell.key);
    out.present = cell.value != nullptr;
  }

  void trace(const Cell& cell, bool changed) const {
    if (runtime_.trace) runtime_.trace({name(), kind(), key_text(cell.key), changed});
  }

  detail::SetByKey<Cell, K> cells_;
  size_t size_ = 0;
  std::vector<Edit> edits_;  // of the running commit, in key order
  bool observed_ = false;    // whether anybody wants edits_
  std::vector<Cell*> retired_;
  std::list<Watcher> watchers_;  // a running one stays in place when another is added
};

template <class K, class V>
class Input final : public Table<K, V> {
  using Base = Table<K, V>;
  using typename Base::Cell;

 public:
  Input(Runtime& runtime, std::string name) : Base(runtime, std::move(name), TableKind::kInput) {}
  ~Input() override { this->delete_cells(); }

  // Staged until the next commit, where the last call for a key counts. A value equal to the one
  // of the last commit changes nothing. A null pointer erases.
  void set(K key, V value) { stage(std::move(key), std::make_shared<const V>(std::move(value))); }
  template <std::convertible_to<std::shared_ptr<const V>> Pointer>
  void set(K key, Pointer value) {
    stage(std::move(key), std::move(value));
  }
  void erase(K key) { stage(std::move(key), nullptr); }

 private:
  void stage(K key, std::shared_ptr<const V> value) {
    this->runtime_.require_idle("set()", *this);
    staged_.insert_or_assign(std::move(key), std::move(value));
  }

  Cell* new_cell(const K& key) override { return new Cell(this->level(), key); }
  void delete_cell(Cell* cell) override { delete cell; }

  void settle() override {
    if (staged_.empty()) return;
    std::vector<std::pair<Cell*, std::shared_ptr<const V>>> updates;
    updates.reserve(staged_.size());
    for (auto& [key, value] : staged_) {
      Cell* cell = value == nullptr ? this->lookup(key) : this->touch(key);
      if (cell == nullptr || detail::same_value(cell->value, value)) continue;
      updates.emplace_back(cell, std::move(value));
    }
    staged_.clear();
    std::ranges::sort(updates, typename Base::ByKey::Less(), [](auto& u) { return u.first; });
    for (auto& [cell, value] : updates) {
      this->replace(*cell, std::move(value));
      this->trace(*cell, true);
    }
    this->runtime_.stats.inputs_changed += updates.size();
  }

  absl::flat_hash_map<K, std::shared_ptr<const V>> staged_;
};

}  // namespace kgw::engine
