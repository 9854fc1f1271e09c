#include "xds/sotw_stream.h"

#include <xxhash.h>

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "xds/delta_stream.h"

namespace kgw::xds {
namespace {

bool names_wildcard(const Request& request) {
  return std::ranges::any_of(request.names, [](const Name& name) { return name.view() == "*"; });
}

// Depends on texts only, so that it is the same after a restart.
std::uint64_t fingerprint(const Name& name, Held held) {
  if (!held.any()) return 0;
  return XXH3_64bits_withSeed(name.view().data(), name.view().size(), held.bits());
}
std::uint64_t fingerprint(const Entry& entry) {
  Held held;
  held.set(entry.version());
  return fingerprint(entry.name(), held);
}

}  // namespace

void SotwStream::request(const Request& request, Responses& out) {
  Subscription& s = subscription(request.type);
  Accepted& a = accepted(request.type);
  if (!s.requested) {
    first_request(s, request);
  } else {
    // A request that answers an older response is void: the proxy will answer the newer one too.
    if (a.last_nonce != 0 && request.nonce != std::to_string(a.last_nonce)) return;
    acknowledge(s, request);
    resubscribe(s, request);
  }
  flush(out);
}

void SotwStream::first_request(Subscription& s, const Request& request) {
  Accepted& a = accepted(request.type);
  s.requested = true;
  a.legacy_wildcard = request.names.empty() && empty_means_wildcard(s.type);
  s.wildcard = a.legacy_wildcard || names_wildcard(request);
  const bool resumed = resume(s, request);
  s.unclear = !resumed && !request.version_info.empty();
  for (const Name& name : request.names) {
    if (name.view() != "*") subscribe(s, name, 0, !resumed);
  }
  if (s.wildcard) {
    join_wildcard(s, 0);
    s.must_answer = !resumed;
  }
  claimed(s);
}

// Finds out whether the proxy holds exactly what it should.
bool SotwStream::resume(Subscription& s, const Request& request) {
  if (request.version_info.empty()) return false;
  std::vector<EntryPtr> entries;
  if (s.wildcard) {
    for (const auto& [name, entry] : snapshot().table(s.type)) entries.push_back(entry);
  } else {
    for (const Name& name : request.names) {
      if (EntryPtr entry = snapshot().find(s.type, name)) entries.push_back(std::move(entry));
    }
  }
  std::uint64_t sum = 0;
  for (const EntryPtr& entry : entries) sum += fingerprint(*entry);
  if (to_string(Version{sum}) != request.version_info) return false;
  for (const EntryPtr& entry : entries) hold(s, entry);
  return true;
}

void SotwStream::resubscribe(Subscription& s, const Request& request) {
  Accepted& a = accepted(request.type);
  if (!request.names.empty()) a.legacy_wildcard = false;
  absl::flat_hash_set<Name> wanted(request.names.begin(), request.names.end());
  const bool wildcard = wanted.erase("*") > 0 || a.legacy_wildcard;

  std::vector<Name> unwanted;
  for (const auto& [name, held] : s.held) {
    if (held.subscribed() && !wanted.contains(name)) unwanted.push_back(name);
  }
  if (s.wildcard && !wildcard) leave_wildcard(s);
  for (const Name& name : unwanted) unsubscribe(s, name);
  for (const Name& name : wanted) {
    const Held* found = s.held.find(name);
    const bool known = found != nullptr && found->subscribed();
    if (!known) subscribe(s, name, snapshot().generation(), true);
  }
  if (!s.wildcard && wildcard) join_wildcard(s, 0);
}

void SotwStream::compose(const Subscription& s, Response& response) {
  Accepted& a = accepted(s.type);
  a.last_nonce = s.nonce;
  std::uint64_t sum = a.sum;
  absl::flat_hash_set<Name> replaced;
  for (const Sent& sent : s.outstanding) {
    replaced.insert(sent.name);
    if (const Held* before = s.held.find(sent.name)) sum -= fingerprint(sent.name, *before);
    if (sent.entry == nullptr) continue;
    sum += fingerprint(*sent.entry);
    response.resources.push_back(sent.entry);
  }
  if (s.wildcard) {
    for (const auto& [name, held] : s.held) {
      if (held.any() && !replaced.contains(name)) response.resources.push_back(entry_of(s, name));
    }
  }
  response.version_info = to_string(Version{sum});
}

// REQUIRES: the proxy holds the name.
EntryPtr SotwStream::entry_of(const Subscription& s, const Name& name) {
  const Accepted& a = accepted(s.type);
  auto outdated = a.outdated.find(name);
  return outdated != a.outdated.end() ? outdated->second : snapshot().find(s.type, name);
}

void SotwStream::on_held(const Subscription& s, const EntryPtr& entry, Held before) {
  Accepted& a = accepted(s.type);
  a.sum += fingerprint(*entry) - fingerprint(entry->name(), before);
  const EntryPtr current = snapshot().find(s.type, entry->name());
  if (current != nullptr && current->version() == entry->version()) {
    a.outdated.erase(entry->name());
  } else {
    a.outdated[entry->name()] = entry;
  }
  give_back(a.outdated);
}

void SotwStream::on_dropped(const Subscription& s, const Name& name, Held before) {
  Accepted& a = accepted(s.type);
  a.sum -= fingerprint(name, before);
  a.outdated.erase(name);
}

void SotwStream::on_superseded(const Subscription& s, const EntryPtr& entry) {
  accepted(s.type).outdated.try_emplace(entry->name(), entry);
}

}  // namespace kgw::xds
