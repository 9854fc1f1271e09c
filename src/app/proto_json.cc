#include "app/proto_json.h"

#include <google/protobuf/util/json_util.h>

#include <array>
#include <map>
#include <memory>
#include <string>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"

namespace kgw::app {
namespace {

std::unique_ptr<google::protobuf::Message> new_message(envoy::ResourceType type) {
  switch (type) {
    case envoy::ResourceType::kSecret:
      return std::make_unique<::envoy::extensions::transport_sockets::tls::v3::Secret>();
    case envoy::ResourceType::kCluster:
      return std::make_unique<::envoy::config::cluster::v3::Cluster>();
    case envoy::ResourceType::kEndpoint:
      return std::make_unique<::envoy::config::endpoint::v3::ClusterLoadAssignment>();
    case envoy::ResourceType::kListener:
      return std::make_unique<::envoy::config::listener::v3::Listener>();
    case envoy::ResourceType::kScopedRoute:
      return std::make_unique<::envoy::config::route::v3::ScopedRouteConfiguration>();
    case envoy::ResourceType::kRoute:
      return std::make_unique<::envoy::config::route::v3::RouteConfiguration>();
  }
  return nullptr;
}

using Json = nlohmann::ordered_json;

constexpr const char* kHidden = "<hidden>";

void hide_texts(Json& json) {
  if (json.is_string()) json = kHidden;
  if (!json.is_structured()) return;
  for (Json& part : json) hide_texts(part);
}

// A HeaderValue, wherever it stands: {"key", "value"}.
void hide_header_value(Json& json) {
  if (!json.contains("key")) return;
  for (const char* field : {"value", "raw_value"}) {
    if (json.contains(field)) hide_texts(json[field]);
  }
}

// What header matchers compare with.
void hide_matched_values(Json& matchers) {
  if (!matchers.is_array()) return;
  for (Json& matcher : matchers) {
    for (const char* field : {"string_match", "exact_match", "prefix_match", "suffix_match",
                              "contains_match", "safe_regex_match"}) {
      if (matcher.is_object() && matcher.contains(field)) hide_texts(matcher[field]);
    }
  }
}

void hide_headers(Json& json) {
  if (json.is_object()) {
    hide_header_value(json);
    if (json.contains("headers")) hide_matched_values(json["headers"]);
  }
  if (!json.is_structured()) return;
  for (Json& part : json) hide_headers(part);
}

// Fields of Envoy's API that are maps. Protobuf writes their entries in any order.
constexpr std::array kMaps = {"typed_per_filter_config", "typed_extension_protocol_options",
                              "filter_metadata", "typed_filter_metadata"};

void sort_maps(Json& json) {
  if (json.is_object()) {
    for (const char* name : kMaps) {
      if (json.contains(name)) json[name] = json[name].get<std::map<std::string, Json>>();
    }
  }
  if (!json.is_structured()) return;
  for (Json& part : json) sort_maps(part);
}

}  // namespace

nlohmann::ordered_json to_json(envoy::ResourceType type, const envoy::Resource& resource,
                               Secrets secrets) {
  if (type == envoy::ResourceType::kSecret && secrets != Secrets::kShow) {
    return {{"name", resource.name.str()}};
  }
  const auto message = new_message(type);
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  if (!message->ParseFromString(*resource.body)) return {{"error", "the bytes do not parse"}};
  const auto status = google::protobuf::util::MessageToJsonString(*message, &text, options);
  if (!status.ok()) return {{"error", std::string(status.message())}};
  Json json = Json::parse(text);
  sort_maps(json);
  if (secrets == Secrets::kHideHeaders) hide_headers(json);
  return json;
}

}  // namespace kgw::app
