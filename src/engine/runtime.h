// What tables and indexes share: their common base Node, and the Runtime that runs a commit over
// them. Nothing here knows the types of keys and values; users include engine/graph.h.
//
// A node's level is its place in the order of creation. A node reads only nodes of lower level, so
// settling them in that order computes every entry at most once per commit, from settled inputs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cell.h"

namespace kgw::engine {

enum class TableKind : uint8_t { kInput, kDerived, kIndex };
std::string_view to_string(TableKind kind);
std::string_view to_string(ReadKind kind);

struct CommitStats {
  size_t inputs_changed = 0;  // input entries whose value is another than before
  size_t recomputed = 0;      // runs of compute functions
  size_t changed = 0;         // derived entries that appeared, disappeared or changed
  size_t cut_off = 0;         // runs that gave the value of before
  bool operator==(const CommitStats&) const = default;
};

struct TableInfo {
  std::string name;
  TableKind kind;
  size_t size = 0;          // entries; for an index, buckets with members
  size_t cells = 0;         // allocated, with those that are absent but read
  uint64_t recomputed = 0;  // runs of compute functions since the graph was made
  size_t edges = 0;         // reads recorded by its entries, the feed's own not counted
};

// One changed input entry, or one run of a compute function.
struct TraceEvent {
  std::string_view table;
  TableKind kind;
  std::string key;
  bool changed;
};

// Why an entry is what it is: the entry, and below it everything that was read to compute it.
struct Explanation {
  std::string table;  // or the name of the index
  TableKind kind;
  ReadKind read;             // how the line above has read this one
  std::string key;           // as text
  bool present = false;      // false: absent, and that was what the reader saw
  size_t count = 0;          // members of a bucket
  bool shown_above = false;  // its reads stand at an earlier line
  bool cut = false;          // its reads, or some of them, were left out by ExplainLimits
  std::vector<Explanation> reads;

  // An indented tree, one line each.
  std::string to_text() const;
};

struct ExplainLimits {
  size_t depth = 16;
  size_t members = 16;  // of one bucket
  size_t lines = 1000;
};

// Reports a programming error on stderr and aborts.
[[noreturn]] void fatal(std::string_view message);

// Empties a list that lives from commit to commit, and gives back what only a large one needed.
template <class T>
void reset_list(std::vector<T>& list) {
  constexpr size_t kKeep = 256;
  if (list.capacity() > kKeep) {
    list = std::vector<T>();
  } else {
    list.clear();
  }
}

class Runtime;

class Node {
 public:
  Node(Runtime& runtime, std::string name, TableKind kind);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  const std::string& name() const { return name_; }
  TableKind kind() const { return kind_; }
  uint32_t level() const { return level_; }
  virtual TableInfo info() const = 0;

 protected:
  friend class Runtime;

  // What explain shows for `source`: fills `out` and appends what it was made from.
  virtual void explain(const Source& source, Explanation& out,
                       std::vector<const Source*>& made_from, const ExplainLimits&) const = 0;
  // Brings the node up to date with those before it.
  virtual void settle() = 0;
  // Calls the watchers.
  virtual void publish() {}
  // Forgets this commit's edits and frees what nothing needs any more.
  virtual void finish() = 0;
  // `source` has lost its last reader.
  virtual void retire(Source& source) = 0;

  void mark_dirty(Source& entry) {
    if (entry.has(Source::kDirty)) return;
    entry.set(Source::kDirty);
    dirty_.push_back(&entry);
  }

  Runtime& runtime_;
  std::vector<Source*> dirty_;
  uint64_t recomputed_ = 0;
  size_t edges_ = 0;

 private:
  std::string name_;
  TableKind kind_;
  uint32_t level_;
};

class Runtime {
 public:
  template <class N>
  N& add(std::unique_ptr<N> node) {
    N& reference = *node;
    nodes_.push_back(std::move(node));
    return reference;
  }
  uint32_t next_level(std::string_view name) const;

  CommitStats commit();
  std::vector<TableInfo> tables() const;
  Explanation explain(const Source& source, const ExplainLimits& limits) const;

  // Marks all readers of `source`; they are of higher level than what is settling.
  void notify(const Source& source) {
    source.readers.for_each([this](Source* reader) { nodes_[reader->node]->mark_dirty(*reader); });
  }
  // Makes `reads` what `reader` depends on. Touches no ReaderSet when nothing differs.
  void relink(Source& reader, ReadList& list, std::vector<Source*>& reads);

  // Fatal when a compute function or extractor is running: `what` would be a read or write behind
  // its back.
  void require_idle(std::string_view what, const Node& node) const;
  void require_not_started(std::string_view name) const;

  const Node* computing = nullptr;  // whose compute function or extractor is running
  std::vector<Source*> reads;       // scratch of the running compute function
  CommitStats stats;                // of the commit that is running
  std::function<void(const TraceEvent&)> trace;

 private:
  std::vector<std::unique_ptr<Node>> nodes_;
  bool started_ = false;
  bool committing_ = false;
};

}  // namespace kgw::engine
