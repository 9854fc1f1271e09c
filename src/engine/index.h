// Index: groups the entries of a table into buckets. An extractor names the buckets (none, one or
// several) in which an entry stands; the keys of a bucket are in key order.
//
// A bucket can be read in three ways that wake the reader for different changes (ReadKind); each
// is a Source of its own, so that one changed member costs one notification, whatever the size of
// the bucket.
#pragma once

#include <functional>
#include <iterator>
#include <memory>

#include "engine/member_set.h"
#include "engine/table.h"

namespace kgw::engine {

namespace detail {

// A way of reading a bucket. The bucket itself is the Source of kEach; the two others, which few
// ask for, are made when one does.
template <class Bucket>
struct Aspect : Source {
  Aspect(ReadKind kind, Bucket& bucket) : Source(bucket.node, kind), bucket(bucket) {}
  Bucket& bucket;
};

template <class IK, class Cell, class Less>
struct Bucket : Source {
  struct Others {
    explicit Others(Bucket& bucket)
        : members(ReadKind::kMembers, bucket), count(ReadKind::kCount, bucket) {}
    Aspect<Bucket> members, count;
  };

  Bucket(uint32_t node, const IK& key) : Source(node, ReadKind::kEach), key(key) {}

  static Bucket& of(Source& aspect) {
    if (aspect.kind == ReadKind::kEach) return static_cast<Bucket&>(aspect);
    return static_cast<Aspect<Bucket>&>(aspect).bucket;
  }
  static const Bucket& of(const Source& aspect) { return of(const_cast<Source&>(aspect)); }

  // REQUIRES: `kind` is one of a bucket's.
  Source& aspect(ReadKind kind) {
    if (kind == ReadKind::kEach) return *this;
    if (others == nullptr) others = std::make_unique<Others>(*this);
    return kind == ReadKind::kMembers ? others->members : others->count;
  }
  bool unread() const {
    return readers.empty() && (others == nullptr ||
                               (others->members.readers.empty() && others->count.readers.empty()));
  }

  const IK key;
  MemberSet<Cell, Less> members;
  std::unique_ptr<Others> others;
};

}  // namespace detail

// The keys of a bucket, in key order. Valid until the end of the compute function.
template <class K, class Members>
class MemberRange {
 public:
  class iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = K;
    using difference_type = std::ptrdiff_t;
    using pointer = const K*;
    using reference = const K&;

    iterator() = default;
    explicit iterator(typename Members::const_iterator at) : at_(at) {}
    const K& operator*() const { return (*at_)->key; }
    const K* operator->() const { return &(*at_)->key; }
    iterator& operator++() {
      ++at_;
      return *this;
    }
    iterator operator++(int) { return iterator(at_++); }
    friend bool operator==(const iterator& a, const iterator& b) { return a.at_ == b.at_; }

   private:
    typename Members::const_iterator at_;
  };
  using const_iterator = iterator;
  using value_type = K;

  explicit MemberRange(const Members& members) : members_(&members) {}
  iterator begin() const { return iterator(members_->begin()); }
  iterator end() const { return iterator(members_->end()); }
  size_t size() const { return members_->size(); }
  bool empty() const { return members_->empty(); }
  // REQUIRES: not empty.
  const K& front() const { return *begin(); }

 private:
  const Members* members_;
};

template <class IK, class K, class V>
class Index final : public Node {
  using Cell = detail::Cell<K, V>;
  using Less = typename detail::ByKey<Cell, K>::Less;
  using Bucket = detail::Bucket<IK, Cell, Less>;
  using Keys = std::vector<IK>;

 public:
  using IndexKey = IK;

  // Appends the index keys of an entry. Pure: asked again for an old value, it must give the keys
  // that it gave then.
  using Extractor = std::function<void(const K&, const V&, std::vector<IK>&)>;

  Index(Runtime& runtime, std::string name, Table<K, V>& table, Extractor extract)
      : Node(runtime, std::move(name), TableKind::kIndex),
        table_(table),
        extract_(std::move(extract)) {
    table.observed_ = true;
  }
  ~Index() override {
    for (Bucket* bucket : buckets_) delete bucket;
  }

  // How many buckets have members, after the last commit.
  size_t size() const { return size_; }

  // How many members a bucket has after the last commit; not for compute functions.
  size_t count(const IK& key) const {
    runtime_.require_idle("count()", *this);
    const Bucket* bucket = lookup(key);
    return bucket == nullptr ? 0 : bucket->members.size();
  }

