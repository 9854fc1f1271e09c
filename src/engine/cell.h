// The smallest parts of the engine: what can be read (Source), who has read it (ReaderSet), and
// what a derived entry has read (ReadList).
//
// An edge of the dependency graph is stored twice: once in the ReadList of the reader and once in
// the ReaderSet of what was read, 8 bytes each (about 14 in a set of more than kFew readers). All
// three types are kept small because a fleet has hundreds of thousands of them.
//
// Thread: as everything in engine/, no synchronisation; one thread owns a graph.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <span>

namespace kgw::engine {

struct Source;

// What a reader has asked for, hence which changes concern it.
enum class ReadKind : uint8_t {
  kValue,    // the value of one key of a table
  kMembers,  // which keys stand in a bucket of an index
  kEach,     // which keys stand there, and their values
  kCount,    // only how many
};

namespace detail {

// A counted array of pointers in one allocation.
struct PointerBlock {
  uint32_t size;
  uint32_t capacity;
  Source** data() { return reinterpret_cast<Source**>(this + 1); }
  static PointerBlock* make(uint32_t capacity);
  static void free(PointerBlock* block);
};
static_assert(sizeof(PointerBlock) % alignof(Source*) == 0);

}  // namespace detail

// A set of readers in one word: none, one, a small array, or a hash set.
class ReaderSet {
 public:
  ReaderSet() = default;
  ReaderSet(const ReaderSet&) = delete;
  ReaderSet& operator=(const ReaderSet&) = delete;
  ~ReaderSet() { clear(); }

  bool empty() const { return bits_ == 0; }
  size_t size() const;
  // REQUIRES: `reader` is not in the set.
  void add(Source* reader);
  // REQUIRES: `reader` is in the set.
  void remove(Source* reader);

  // The order is unspecified. REQUIRES: `f` does not change this set.
  template <class F>
  void for_each(F&& f) const {
    switch (bits_ & kTagMask) {
      case kOne:
        if (bits_ != 0) f(reinterpret_cast<Source*>(bits_));
        break;
      case kFew:
        for (uint32_t i = 0; i < few()->size; ++i) f(few()->data()[i]);
        break;
      default:
        for (Source* reader : *many()) f(reader);
    }
  }

  static constexpr uint32_t kFewMax = 64;

 private:
  using Many = absl::flat_hash_set<Source*>;
  static constexpr uintptr_t kOne = 0, kFew = 1, kMany = 2, kTagMask = 3;

  detail::PointerBlock* few() const {
    return reinterpret_cast<detail::PointerBlock*>(bits_ & ~kTagMask);
  }
  Many* many() const { return reinterpret_cast<Many*>(bits_ & ~kTagMask); }
  void clear();

  uintptr_t bits_ = 0;
};

// What one entry has read, in the order of reading and without repeats, in one word: none, one, or
// a block.
class ReadList {
 public:
  ReadList() = default;
  ReadList(const ReadList&) = delete;
  ReadList& operator=(const ReadList&) = delete;
  ~ReadList() {
    if (is_block()) detail::PointerBlock::free(block());
  }

  // Valid until the next assign().
  std::span<Source* const> view() const {
    if (is_block()) return {block()->data(), block()->size};
    return {&word_, word_ == nullptr ? 0u : 1u};
  }
  void assign(std::span<Source* const> reads);

 private:
  static constexpr uintptr_t kBlock = 1;

  uintptr_t bits() const { return reinterpret_cast<uintptr_t>(word_); }
  bool is_block() const { return (bits() & kBlock) != 0; }
  detail::PointerBlock* block() const {
    return reinterpret_cast<detail::PointerBlock*>(bits() & ~kBlock);
  }

  Source* word_ = nullptr;  // the only read, or a block and kBlock
};

// Something that can be read: an entry of a table (present or not) or one aspect of a bucket.
// An entry of a derived table is a Source too, and stands as the reader in ReaderSets.
struct Source {
  enum Flag : uint8_t {
    kDirty = 1,     // waits in the dirty list of its node
    kRead = 2,      // read by the compute function that is running now
    kHeld = 4,      // in the ReadList from the run before (only while it is replaced)
    kRetired = 8,   // waits to be looked at, and perhaps freed, at the end of the commit
    kTouched = 16,  // a bucket of which a member has changed in this commit
    kMoved = 32     // a bucket of which a member has come or gone in this commit
  };

  Source(uint32_t node, ReadKind kind) : node(node), kind(kind) {}

  bool has(Flag flag) const { return (flags & flag) != 0; }
  void set(Flag flag) { flags |= flag; }
  void reset(Flag flag) { flags &= static_cast<uint8_t>(~flag); }

  ReaderSet readers;
  uint32_t node;  // position of the owning table or index in the graph
  ReadKind kind;
  uint8_t flags = 0;
  uint16_t feed = 0;  // derived entries: which feed decided that they exist
};
static_assert(sizeof(Source) == 16);

}  // namespace kgw::engine
