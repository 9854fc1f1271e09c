#include "engine/runtime.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace kgw::engine {

std::string_view to_string(TableKind kind) {
  switch (kind) {
    case TableKind::kInput:
      return "input";
    case TableKind::kDerived:
      return "derived";
    case TableKind::kIndex:
      return "index";
  }
  return "?";
}

std::string_view to_string(ReadKind kind) {
  switch (kind) {
    case ReadKind::kValue:
      return "value";
    case ReadKind::kMembers:
      return "members";
    case ReadKind::kEach:
      return "each";
    case ReadKind::kCount:
      return "count";
  }
  return "?";
}

void fatal(std::string_view message) {
  std::fprintf(stderr, "engine: %.*s\n", static_cast<int>(message.size()), message.data());
  std::fflush(stderr);
  std::abort();
}

Node::Node(Runtime& runtime, std::string name, TableKind kind)
    : runtime_(runtime), name_(std::move(name)), kind_(kind), level_(runtime.next_level(name_)) {}

uint32_t Runtime::next_level(std::string_view name) const {
  require_not_started(name);
  for (const auto& node : nodes_) {
    if (node->name() == name) fatal("two tables are named \"" + std::string(name) + "\"");
  }
  return static_cast<uint32_t>(nodes_.size());
}

void Runtime::require_not_started(std::string_view name) const {
  if (!started_) return;
  fatal("\"" + std::string(name) + "\" is created or fed after the first commit");
}

void Runtime::require_idle(std::string_view what, const Node& node) const {
  if (computing == nullptr) return;
  fatal("the function of \"" + computing->name() + "\" calls " + std::string(what) + " of \"" +
        node.name() + "\"; it may use only its arguments");
}

CommitStats Runtime::commit() {
  if (committing_) fatal("commit() inside commit(): a watcher may set inputs, not commit them");
  started_ = committing_ = true;
  stats = {};
  for (const auto& node : nodes_) node->settle();
  for (const auto& node : nodes_) node->publish();
  for (const auto& node : nodes_) node->finish();
  committing_ = false;
  return stats;
}

void Runtime::relink(Source& reader, ReadList& list, std::vector<Source*>& reads) {
  if (!std::ranges::equal(list.view(), reads)) {
    for (Source* old : list.view()) old->set(Source::kHeld);
    for (Source* read : reads) {
      if (!read->has(Source::kHeld)) read->readers.add(&reader);
    }
    for (Source* old : list.view()) {
      old->reset(Source::kHeld);
      if (old->has(Source::kRead)) continue;
      old->readers.remove(&reader);
      if (old->readers.empty()) nodes_[old->node]->retire(*old);
    }
    nodes_[reader.node]->edges_ += reads.size() - list.view().size();
    list.assign(reads);
  }
  for (Source* read : reads) read->reset(Source::kRead);
  reads.clear();
}

std::vector<TableInfo> Runtime::tables() const {
  std::vector<TableInfo> infos;
  for (const auto& node : nodes_) {
    infos.push_back(node->info());
    infos.back().recomputed = node->recomputed_;
    infos.back().edges = node->edges_;
  }
  return infos;
}

Explanation Runtime::explain(const Source& source, const ExplainLimits& limits) const {
  absl::flat_hash_set<const Source*> expanded;
  size_t lines = 1;
  const auto visit = [&](const auto& self, const Source& at, size_t depth) -> Explanation {
    Explanation line;
    line.table = nodes_[at.node]->name();
    line.kind = nodes_[at.node]->kind();
    line.read = at.kind;
    std::vector<const Source*> made_from;
    nodes_[at.node]->explain(at, line, made_from, limits);
    if (made_from.empty()) return line;
    if (!expanded.insert(&at).second) {
      line.shown_above = true;
      return line;
    }
    for (const Source* below : made_from) {
      if (depth >= limits.depth || lines >= limits.lines) {
        line.cut = true;
        break;
      }
      ++lines;
      line.reads.push_back(self(self, *below, depth + 1));
    }
    return line;
  };
  return visit(visit, source, 0);
}

std::string Explanation::to_text() const {
  std::string text;
  const auto print = [&](const auto& self, const Explanation& line, size_t indent) -> void {
    text.append(indent * 2, ' ').append(line.table).append("[").append(line.key).append("]");
    if (line.read != ReadKind::kValue) {
      text.append(" ").append(to_string(line.read)).append(", ");
      text.append(std::to_string(line.count)).append(" in the bucket");
    } else if (!line.present) {
      text.append(" absent");
    }
    if (line.shown_above) text.append(" (reads shown above)");
    text.append("\n");
    for (const Explanation& read : line.reads) self(self, read, indent + 1);
    if (line.cut) text.append((indent + 1) * 2, ' ').append("...\n");
  };
  print(print, *this, 0);
  return text;
}

}  // namespace kgw::engine
