// ObjectApi over a client of a real API server.
#pragma once

#include <functional>
#include <string>

#include "deploy/kube/applier.h"
#include "source/kube/client.h"

namespace kgw::deploy::kube {

kgw::kube::Resource resource_of(const OwnedKind& kind);

class KubeApi : public ObjectApi {
 public:
  // Runs a function on the core's thread.
  using Post = std::function<void(std::function<void()>)>;

  KubeApi(kgw::kube::Send send, Post post);

  void get(const OwnedRef& ref, Done done) override;
  void apply(const OwnedRef& ref, const nlohmann::json& object, Done done) override;
  void hand_over(const OwnedRef& ref, const nlohmann::json& fields, Done done) override;
  void remove(const OwnedRef& ref, const std::string& uid, Done done) override;

 private:
  void send(kgw::kube::Request request, Done done);

  kgw::kube::Send send_;
  Post post_;
};

}  // namespace kgw::deploy::kube
