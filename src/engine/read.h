// Read: the only way by which a compute function may look at other tables. It records each read
// as a dependency of the entry that is computed.
//
// A table or index can be read only by tables created after it; anything else is fatal, so there
// are no cycles. All pointers and ranges handed out are valid until the compute function returns.
#pragma once

#include "engine/index.h"
#include "engine/table.h"

namespace kgw::engine {

class Read {
 public:
  Read(const Read&) = delete;
  Read& operator=(const Read&) = delete;

  // The value of `key`, or nullptr. Wakes when it appears, changes or disappears.
  template <class K, class V>
  const V* get(const Table<K, V>& table, const std::type_identity_t<K>& key) {
    return cell(table, key).value.get();
  }

  // The same, for sharing the value instead of copying it.
  template <class K, class V>
  std::shared_ptr<const V> get_shared(const Table<K, V>& table,
                                      const std::type_identity_t<K>& key) {
    return cell(table, key).value;
  }

  // The keys in a bucket, in key order. Wakes when a member comes or goes.
  template <class IK, class K, class V>
  auto members(const Index<IK, K, V>& index, const std::type_identity_t<IK>& key) {
    const auto& bucket = aspect(index, key, ReadKind::kMembers);
    return MemberRange<K, decltype(bucket.members)>(bucket.members);
  }

  // f(const K&, const V&) for each entry in a bucket, in key order. One dependency, however many
  // members there are: wakes when a member comes, goes or changes its value.
  template <class IK, class K, class V, class F>
  void each(const Index<IK, K, V>& index, const std::type_identity_t<IK>& key, F&& f) {
    const auto& bucket = aspect(index, key, ReadKind::kEach);
    for (const auto* member : bucket.members) f(member->key, *member->value);
  }

  // How many entries a bucket has. Wakes when the number changes.
  template <class IK, class K, class V>
  size_t count(const Index<IK, K, V>& index, const std::type_identity_t<IK>& key) {
    return aspect(index, key, ReadKind::kCount).members.size();
  }

 private:
  template <class, class>
  friend class Derived;

  explicit Read(const Node& reader, std::vector<Source*>& reads) : reader_(reader), reads_(reads) {}

  void record(Source& source) {
    if (source.has(Source::kRead)) return;
    source.set(Source::kRead);
    reads_.push_back(&source);
  }

  void require_earlier(const Node& node) const {
    if (node.level() < reader_.level()) return;
    fatal("\"" + reader_.name() + "\" reads \"" + node.name() +
          "\", which is not created before it; a table reads only earlier ones");
  }

  // Reading an absent key makes a cell for it, which is no change that anybody can see.
  template <class K, class V>
  const auto& cell(const Table<K, V>& table, const K& key) {
    require_earlier(table);
    auto* found = const_cast<Table<K, V>&>(table).touch(key);
    record(*found);
    return *found;
  }

  template <class IK, class K, class V>
  const auto& aspect(const Index<IK, K, V>& index, const IK& key, ReadKind kind) {
    require_earlier(index);
    auto& bucket = const_cast<Index<IK, K, V>&>(index).touch(key);
    record(bucket.aspect(kind));
    return bucket;
  }

  const Node& reader_;
  std::vector<Source*>& reads_;
};

}  // namespace kgw::engine
