#include "api/name.h"

#include <array>
#include <functional>
#include <mutex>

#include "absl/container/flat_hash_set.h"

namespace kgw {

// The live entries, in shards so that sources on different threads rarely meet. Hashed by
// std::hash: names may be made before main(), when absl::Hash need not give what it gives later.
class NameTable {
 public:
  static NameTable& instance() {
    static NameTable* table = new NameTable;  // outlives every static Name
    return *table;
  }

  Name::Entry* acquire(std::string_view text) {
    const std::size_t hash = std::hash<std::string_view>()(text);
    Shard& shard = shard_of(hash);
    std::lock_guard lock(shard.mutex);
    auto found = shard.entries.find(text);
    if (found != shard.entries.end()) {
      (*found)->references.fetch_add(1, std::memory_order_relaxed);
      return *found;
    }
    auto* entry = new Name::Entry{std::string(text), hash, 1};
    shard.entries.insert(entry);
    return entry;
  }

  // REQUIRES: the caller owns one reference to `entry`, which this call takes away.
  // The last reference is dropped under the lock, so acquire() never revives a dying entry.
  void release(Name::Entry* entry) {
    int references = entry->references.load(std::memory_order_relaxed);
    while (references > 1) {
      if (entry->references.compare_exchange_weak(references, references - 1,
                                                  std::memory_order_acq_rel)) {
        return;
      }
    }
    Shard& shard = shard_of(entry->hash);
    std::lock_guard lock(shard.mutex);
    if (entry->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      shard.entries.erase(entry);
      delete entry;
    }
  }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(const Name::Entry* entry) const { return entry->hash; }
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  struct TextEqual {
    using is_transparent = void;
    static std::string_view text(const Name::Entry* entry) { return entry->text; }
    static std::string_view text(std::string_view text) { return text; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return text(a) == text(b);
    }
  };
  struct Shard {
    std::mutex mutex;
    absl::flat_hash_set<Name::Entry*, TextHash, TextEqual> entries;
  };

  Shard& shard_of(std::size_t hash) { return shards_[(hash >> 57) % shards_.size()]; }

  std::array<Shard, 16> shards_;
};

Name::Name(std::string_view text) {
  if (!text.empty()) entry_ = NameTable::instance().acquire(text);
}

void Name::release() { NameTable::instance().release(entry_); }

const std::string& Name::str() const {
  static const std::string* empty = new std::string;
  return entry_ == nullptr ? *empty : entry_->text;
}

}  // namespace kgw
