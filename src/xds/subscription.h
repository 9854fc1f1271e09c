// Subscription: what one stream knows of one resource type: what the proxy asked for, what it
// holds, and what is still owed to it.
//
// `held` is the only thing that grows with what the proxy holds (held.h). Everything
// else is empty in a proxy that is up to date.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "xds/held.h"
#include "xds/snapshot.h"

namespace kgw::xds {

inline constexpr Generation kNever = std::numeric_limits<Generation>::max();

// Something owed to the proxy: present from the moment the name is to be sent until it is accepted,
// or for as long as its rejection stands.
struct Work {
  enum class Flight : std::uint8_t { kNone, kUpsert, kRemoval };

  // Consumers (listeners, scopes, routes): since which generation the proxy lacks something that is
  // not in flight. Others: the generation of the last change.
  Generation generation = kNever;
  Version rejected;  // of the content that the proxy refused
  Flight flight = Flight::kNone;
  bool dirty = false;      // to be examined when the type may send again
  bool force = false;      // answer even if the proxy is believed to hold it
  bool suspect = false;    // in a refused response; in Subscription::suspects or in flight
  bool uncertain = false;  // was in a refused response, and what the proxy holds is not known since
  bool refused = false;    // `rejected` is set
  bool released = false;   // a removal that waited too long: send it whatever still refers to it

  bool refuses(Version version) const { return refused && rejected == version; }
};

// Empty tables of this many places are kept, so that single changes allocate nothing.
inline constexpr std::size_t kSpare = 64;

// Gives the memory of a burst, such as a first synchronisation, back: a hash table that has become
// empty would keep it.
template <typename Table>
void give_back(Table& table) {
  if (table.empty() && table.capacity() > kSpare) table = Table();
}

struct Sent {
  Name name;
  EntryPtr entry;  // null: a removal
  Generation generation = kNever;
};

// A consumer's content that waits for its clusters. Newer content does not replace it, or constant
// change would keep the proxy from ever getting any.
struct Frozen {
  EntryPtr entry;
  Generation next = kNever;  // of the first change after it
};

struct Subscription {
  explicit Subscription(ResourceType type) : type(type) {}

  bool covers(const Name& name) const {
    if (wildcard) return true;
    const Held* found = held.find(name);
    return found != nullptr && found->subscribed();
  }
  bool holds(const Name& name) const {
    const Held* found = held.find(name);
    return found != nullptr && found->any();
  }
  bool holds(const Name& name, Version version) const {
    const Held* found = held.find(name);
    return found != nullptr && found->is(version);
  }

  bool may_hold(const Name& name, const Work& of_name) const {
    return holds(name) || (unclear && of_name.refused);
  }
  // To be called when work may have ended.
  void give_back(HeldBases& bases) {
    if (!work.empty()) return;
    xds::give_back(work);
    xds::give_back(frozen);
    if (suspects.empty()) suspects = {};
    held.share(bases.latest[index_of(type)]);
    held.fit();
  }

  const ResourceType type;
  bool requested = false;  // the proxy has spoken of this type
  bool wildcard = false;
  // The proxy came back with something and did not tell what, so of names that it refuses it may
  // still have a version from before.
  bool unclear = false;
  bool must_answer = false;  // even if there is nothing to send
  bool suspects_turn = false;
  std::uint64_t nonce = 0;  // of the outstanding response; 0: none
  HeldTable held;
  absl::flat_hash_map<Name, Work> work;
  absl::flat_hash_map<Name, Frozen> frozen;
  std::vector<Sent> outstanding;
  std::vector<std::vector<Name>> suspects;  // groups to be sent again by themselves, last first
};

// Listeners, scopes and routes refer to the other types.
inline bool is_consumer(ResourceType type) { return type >= ResourceType::kListener; }

}  // namespace kgw::xds
