// MemberSet: the members of a bucket in key order, in one word: none, one, or a tree. Most buckets
// have one member for ever, and a fleet has hundreds of thousands of them.
#pragma once

#include <absl/container/btree_set.h>

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace kgw::engine::detail {

template <class Member, class Less>
class MemberSet {
  using Tree = absl::btree_set<Member*, Less>;

 public:
  MemberSet() = default;
  MemberSet(const MemberSet&) = delete;
  MemberSet& operator=(const MemberSet&) = delete;
  ~MemberSet() { clear(); }

  // Valid until the set changes.
  class const_iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Member*;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Member*;

    const_iterator() = default;
    reference operator*() const { return single_ != nullptr ? single_ : *in_tree_; }
    const_iterator& operator++() {
      if (single_ != nullptr) {
        single_ = nullptr;
      } else {
        ++in_tree_;
      }
      return *this;
    }
    const_iterator operator++(int) {
      const_iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const const_iterator& a, const const_iterator& b) {
      return a.single_ == b.single_ && a.in_tree_ == b.in_tree_;
    }

   private:
    friend class MemberSet;
    explicit const_iterator(Member* single) : single_(single) {}
    explicit const_iterator(typename Tree::const_iterator in_tree) : in_tree_(in_tree) {}

    Member* single_ = nullptr;  // the one member; null at the end, or in a tree
    typename Tree::const_iterator in_tree_{};
  };

  const_iterator begin() const {
    return is_tree() ? const_iterator(tree()->begin()) : const_iterator(single());
  }
  const_iterator end() const {
    return is_tree() ? const_iterator(tree()->end()) : const_iterator();
  }
  std::size_t size() const { return is_tree() ? tree()->size() : bits_ != 0 ? 1 : 0; }
  bool empty() const { return bits_ == 0; }

  // REQUIRES: `member` is not in the set.
  void insert(Member* member) {
    if (bits_ == 0) {
      bits_ = word(member);
      return;
    }
    if (!is_tree()) {
      auto* tree = new Tree{single()};
      bits_ = word(tree) | kTree;
    }
    tree()->insert(member);
  }
  // REQUIRES: `member` is in the set.
  void erase(Member* member) {
    if (is_tree()) tree()->erase(member);
    if (!is_tree() || tree()->empty()) clear();
  }

 private:
  static constexpr std::uintptr_t kTree = 1;

  static std::uintptr_t word(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
  }
  bool is_tree() const { return (bits_ & kTree) != 0; }
  Member* single() const { return reinterpret_cast<Member*>(bits_); }
  Tree* tree() const { return reinterpret_cast<Tree*>(bits_ & ~kTree); }
  void clear() {
    if (is_tree()) delete tree();
    bits_ = 0;
  }

  std::uintptr_t bits_ = 0;
};

}  // namespace kgw::engine::detail
