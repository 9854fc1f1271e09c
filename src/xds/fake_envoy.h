// Test support: an Envoy reduced to what it does with discovery, over queues that the test moves.
//
// Bodies are texts, parts separated by '|':
//   cluster "eds|..." or "dns|..."; route "c1,c2|..." names its clusters; listener "r1,r2|..."
//   names its routes. A body that holds "bad" is refused.
// As Envoy does, it applies the good part of a CDS or LDS response and names the rest in its NACK;
// in other types it stops at the first bad resource and names nobody. It warms a changed EDS
// cluster until it hears of its endpoints. It notes every moment in which traffic would have been
// lost.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "xds/stream_harness.h"

namespace kgw::xds::test {

class FakeEnvoy {
 public:
  struct Options {
    Protocol protocol = Protocol::kDelta;
    // Whether a cluster that leaves while a route refers to it is a fault.
    bool keeps_clusters = true;
  };
  struct Loaded {
    Version version;
    std::string body;
  };
  using Table = std::map<std::string, Loaded>;

  explicit FakeEnvoy(Options options) : options_(options) {}

  // Starts a new stream; what was in flight is lost.
  void connect();
  void receive(const Response& response);

  std::deque<Request> requests;     // to the server
  std::vector<std::string> faults;  // what should never have happened
  std::map<ResourceType, Table> tables;
  std::set<std::string> warming;  // changed clusters that have not heard of their endpoints
  std::set<std::string> refused;  // clusters, or their endpoints; ever

 private:
  struct Outcome {
    std::string error;
    bool ok() const { return error.empty(); }
  };

  static std::vector<Name> list_of(const std::string& body);
  static bool is_eds(const std::string& body) { return body.starts_with("eds"); }
  bool delta() const { return options_.protocol == Protocol::kDelta; }

  Outcome apply(const Response& response);
  void load(ResourceType type, const std::string& name, const Entry& entry);
  void unload(ResourceType type, const std::string& name);
  void check_route(const std::string& name, const std::string& body);
  void check_removal(const std::string& cluster);
  void first_request(ResourceType type, std::vector<Name> names, bool names_only);
  void answer(const Response& response, const Outcome& outcome);
  // Brings a subscription in line with what refers to its names.
  void follow(ResourceType type, std::set<std::string> wanted);
  void follow_references(ResourceType changed);
  std::set<std::string> wanted_endpoints() const;
  std::set<std::string> wanted_routes() const;

