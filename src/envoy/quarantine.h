// Rules that proxies refuse although they passed all checks here. Known by their content, so that a
// mended rule is innocent at once, and an entry for a rule that is gone does no harm.
//
// A rule in quarantine answers 500 at its matches; if that is refused too (the matcher itself is
// the poison) it is left out; one that protects then answers 500 on policy::guard_of() its matches.
// While it is only suspected, its whole route is served as proxies accepted it last.
#pragma once

#include <cstdint>
#include <string>

#include "engine/graph.h"
#include "envoy/resource.h"

namespace kgw::envoy {

enum class Quarantine : std::uint8_t { kNone, kReplaced, kDropped };

struct QuarantineEntry {
  std::string envoy_message;
  bool suspected = false;

  friend bool operator==(const QuarantineEntry&, const QuarantineEntry&) = default;
};

struct QuarantineVerdict {
  Quarantine state = Quarantine::kNone;
  std::string refusal;     // Envoy's words
  bool suspected = false;  // whatever the state
};

// The keys of table `quarantined rules`: first replace it, then drop it.
Name replace_key(Version content);
Name drop_key(Version content);

// Entries by a part of their key: reading a bucket costs a route nothing per rule, and a new entry
// wakes only one route in some thousands.
using QuarantineIndex = engine::Index<std::uint32_t, Name, QuarantineEntry>;
std::uint32_t quarantine_bucket(const Name& key);

QuarantineVerdict quarantine_of(engine::Read& read, const QuarantineIndex& index, Version content);

}  // namespace kgw::envoy