  TableInfo info() const override {
    return {.name = name(), .kind = kind(), .size = size_, .cells = buckets_.size()};
  }

 private:
  friend class Graph;
  friend class Read;
  template <class, class>
  friend class Derived;

  // A bucket with changed members, and how many it had before.
  struct Edit {
    Bucket* bucket;
    size_t before;
  };

  Bucket* lookup(const IK& key) const {
    auto it = buckets_.find(key);
    return it == buckets_.end() ? nullptr : *it;
  }
  Bucket& touch(const IK& key) {
    return **buckets_.lazy_emplace(key,
                                   [&](const auto& make) { make(new Bucket(this->level(), key)); });
  }

  // The bucket of `key`, noted as edited in this commit.
  Bucket& edit(const IK& key) {
    Bucket& bucket = touch(key);
    if (!bucket.has(Source::kTouched)) {
      bucket.set(Source::kTouched);
      edits_.push_back({&bucket, bucket.members.size()});
    }
    return bucket;
  }

  void collect(const Cell& cell, const V* value, Keys& keys) const {
    keys.clear();
    if (value == nullptr) return;
    extract_(cell.key, *value, keys);
    if (keys.size() < 2) return;
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  }

  // Both key lists are sorted; keys in both have a member with a new value.
  void move(Cell* cell) {
    size_t o = 0, n = 0;
    while (o < old_.size() || n < new_.size()) {
      if (n == new_.size() || (o < old_.size() && old_[o] < new_[n])) {
        Bucket& left = edit(old_[o++]);
        left.members.erase(cell);
        left.set(Source::kMoved);
      } else if (o == old_.size() || new_[n] < old_[o]) {
        Bucket& joined = edit(new_[n++]);
        joined.members.insert(cell);
        joined.set(Source::kMoved);
      } else {
        edit(old_[o++]);
        ++n;
      }
    }
  }

  void settle() override {
    runtime_.computing = this;
    for (const auto& change : table_.edits_) {
      collect(*change.cell, change.before.get(), old_);
      collect(*change.cell, change.cell->value.get(), new_);
      move(change.cell);
    }
    runtime_.computing = nullptr;
    for (const Edit& edit : edits_) announce(edit);
  }

  void announce(const Edit& edit) {
    Bucket& bucket = *edit.bucket;
    const size_t now = bucket.members.size();
    runtime_.notify(bucket);
    if (bucket.others != nullptr) {
      if (bucket.has(Source::kMoved)) runtime_.notify(bucket.others->members);
      if (edit.before != now) runtime_.notify(bucket.others->count);
    }
    size_ += static_cast<size_t>(now != 0) - static_cast<size_t>(edit.before != 0);
    if (now == 0) retire(bucket);
  }

  void retire(Source& aspect) override {
    Bucket& bucket = Bucket::of(aspect);
    if (bucket.has(Source::kRetired)) return;
    bucket.set(Source::kRetired);
    retired_.push_back(&bucket);
  }

  void finish() override {
    for (const Edit& edit : edits_) {
      edit.bucket->reset(Source::kTouched);
      edit.bucket->reset(Source::kMoved);
    }
    reset_list(edits_);
    for (Bucket* bucket : retired_) {
      bucket->reset(Source::kRetired);
      if (!bucket->members.empty() || !bucket->unread()) continue;
      buckets_.erase(buckets_.find(bucket));
      delete bucket;
    }
    reset_list(retired_);
  }

  void explain(const Source& source, Explanation& out, std::vector<const Source*>& made_from,
               const ExplainLimits& limits) const override {
    const Bucket& bucket = Bucket::of(source);
    out.key = key_text(bucket.key);
    out.count = bucket.members.size();
    out.present = out.count != 0;
    if (source.kind == ReadKind::kCount) return;
    for (const Cell* cell : bucket.members) {
      out.cut = made_from.size() == limits.members;
      if (out.cut) return;
      made_from.push_back(cell);
    }
  }

  Table<K, V>& table_;
  Extractor extract_;
  detail::SetByKey<Bucket, IK> buckets_;
  size_t size_ = 0;
  std::vector<Edit> edits_;
  std::vector<Bucket*> retired_;
  Keys old_, new_;  // scratch
};

}  // namespace kgw::engine
