#include "envoy/listener.h"

#include "attach/trust.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation.pb.h"
#include "envoy/listener_http.h"
#include "envoy/listener_testing.h"
#include "envoy/proto_testing.h"

namespace kgw::envoy {
namespace {

using attach::Protocol;
using ::envoy::config::listener::v3::Listener;
using ::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using ::envoy::extensions::http::early_header_mutation::header_mutation::v3::HeaderMutation;
using testing::ElementsAre;
using testing::Eq;
using testing::IsEmpty;

std::optional<Resource> assemble(const PortId& port, const std::vector<ListenerChains>& parts,
                                 std::vector<std::string> addresses = {"::"}) {
  std::vector<const FilterChain*> chains;
  for (const ListenerChains& part : parts) {
    for (const FilterChain& chain : part.chains) chains.push_back(&chain);
  }
  return assemble_listener(port, addresses, parts.front().protocol, chains);
}

HttpConnectionManager manager_of(const ::envoy::config::listener::v3::FilterChain& chain) {
  HttpConnectionManager manager;
  EXPECT_TRUE(chain.filters(0).typed_config().UnpackTo(&manager));
  return manager;
}

TEST(Listener, NamesAreThoseOfKgateway) {
  EXPECT_EQ(listener_name({kGateway, 80}), Name("listener~80"));
  EXPECT_EQ(listener_name({kGateway, 53, true}), Name("listener~udp~53"));
}

TEST(Listener, ShapesNameTheRouteTable) {
  EXPECT_EQ(shape_of(bound("a", 80, Protocol::kHttp))->route_table, Name("listener~80"));
  EXPECT_EQ(shape_of(bound("a", 443, Protocol::kHttps))->route_table, Name("a"));
  attach::BoundListener of_set = bound("a", 443, Protocol::kHttps);
  of_set.id.owner = {Kind::kListenerSet, {"team", "set"}};
  EXPECT_EQ(shape_of(of_set)->route_table, Name("team/set/a"));
}

TEST(Listener, AnUnusableOneHasNoShape) {
  attach::BoundListener listener = bound("a", 80, Protocol::kHttp);
  listener.conflicted = {"HostnameConflict", "x"};
  EXPECT_EQ(shape_of(listener), std::nullopt);
}

TEST(Listener, TheHttpListenersOfAPortShareOneChain) {
  const auto a = chain_shape(*shape_of(bound("a", 80, Protocol::kHttp, "a.com")));
  const auto b = chain_shape(*shape_of(bound("b", 80, Protocol::kHttp, "b.com")));
  EXPECT_EQ(a, b);
  EXPECT_NE(chain_shape(shape("a", 443, Protocol::kHttps)),
            chain_shape(shape("b", 443, Protocol::kHttps)));
}

TEST(Listener, Http) {
  const PortId port{kGateway, 80};
  const auto resource =
      assemble(port, {http_chains(chain_shape(shape("web", 80, Protocol::kHttp)), {})});
  ASSERT_TRUE(resource);
  EXPECT_EQ(resource->name, Name("listener~80"));
  Listener listener = decode<Listener>(*resource);
  ASSERT_EQ(listener.filter_chains_size(), 1);
  HttpConnectionManager manager = manager_of(listener.filter_chains(0));
  EXPECT_EQ(manager.http_filters().rbegin()->name(), "envoy.filters.http.router");
  manager.clear_http_filters();
  manager.clear_early_header_mutation_extensions();
  expect_text(manager, R"pb(
    stat_prefix: "http"
    rds {
      route_config_name: "listener~80"
      config_source {
        ads {}
        resource_api_version: V3
      }
    }
    use_remote_address { value: true }
    normalize_path { value: true }
    merge_slashes: true
    strip_trailing_host_dot: true
    upgrade_configs { upgrade_type: "websocket" }
    request_headers_timeout { seconds: 30 }
    common_http_protocol_options { idle_timeout { seconds: 3600 } }
    http2_protocol_options {
      max_concurrent_streams { value: 100 }
      initial_stream_window_size { value: 262144 }
      initial_connection_window_size { value: 1048576 }
      override_stream_error_on_invalid_http_message { value: true }
    }
    scheme_header_transformation { match_upstream: true }
    server_header_transformation: PASS_THROUGH
    local_reply_config {
      mappers {
        filter {
          response_flag_filter {
            flags: "DPE"
            flags: "NR"
            flags: "UAEX"
            flags: "SI"
            flags: "OM"
            flags: "DT"
            flags: "RL"
            flags: "RLSE"
          }
        }
        headers_to_add {
          header { key: "server" value: "envoy" }
          append_action: ADD_IF_ABSENT
        }
      }
    }
    stream_idle_timeout {}
    stream_flush_timeout { seconds: 300 }
  )pb");
  listener.mutable_filter_chains(0)->clear_filters();
  EXPECT_EQ(listener.socket_options(0).description(), "SO_KEEPALIVE");
  listener.clear_socket_options();
  expect_text(listener, R"pb(
    name: "listener~80"
    address { socket_address { address: "::" port_value: 80 ipv4_compat: true } }
    filter_chains { name: "http" }
    per_connection_buffer_limit_bytes { value: 32768 }
  )pb");
}

TEST(Listener, ListensOnEveryAddress) {
  const auto resource = assemble({kGateway, 80}, {http_chains(shape("a", 80, Protocol::kHttp), {})},
                                 {"10.0.0.1", "10.0.0.2"});
  const Listener listener = decode<Listener>(*resource);
  EXPECT_EQ(listener.address().socket_address().address(), "10.0.0.1");
  ASSERT_EQ(listener.additional_addresses_size(), 1);
  EXPECT_EQ(listener.additional_addresses(0).address().socket_address().address(), "10.0.0.2");
}

TEST(Listener, HttpsIsChosenBySni) {
  const attach::ListenerTlsState tls = tls_state();
  const auto a = https_chains(shape("a", 443, Protocol::kHttps, "*.a.com"), &tls, {});
  const auto b = https_chains(shape("b", 443, Protocol::kHttps), &tls, {});
  Listener listener = decode<Listener>(*assemble({kGateway, 443}, {a, b}));
  ASSERT_EQ(listener.filter_chains_size(), 2);
  EXPECT_EQ(manager_of(listener.filter_chains(0)).rds().route_config_name(), "a");
  EXPECT_EQ(manager_of(listener.filter_chains(1)).rds().route_config_name(), "b");
  expect_text(listener.filter_chains(0).filter_chain_match(), R"pb(server_names: "*.a.com"
                                                                   transport_protocol: "tls")pb");
  expect_text(listener.filter_chains(1).filter_chain_match(), R"pb(transport_protocol: "tls")pb");
  ASSERT_EQ(listener.listener_filters_size(), 1);
  EXPECT_EQ(listener.listener_filters(0).name(), "envoy.filters.listener.tls_inspector");
}

TEST(Listener, AnHttpsListenerWithoutCertificateTakesNothingFromItsNeighbours) {
  const attach::ListenerTlsState good = tls_state();
  const attach::ListenerTlsState none;
  const auto broken = https_chains(shape("a", 443, Protocol::kHttps, "a.com"), &none, {});
  const auto rest = https_chains(shape("b", 443, Protocol::kHttps), &good, {});
  const Listener listener = decode<Listener>(*assemble({kGateway, 443}, {broken, rest}));
  ASSERT_EQ(listener.filter_chains_size(), 2);
  EXPECT_THAT(listener.filter_chains(0).filter_chain_match().server_names(), ElementsAre("a.com"));
  EXPECT_THAT(as_text(listener.filter_chains(0)), testing::HasSubstr("blackhole-cluster"));
  EXPECT_FALSE(listener.filter_chains(0).has_transport_socket());
}

TEST(Listener, APortThatServesNothingIsNotPublished) {
  const attach::ListenerTlsState none;
  EXPECT_EQ(assemble({kGateway, 443},
                     {https_chains(shape("a", 443, Protocol::kHttps), &none, {}),
                      https_chains(shape("b", 443, Protocol::kHttps, "b.com"), nullptr, {})}),
            std::nullopt);
}

TEST(Listener, OfTwoChainsForOneServerNameTheFirstStays) {
  const attach::ListenerTlsState tls = tls_state();
  const auto a = https_chains(shape("a", 443, Protocol::kHttps, "a.com"), &tls, {});
  const auto b = https_chains(shape("b", 443, Protocol::kHttps, "a.com"), &tls, {});
  const Listener listener = decode<Listener>(*assemble({kGateway, 443}, {a, b}));
  ASSERT_EQ(listener.filter_chains_size(), 1);
  EXPECT_EQ(listener.filter_chains(0).name(), "a");
}

TEST(Listener, HeadersThatOnlyAProxyInFrontMayWriteAreRemovedUnlessItIsTrusted) {
  const auto removed = [] {
    const auto part = http_chains(shape("a", 80, Protocol::kHttp), {});
    const auto manager =
        manager_of(decode<::envoy::config::listener::v3::FilterChain>(*part.chains[0].body));
    HeaderMutation removal;
    EXPECT_TRUE(manager.early_header_mutation_extensions(0).typed_config().UnpackTo(&removal));
    std::vector<std::string> names;
    for (const auto& each : removal.mutations()) {
      names.push_back(each.has_remove() ? each.remove()
                                        : each.remove_on_match().key_matcher().prefix() + "*");
    }
    return names;
  };
  EXPECT_THAT(removed(),
              ElementsAre("x-envoy-*", "forwarded", "x-forwarded-host", "x-forwarded-port"));
  attach::set_trust({.forwarded_headers = true});
  EXPECT_THAT(removed(), ElementsAre("x-envoy-*"));
  attach::set_trust({});
}

TEST(Listener, TheAccessLogIsOffUnlessWanted) {
  Settings settings;
  const auto manager = [&] {
    const auto part = http_chains(shape("a", 80, Protocol::kHttp), settings);
    return manager_of(decode<::envoy::config::listener::v3::FilterChain>(*part.chains[0].body));
  };
  EXPECT_THAT(manager().access_log(), IsEmpty());
  settings.access_log = true;
  ASSERT_EQ(manager().access_log_size(), 1);
  EXPECT_THAT(as_text(manager().access_log(0)), testing::HasSubstr("%RESPONSE_FLAGS%"));
}

TEST(Listener, TheHashOfAChainFollowsItsContent) {
  const auto a = http_chains(shape("a", 80, Protocol::kHttp), {});
  const auto b = http_chains(shape("a", 81, Protocol::kHttp), {});
  EXPECT_EQ(a.chains[0].hash, http_chains(shape("a", 80, Protocol::kHttp), {}).chains[0].hash);
  EXPECT_NE(a.chains[0].hash, b.chains[0].hash);
}

}  // namespace
}  // namespace kgw::envoy
