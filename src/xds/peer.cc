#include "xds/peer.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/auth_context.h>

#include <string_view>

namespace kgw::xds {
namespace {

constexpr std::string_view kBearer = "Bearer ";

}  // namespace

Peer peer_of(const grpc::GenericCallbackServerContext& context) {
  Peer peer{context.peer(), {}, {}};
  const auto& metadata = context.client_metadata();
  if (auto found = metadata.find("authorization"); found != metadata.end()) {
    std::string_view value(found->second.data(), found->second.size());
    if (value.starts_with(kBearer)) peer.bearer_token = value.substr(kBearer.size());
  }
  if (const auto auth = context.auth_context(); auth != nullptr && auth->IsPeerAuthenticated()) {
    for (const grpc::string_ref& identity : auth->GetPeerIdentity()) {
      peer.identities.emplace_back(identity.data(), identity.size());
    }
  }
  return peer;
}

}  // namespace kgw::xds
