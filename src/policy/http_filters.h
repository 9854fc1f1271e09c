// The HTTP filters that route features need in every listener's chain.
//
// All of them stand in the chain from the start and do nothing until a route carries configuration
// for them, so that no change of a route ever touches a listener. The names are the keys of
// typed_per_filter_config.
#pragma once

#include <string_view>

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
class Message;
class Any;
}  // namespace google::protobuf
namespace envoy::config::route::v3 {
class Route;
}
namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class HttpFilter;
}

namespace kgw::policy {

inline constexpr std::string_view kCorsFilter = "envoy.filters.http.cors";
// A composite filter: each route brings its whole ext_authz filter. (ExtAuthzPerRoute can name
// another service, but not which headers are sent to it.)
inline constexpr std::string_view kExtAuthFilter = "ext_auth";
inline constexpr std::string_view kStatefulSessionFilter = "envoy.filters.http.stateful_session";
inline constexpr std::string_view kRouterFilter = "envoy.filters.http.router";

// Appends the filters in the order in which a request passes them, the router last.
void append_http_filters(
    google::protobuf::RepeatedPtrField<
        ::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter>& chain);

// Sets `route`'s configuration for the filter of that name.
void set_filter_config(::envoy::config::route::v3::Route& route, std::string_view filter,
                       const google::protobuf::Message& config);

// Packs deterministically: equal messages give equal bytes.
void pack(const google::protobuf::Message& message, google::protobuf::Any& any);

}  // namespace kgw::policy
