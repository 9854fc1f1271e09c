// SotwStream: a Stream that speaks state-of-the-world xDS (StreamAggregatedResources).
//
// A response to a wildcard carries everything the proxy is to hold: what it accepted before, where
// newer content must wait or was refused, and the news. Other types are sent name by name.
// The version_info is a hash of all that the proxy holds after the response, so a proxy that comes
// back with an unchanged one is sent nothing; one that refused or unsubscribed something since its
// last answer is sent all again, for the protocol does not tell what it holds.
// Two things it hides entirely when the connection breaks after them: the good part that a proxy
// took of a response that it refused, and a name that it dropped and asked for again. Should the
// version before be the right one again, it is believed. Delta has no such hole.
#pragma once

#include <array>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "xds/stream.h"

namespace kgw::xds {

class SotwStream final : public Stream {
 public:
  using Stream::Stream;
  void request(const Request& request, Responses& out) override;

 private:
  struct Accepted {
    // Of what the proxy holds, that which the snapshot has no longer (of Subscription::held).
    absl::flat_hash_map<Name, EntryPtr> outdated;
    std::uint64_t sum = 0;         // of names and versions of all that it holds
    std::uint64_t last_nonce = 0;  // of the last response of this type
    bool legacy_wildcard = false;  // never named anything
  };

  void first_request(Subscription& s, const Request& request);
  void resubscribe(Subscription& s, const Request& request);
  bool resume(Subscription& s, const Request& request);
  void compose(const Subscription& s, Response& response) override;
  bool can_remove(const Subscription& s) const override { return s.wildcard; }
  void on_held(const Subscription& s, const EntryPtr& entry, Held before) override;
  void on_dropped(const Subscription& s, const Name& name, Held before) override;
  void on_superseded(const Subscription& s, const EntryPtr& entry) override;
  EntryPtr entry_of(const Subscription& s, const Name& name);
  Accepted& accepted(ResourceType type) { return accepted_[index_of(type)]; }

  std::array<Accepted, kTypeCount> accepted_;
};

}  // namespace kgw::xds