  const Options options_;
  std::map<ResourceType, std::set<std::string>> subscribed_;
  std::map<ResourceType, std::string> nonces_, versions_;
  std::set<ResourceType> requested_;  // on this stream
  bool started_ = false;              // has had clusters
};

inline std::vector<Name> FakeEnvoy::list_of(const std::string& body) {
  std::vector<Name> names;
  const std::string list = body.substr(0, body.find('|'));
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    if (end > at) names.emplace_back(list.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

inline void FakeEnvoy::connect() {
  requests.clear();
  nonces_.clear();
  requested_.clear();
  warming.clear();  // Envoy goes on after init_fetch_timeout
  first_request(kCds, {}, false);
  // A fresh Envoy asks for listeners after its first clusters, and for the rest as it learns of it.
  if (!started_) return;
  for (const ResourceType type : {kEds, kRds}) {
    std::vector<Name> names(subscribed_[type].begin(), subscribed_[type].end());
    if (!names.empty()) first_request(type, std::move(names), true);
    if (type == kEds) first_request(kLds, {}, false);
  }
}

inline void FakeEnvoy::first_request(ResourceType type, std::vector<Name> names, bool names_only) {
  requested_.insert(type);
  Request request{.type = type};
  if (delta()) {
    for (const auto& [name, loaded] : tables[type]) {
      if (!names_only || subscribed_[type].contains(name)) {
        request.held.emplace_back(name, loaded.version);
      }
    }
    request.subscribe = std::move(names);
  } else {
    request.names = std::move(names);
    request.version_info = versions_[type];
  }
  requests.push_back(std::move(request));
}

inline void FakeEnvoy::receive(const Response& response) {
  nonces_[response.type] = response.nonce;
  const Outcome outcome = apply(response);
  if (outcome.ok()) versions_[response.type] = response.version_info;
  // Envoy resumes the paused types when it has applied the response, before or after its answer.
  const bool answer_first = std::hash<std::string>()(response.nonce) % 2 == 0;
  if (answer_first) answer(response, outcome);
  follow_references(response.type);
  if (!answer_first) answer(response, outcome);
}

inline FakeEnvoy::Outcome FakeEnvoy::apply(const Response& response) {
  const ResourceType type = response.type;
  const bool named = type == kCds || type == kLds;
  std::string error;
  std::set<std::string> present;
  for (const EntryPtr& entry : response.resources) {
    const std::string& name = entry->name().str();
    present.insert(name);
    if (entry->body()->find("bad") == std::string::npos) {
      load(type, name, *entry);
      continue;
    }
    if (type == kCds || type == kEds) refused.insert(name);
    if (!named) return {"something is wrong"};
    error += (error.empty() ? "" : type == kCds ? ", " : "\n") + name + ": refused";
  }
  for (const Name& name : response.removed) unload(type, name.str());
  if (!delta() && named) {
    std::vector<std::string> gone;
    for (const auto& [name, loaded] : tables[type]) {
      if (!present.contains(name)) gone.push_back(name);
    }
    for (const std::string& name : gone) unload(type, name);
  }
  if (error.empty()) return {};
  return {
      (type == kCds ? "Error adding/updating cluster(s) " : "Error adding/updating listener(s) ") +
      error};
}

inline void FakeEnvoy::load(ResourceType type, const std::string& name, const Entry& entry) {
  const std::string& body = *entry.body();
  auto found = tables[type].find(name);
  if (type == kRds) {
    if (!subscribed_[kRds].contains(name)) return;
    check_route(name, body);
  } else if (type == kEds) {
    if (!subscribed_[kEds].contains(name)) return;
    warming.erase(name);
  } else if (type == kCds && !is_eds(body)) {
    warming.erase(name);
  } else if (type == kCds && found != tables[type].end() && found->second.body != body) {
    warming.insert(name);
  }
  tables[type][name] = {entry.version(), body};
}

inline void FakeEnvoy::unload(ResourceType type, const std::string& name) {
  // Envoy ignores the removal of endpoints, routes and secrets that it still refers to.
  if (type != kCds && type != kLds) return;
  if (type == kCds) check_removal(name);
  tables[type].erase(name);
  warming.erase(name);
}

inline void FakeEnvoy::check_route(const std::string& name, const std::string& body) {
  for (const Name& cluster : list_of(body)) {
    auto found = tables[kCds].find(cluster.str());
    // A changed cluster serves as it was until it is warm.
    if (refused.contains(cluster.str()) || warming.contains(cluster.str())) continue;
    if (found == tables[kCds].end()) {
      faults.push_back("route " + name + " before its cluster " + cluster.str());
    } else if (is_eds(found->second.body) && !tables[kEds].contains(cluster.str())) {
      faults.push_back("route " + name + " before the endpoints of " + cluster.str());
    }
  }
}

inline void FakeEnvoy::check_removal(const std::string& cluster) {
  if (!options_.keeps_clusters) return;
  for (const auto& [name, route] : tables[kRds]) {
    for (const Name& used : list_of(route.body)) {
      if (used.str() == cluster) faults.push_back("cluster " + cluster + " left route " + name);
    }
  }
}

inline void FakeEnvoy::answer(const Response& response, const Outcome& outcome) {
  Request request{.type = response.type, .nonce = response.nonce};
  if (!outcome.ok()) request.error = outcome.error;
  if (!delta()) {
    request.names.assign(subscribed_[response.type].begin(), subscribed_[response.type].end());
    request.version_info = versions_[response.type];
  }
  requests.push_back(std::move(request));
}

inline void FakeEnvoy::follow_references(ResourceType changed) {
  if (changed == kCds) {
    started_ = true;
    follow(kEds, wanted_endpoints());
    if (!requested_.contains(kLds)) first_request(kLds, {}, false);
  }
  if (changed == kLds) follow(kRds, wanted_routes());
}

inline std::set<std::string> FakeEnvoy::wanted_endpoints() const {
  std::set<std::string> wanted;
  if (auto clusters = tables.find(kCds); clusters != tables.end()) {
    for (const auto& [name, loaded] : clusters->second) {
      if (is_eds(loaded.body)) wanted.insert(name);
    }
  }
  return wanted;
}

inline std::set<std::string> FakeEnvoy::wanted_routes() const {
  std::set<std::string> wanted;
  if (auto listeners = tables.find(kLds); listeners != tables.end()) {
    for (const auto& [name, loaded] : listeners->second) {
      for (const Name& route : list_of(loaded.body)) wanted.insert(route.str());
    }
  }
  return wanted;
}

inline void FakeEnvoy::follow(ResourceType type, std::set<std::string> wanted) {
  std::set<std::string>& now = subscribed_[type];
  if (wanted == now) return;
  std::vector<Name> added, removed;
  for (const std::string& name : wanted) {
    if (!now.contains(name)) added.emplace_back(name);
  }
  for (const std::string& name : now) {
    if (wanted.contains(name)) continue;
    removed.emplace_back(name);
    tables[type].erase(name);
  }
  now = std::move(wanted);
  if (!requested_.contains(type)) {
    if (!now.empty()) first_request(type, {now.begin(), now.end()}, true);
    return;
  }
  Request request{.type = type};
  if (delta()) {
    request.subscribe = std::move(added);
    request.unsubscribe = std::move(removed);
  } else {
    request.names.assign(now.begin(), now.end());
    request.nonce = nonces_[type];
    request.version_info = versions_[type];
  }
  requests.push_back(std::move(request));
}

}  // namespace kgw::xds::test
