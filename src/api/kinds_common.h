// Descriptions and constraints that several kinds share. Included by kinds_*.cc only.
#pragma once

#include "api/backend.h"
#include "api/filters.h"
#include "api/gateway.h"
#include "api/kinds.h"
#include "api/refs.h"

namespace kgw {

using schema::Constraints;
using schema::Schema;

inline constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";
inline constexpr std::string_view kGatewayExperimentalGroup = "gateway.networking.x-k8s.io";

// The string types of Gateway API.
namespace shape {
Constraints group();             // "" or a subdomain
Constraints kind();              // a Go-like identifier with dashes
Constraints object_name();       // 1..253, no pattern: the referenced object decides
Constraints namespace_name();    // RFC 1123 label
Constraints section_name();      // RFC 1123 subdomain, 1..253
Constraints hostname();          // may begin with "*."
Constraints precise_hostname();  // no wildcard
Constraints header_name();       // RFC 7230 token, 1..256
Constraints header_value();      // printable, 1..4096
Constraints controller_name();   // domain/path
Constraints port();              // 1..65535
Constraints annotation_value();  // ..4096
// maxProperties and what an entry of infrastructure or options may be.
Constraints label_map(std::uint32_t max_entries);
Constraints annotation_map(std::uint32_t max_entries);
}  // namespace shape

// True for an optionally prefixed label or annotation key ("example.com/name").
bool is_qualified_name(std::string_view key);
// A map rule: the part before "/" of each key is shorter than 253.
bool has_short_prefixes(const StringMap& map);
// Whether the manifest has this field, be it empty.
bool is_given(const doc::Node& object, std::string_view field);
bool is_ip(std::string_view text);

// The fields every kind has: metadata, and apiVersion, kind and status, which are not described.
// Names are subdomains; those of Namespaces and Services are labels.
void describe_metadata(Schema<ObjectMeta>& s);
void describe_service_metadata(Schema<ObjectMeta>& s);
void describe_namespace_metadata(Schema<ObjectMeta>& s);
// Only the name and one label, for kinds of which there are many.
void describe_name_and_label(Schema<ObjectMeta>& s, const std::string& label);

template <typename T>
void describe_object(Schema<T>& s, schema::Describe<ObjectMeta> metadata = describe_metadata) {
  s.field("metadata", &Object::metadata, metadata).required();
  s.ignore("apiVersion", "kind", "status");
}

void describe(Schema<LabelSelector>& s);
void describe(Schema<LabelSelectorRequirement>& s);
void describe(Schema<ParentRef>& s);
void describe(Schema<BackendObjectRef>& s);
void describe(Schema<SecretObjectRef>& s);
void describe(Schema<AnyObjectRef>& s);
void describe(Schema<LocalObjectRef>& s);
void describe(Schema<HttpHeader>& s);
void describe(Schema<HeaderModifier>& s);
void describe(Schema<Fraction>& s);
void describe(Schema<RequestMirror>& s);
void describe(Schema<PathModifier>& s);
void describe(Schema<RequestRedirect>& s);
void describe(Schema<UrlRewrite>& s);
void describe(Schema<CorsFilter>& s);
void describe(Schema<HttpAuthConfig>& s);
void describe(Schema<GrpcAuthConfig>& s);
void describe(Schema<ForwardBody>& s);
void describe(Schema<ExternalAuthFilter>& s);
// filters[] of an HTTPRoute and of a GRPCRoute differ in the types they allow.
void describe_http_filter(Schema<RouteFilter>& s);
void describe_grpc_filter(Schema<RouteFilter>& s);
// What a list of filters must satisfy as a whole.
schema::FieldRef<std::vector<RouteFilter>> http_filter_list(
    schema::FieldRef<std::vector<RouteFilter>> field);
schema::FieldRef<std::vector<RouteFilter>> grpc_filter_list(
    schema::FieldRef<std::vector<RouteFilter>> field);

}  // namespace kgw
