#include "app/proto_json.h"

#include <gtest/gtest.h>

#include "envoy/config/route/v3/route.pb.h"

namespace kgw::app {
namespace {

envoy::Resource route_with_credentials() {
  ::envoy::config::route::v3::RouteConfiguration config;
  config.set_name("listener~80");
  auto& host = *config.add_virtual_hosts();
  host.set_name("host");
  host.add_domains("a.example.com");
  auto& route = *host.add_routes();
  auto& matcher = *route.mutable_match()->add_headers();
  route.mutable_match()->set_prefix("/public-path");
  matcher.set_name("x-api-key");
  matcher.mutable_string_match()->set_exact("secret-1");
  auto& regex = *route.mutable_match()->add_headers();
  regex.set_name("x-other");
  regex.mutable_string_match()->mutable_safe_regex()->set_regex("secret-2");
  auto& request = *route.add_request_headers_to_add()->mutable_header();
  request.set_key("authorization");
  request.set_value("Bearer secret-3");
  auto& response = *route.add_response_headers_to_add()->mutable_header();
  response.set_key("set-cookie");
  response.set_value("id=secret-4");
  return envoy::make_resource(Name("listener~80"), config.SerializeAsString());
}

TEST(ProtoJson, HidesWhatStandsInHeadersAndKeepsTheRest) {
  const std::string text =
      to_json(envoy::ResourceType::kRoute, route_with_credentials(), Secrets::kHideHeaders).dump();
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  for (const char* kept :
       {"/public-path", "x-api-key", "authorization", "set-cookie", "<hidden>"}) {
    EXPECT_NE(text.find(kept), std::string::npos) << kept << " in " << text;
  }
}

TEST(ProtoJson, ShowsHeadersToWhoHasTheManifests) {
  const std::string text =
      to_json(envoy::ResourceType::kRoute, route_with_credentials(), Secrets::kHide).dump();
  for (const char* kept : {"secret-1", "secret-2", "secret-3", "secret-4"}) {
    EXPECT_NE(text.find(kept), std::string::npos) << kept << " in " << text;
  }
}

}  // namespace
}  // namespace kgw::app
