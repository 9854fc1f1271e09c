// How a stream takes the answers of its proxy: what was accepted, what was refused, who is to
// blame.
#include <algorithm>
#include <utility>

#include "xds/nack.h"
#include "xds/refusal_text.h"
#include "xds/stream.h"

namespace kgw::xds {

void Stream::acknowledge(Subscription& s, const Request& request) {
  if (s.nonce == 0 || request.nonce != std::to_string(s.nonce)) return;
  s.nonce = 0;
  std::vector<Sent> sent = std::move(s.outstanding);
  s.outstanding = {};
  observer_.answered(s.type, !request.error.has_value());
  if (request.error) {
    refuse(s, std::move(sent), *request.error);
  } else {
    for (const Sent& one : sent) accept(s, one);
  }
}

void Stream::accept(Subscription& s, const Sent& sent) {
  const Name& name = sent.name;
  if (sent.entry == nullptr) {
    drop(s, name);
  } else if (s.covers(name)) {
    hold(s, sent.entry);
  }
  if (s.type == ResourceType::kCluster && sent.entry != nullptr) {
    gate_.answered(name, lacks_endpoints(name));
  } else if (s.type == ResourceType::kEndpoint) {
    const bool came_back = sent.entry == nullptr && snapshot().contains(s.type, name);
    if (!came_back) gate_.endpoints_answered(name);
  }
  auto found = s.work.find(name);
  if (found == s.work.end()) return;
  Work& work = found->second;
  work.flight = Work::Flight::kNone;
  work.suspect = false;
  work.uncertain = false;
  if (sent.entry != nullptr) work.refused = false;
  if (work.dirty) return;
  drop_work(s, name, sent.entry == nullptr ? std::nullopt : std::optional(sent.entry->version()));
}

void Stream::refuse(Subscription& s, std::vector<Sent> sent, std::string_view error) {
  absl::flat_hash_set<Name> names;
  for (const Sent& one : sent) {
    if (one.entry != nullptr) names.insert(one.name);
  }
  const Blame found = blame(s.type, error, names);
  if (!found.culprits.empty()) {
    absl::flat_hash_map<Name, std::string_view> reasons;
    for (const auto& culprit : found.culprits) reasons[culprit.name] = culprit.reason;
    std::vector<Sent> uncertain;
    for (Sent& one : sent) {
      auto reason = reasons.find(one.name);
      if (one.entry != nullptr && reason != reasons.end()) {
        reject(s, one, reason->second);
      } else if (one.entry != nullptr && found.truncated) {
        uncertain.push_back(std::move(one));
      } else {
        accept(s, one);
      }
    }
    suspect(s, std::move(uncertain));
    return;
  }
  std::vector<Sent> upserts;
  for (Sent& one : sent) {
    if (one.entry != nullptr) {
      upserts.push_back(std::move(one));
    } else if (names.empty()) {
      accept(s, one);  // a removal that cannot be made is not worth a quarrel
    } else {
      send_again(s, one);
    }
  }
  if (upserts.size() == 1) {
    reject(s, upserts.front(), reason_of(error));
    return;
  }
  const auto middle = upserts.begin() + static_cast<std::ptrdiff_t>(upserts.size() / 2);
  std::vector<Sent> second(std::make_move_iterator(middle), std::make_move_iterator(upserts.end()));
  upserts.erase(middle, upserts.end());
  suspect(s, std::move(second));
  suspect(s, std::move(upserts));
}

void Stream::reject(Subscription& s, const Sent& sent, std::string_view message) {
  auto found = s.work.find(sent.name);
  if (found == s.work.end()) return;
  Work& work = found->second;
  work.flight = Work::Flight::kNone;
  work.suspect = false;
  work.refused = true;
  forget_endpoints(s, sent.name);
  work.rejected = sent.entry->version();
  if (is_consumer(s.type)) work.generation = std::min(work.generation, sent.generation);
  if (s.type == ResourceType::kCluster) gate_.remove(sent.name);
  if (s.type == ResourceType::kEndpoint) gate_.endpoints_answered(sent.name);
  observer_.rejected({s.type, sent.name}, sent.entry->version(), message);
}

// A cluster that warms waits for endpoints, and these were no help: whatever comes next is sent,
// even if it is what the proxy held before.
void Stream::forget_endpoints(Subscription& s, const Name& name) {
  if (s.type != ResourceType::kEndpoint) return;
  drop(s, name);
}

void Stream::suspect(Subscription& s, std::vector<Sent> group) {
  std::vector<Name> names;
  for (const Sent& sent : group) {
    auto found = s.work.find(sent.name);
    if (found == s.work.end()) continue;
    Work& work = found->second;
    work.flight = Work::Flight::kNone;
    work.suspect = true;
    forget_endpoints(s, sent.name);
    work.uncertain = true;
    if (is_consumer(s.type)) work.generation = std::min(work.generation, sent.generation);
    names.push_back(sent.name);
  }
  if (!names.empty()) s.suspects.push_back(std::move(names));
}

void Stream::send_again(Subscription& s, const Sent& removal) {
  auto found = s.work.find(removal.name);
  if (found == s.work.end()) return;
  Work& work = found->second;
  work.flight = Work::Flight::kNone;
  work.dirty = true;
  work.released = true;
  if (is_consumer(s.type)) work.generation = std::min(work.generation, removal.generation);
}

}  // namespace kgw::xds
