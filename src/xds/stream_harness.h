// Test support: one stream on one snapshot, with terse requests and responses.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "xds/delta_stream.h"
#include "xds/sotw_stream.h"

namespace kgw::xds::test {

inline constexpr auto kCds = ResourceType::kCluster;
inline constexpr auto kEds = ResourceType::kEndpoint;
inline constexpr auto kLds = ResourceType::kListener;
inline constexpr auto kRds = ResourceType::kRoute;
inline constexpr auto kSds = ResourceType::kSecret;
inline constexpr auto kSrds = ResourceType::kScopedRoute;

using Names = std::vector<std::string>;

class Recorder final : public StreamObserver {
 public:
  void behind(const ResourceKey& key) override { ++owed[to_string(key)]; }
  void caught_up(const ResourceKey& key, std::optional<Version> version) override {
    --owed[to_string(key)];
    if (version) accepted[to_string(key)] = *version;
  }
  void rejected(const ResourceKey& key, Version, std::string_view message) override {
    rejections.push_back(to_string(key) + ": " + std::string(message));
  }
  void answered(ResourceType, bool ack) override { ++(ack ? acks : nacks); }

  // "Cluster a"
  Names owing() const {
    Names names;
    for (const auto& [key, count] : owed) {
      if (count != 0) names.push_back(key);
    }
    return names;
  }

  std::map<std::string, int> owed;
  std::map<std::string, Version> accepted;
  Names rejections;
  int acks = 0, nacks = 0;
};

inline Edit& put(Edit& edit, ResourceType type, const char* name, const std::string& body) {
  edit.upserts.emplace_back(type, envoy::make_resource(name, body));
  return edit;
}

struct EditOf {
  EditOf put(ResourceType type, const char* name, const std::string& body = "1") && {
    test::put(edit, type, name, body);
    return std::move(*this);
  }
  // A cluster with its endpoints.
  EditOf cluster(const char* name, const std::string& body = "1") && {
    test::put(edit, kCds, name, body);
    test::put(edit, kEds, name, body);
    return std::move(*this);
  }
  EditOf remove(ResourceType type, const char* name) && {
    edit.removals.push_back({type, name});
    return std::move(*this);
  }
  Edit edit;
};

template <typename StreamType>
class Conversation {
 public:
  Conversation() { connect(); }
  ~Conversation() { stream->close(); }

  // A new stream on the same snapshot, as after a broken connection.
  void connect() {
    if (stream) stream->close();
    stream = std::make_unique<StreamType>(snapshot, recorder, bases, options, now);
    sent.clear();
  }
  void publish(EditOf edit) {
    const Notice notice = snapshot.apply(std::move(edit.edit));
    Responses out;
    stream->changed(notice, out);
    collect(std::move(out));
  }
  void request(Request request) {
    Responses out;
    stream->request(request, out);
    collect(std::move(out));
  }
  void pass(Clock::duration time) {
    now += time;
    Responses out;
    stream->tick(now, out);
    collect(std::move(out));
  }

  // The response of this type that waits for an answer; it must exist.
  const Response& pending(ResourceType type) { return sent.at(type); }
  bool is_pending(ResourceType type) const { return sent.contains(type); }
  // "+a +b -c" of the pending response, "" if there is none or it is empty.
  std::string news(ResourceType type) const {
    auto found = sent.find(type);
    if (found == sent.end()) return "";
    Names parts;
    for (const EntryPtr& entry : found->second.resources)
      parts.push_back("+" + entry->name().str());
    for (const Name& name : found->second.removed) parts.push_back("-" + name.str());
    std::sort(parts.begin(), parts.end());
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : " ") + part;
    return text;
  }
  std::string body(ResourceType type, const char* name) {
    for (const EntryPtr& entry : pending(type).resources) {
      if (entry->name() == Name(name)) return *entry->body();
    }
    return "(absent)";
  }
  Response take(ResourceType type) {
    Response response = sent.at(type);
    sent.erase(type);
    return response;
  }

  Snapshot snapshot;
  Recorder recorder;
  HeldBases bases;
  StreamOptions options;
  Time now{};
  std::unique_ptr<StreamType> stream;
  std::map<ResourceType, Response> sent;
  int responses = 0;

 private:
  void collect(Responses out) {
    for (Response& response : out) {
      ++responses;
      // At most one of each type is outstanding.
      if (sent.contains(response.type)) throw std::logic_error("two responses outstanding");
      sent[response.type] = std::move(response);
    }
  }
};

class DeltaConversation : public Conversation<DeltaStream> {
 public:
  void subscribe(ResourceType type, std::vector<Name> names = {}) {
    request({.type = type, .subscribe = std::move(names)});
  }
  void unsubscribe(ResourceType type, std::vector<Name> names) {
    request({.type = type, .unsubscribe = std::move(names)});
  }
  void ack(ResourceType type) { request({.type = type, .nonce = take(type).nonce}); }
  void nack(ResourceType type, std::string error) {
    request({.type = type, .nonce = take(type).nonce, .error = std::move(error)});
  }
  // Answers everything until nothing is sent any more.
  void settle() {
    while (!sent.empty()) ack(sent.begin()->first);
  }
  // As Envoy starts, with these endpoints and route tables.
  void start(std::vector<Name> clusters, std::vector<Name> routes) {
    subscribe(kCds);
    settle();
    subscribe(kEds, std::move(clusters));
    settle();
    subscribe(kLds);
    settle();
    subscribe(kRds, std::move(routes));
    settle();
  }
};

}  // namespace kgw::xds::test
