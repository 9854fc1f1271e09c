#include "policy/rules.h"

#include "attach/model.h"
#include "policy/bind.h"

namespace kgw::policy {
namespace {

using attach::BackendProtocol;
using attach::Model;
using engine::Read;

Resolver resolver(const Model& model, Read& read, const ObjectRef& route,
                  BackendProtocol preferred) {
  return [&model, &read, route, preferred](const BackendObjectRef& ref) {
    return model.resolve_backend(read, route, ref, preferred);
  };
}

std::optional<BoundRoute> bind_http(const Model& model, Read& read, const ObjectRef& ref,
                                    bool weighted) {
  if (ref.kind == Kind::kHttpRoute) {
    const HttpRoute* route = read.get(model.inputs.http_routes, ref.key);
    if (route == nullptr) return {};
    return bind_route(*route, resolver(model, read, ref, BackendProtocol::kAuto), weighted);
  }
  if (ref.kind == Kind::kGrpcRoute) {
    const GrpcRoute* route = read.get(model.inputs.grpc_routes, ref.key);
    if (route == nullptr) return {};
    return bind_route(*route, resolver(model, read, ref, BackendProtocol::kHttp2));
  }
  return {};
}

bool is_stream(Kind kind) {
  return kind == Kind::kTlsRoute || kind == Kind::kTcpRoute || kind == Kind::kUdpRoute;
}

std::optional<BoundStreamRoute> bind_stream(const Model& model, Read& read, const ObjectRef& ref) {
  const StreamRoute* route = read.get(model.inputs.stream_routes, ref);
  if (route == nullptr) return {};
  const BackendProtocol preferred =
      ref.kind == Kind::kUdpRoute ? BackendProtocol::kUdp : BackendProtocol::kTcp;
  return bind_route(*route, resolver(model, read, ref, preferred));
}

}  // namespace

Rules::Rules(engine::Graph& graph, Model& model, bool weighted)
    : our_routes(graph.index<ObjectRef>(
          model.attachments, "our routes",
          [](const ObjectRef& ref, const attach::RouteAttachment&, auto&& emit) {
            if (!is_stream(ref.kind)) emit(ref);
          })),
      our_stream_routes(graph.index<ObjectRef>(
          model.attachments, "our stream routes",
          [](const ObjectRef& ref, const attach::RouteAttachment&, auto&& emit) {
            if (is_stream(ref.kind)) emit(ref);
          })),
      rules(graph.derived<ObjectRef, BoundRoute>("rules").from(
          our_routes,
          [&model, weighted](const ObjectRef& ref, Read& read) {
            return bind_http(model, read, ref, weighted);
          })),
      stream_rules(graph.derived<ObjectRef, BoundStreamRoute>("stream rules")
                       .from(our_stream_routes, [&model](const ObjectRef& ref, Read& read) {
                         return bind_stream(model, read, ref);
                       })) {}

}  // namespace kgw::policy
