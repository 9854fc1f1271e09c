// FakeApi: a small API server on loopback for tests, over TLS: objects, resource versions, lists in
// pages, watches, optimistic locking, discovery; and every way to be difficult.
//
// It keeps whatever JSON it is given and knows no schema. Server-side apply and merge patch are
// both done as a merge. Selectors are not evaluated, only seen (`requests()`). Thread: all methods
// may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "source/kube/config.h"
#include "source/kube/request.h"

namespace kgw::kube::testing {

struct Seen {
  std::string method;
  std::string path;  // without the query
  std::string query;
  std::string content_type;
  std::string authorization;
  std::string accept;
  std::string body;
};

// What to send instead of the real answer.
struct Reply {
  int status = 200;
  std::string body;
  std::string headers;  // more of them, each ending in \r\n
  bool cut = false;     // close in the middle of the body
};

// What a port of a pod says; with an error, what the node says in its place.
struct PodAnswer {
  std::string data;
  std::string error;
};
// From the pod's name, the query of the request, and what was sent so far; nothing = it waits for
// more.
using Pods = std::function<std::optional<PodAnswer>(
    const std::string& pod, const std::string& query, const std::string& sent)>;

class FakeApi {
 public:
  FakeApi();
  ~FakeApi();

  // How to reach it, as a user with the token "good".
  Config config() const;
  std::string authority_pem() const;
  void set_token(const std::string& token);

  // Kinds outside core must be served to be found.
  void serve(const Resource& resource, const std::string& kind);
  // Its objects vanish with it, as with a CRD.
  void unserve(const Resource& resource);

  // Creates or replaces; metadata.name (and namespace) say which. Returns the resource version.
  std::string put(const Resource& resource, nlohmann::json object);
  void erase(const Resource& resource, const ObjectKey& key);
  std::optional<nlohmann::json> find(const Resource& resource, const ObjectKey& key) const;

  // To all watches: a bookmark with the current resource version.
  void bookmark();
  // Resource versions before now are too old to watch from or to continue a list at.
  void compact();
  // Breaks all connections.
  void disconnect();
  // Sends the bytes to all watches of the resource, as they are.
  void inject(const Resource& resource, const std::string& bytes);
  // Asked first for every request; nothing = go on.
  void intercept(std::function<std::optional<Reply>(const Seen&)> hook);

  // Who answers when a port of a pod that is there is forwarded.
  void pods(Pods pods);

  std::vector<Seen> requests() const;
  int connections() const;  // accepted so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kgw::kube::testing
