#include "deploy/kube/kube_api.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "attach/model.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

kgw::kube::Resource resource_of(const OwnedRef& ref) {
  return resource_of(*std::ranges::find_if(
      owned_kinds(), [&](const OwnedKind& kind) { return ref.kind == kind.kind; }));
}

}  // namespace

kgw::kube::Resource resource_of(const OwnedKind& kind) {
  const std::string version = kind.api_version;
  const auto slash = version.find('/');
  const bool core = slash == std::string::npos;
  return {core ? "" : version.substr(0, slash), core ? version : version.substr(slash + 1),
          kind.plural, true};
}

KubeApi::KubeApi(kgw::kube::Send send, Post post)
    : send_(std::move(send)), post_(std::move(post)) {}

void KubeApi::get(const OwnedRef& ref, Done done) {
  send(kgw::kube::get(resource_of(ref), ref.key), std::move(done));
}

void KubeApi::apply(const OwnedRef& ref, const Json& object, Done done) {
  send(kgw::kube::apply(resource_of(ref), ref.key, object.dump(), attach::kControllerName),
       std::move(done));
}

void KubeApi::hand_over(const OwnedRef& ref, const Json& fields, Done done) {
  send(kgw::kube::apply(resource_of(ref), ref.key, fields.dump(), "kgateway.dev/handed-over"),
       std::move(done));
}

void KubeApi::remove(const OwnedRef& ref, const std::string& uid, Done done) {
  send(kgw::kube::remove(resource_of(ref), ref.key, uid), std::move(done));
}

void KubeApi::send(kgw::kube::Request request, Done done) {
  send_(std::move(request),
        [post = post_, done = std::move(done)](kgw::kube::Result<std::string> result) mutable {
          post([done = std::move(done), result = std::move(result)] {
            if (!result) {
              return done(std::unexpected(
                  Error{result.error().status, kgw::kube::to_string(result.error())}));
            }
            done(Json::parse(*result, nullptr, false));
          });
        });
}

}  // namespace kgw::deploy::kube
