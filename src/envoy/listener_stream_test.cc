#include "envoy/listener_stream.h"

#include "envoy/config/listener/v3/listener_components.pb.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "envoy/extensions/filters/udp/udp_proxy/v3/route.pb.h"
#include "envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy.pb.h"
#include "envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb.h"
#include "envoy/listener_testing.h"
#include "envoy/proto_testing.h"

namespace kgw::envoy {
namespace {

using attach::Protocol;
using testing::ElementsAre;
using testing::IsEmpty;
namespace proto = ::envoy::config::listener::v3;

// The name, match and clusters of each chain, in a line.
std::vector<std::string> summary(const ListenerChains& chains) {
  std::vector<std::string> lines;
  for (const FilterChain& part : chains.chains) {
    const auto chain = decode<proto::FilterChain>(*part.body);
    ::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy proxy;
    EXPECT_TRUE(chain.filters(0).typed_config().UnpackTo(&proxy));
    std::string line = chain.name() + " [";
    for (const auto& name : chain.filter_chain_match().server_names()) line += name;
    line += "] " + proxy.cluster();
    for (const auto& share : proxy.weighted_clusters().clusters()) {
      line += share.name() + "=" + std::to_string(share.weight()) + " ";
    }
    if (chain.has_transport_socket()) line += " tls";
    lines.push_back(line);
  }
  return lines;
}

TEST(StreamListener, Tcp) {
  EXPECT_THAT(summary(tcp_chains(shape("db", 5432, Protocol::kTcp), {{"kube_a_b_1"}})),
              ElementsAre("db [] kube_a_b_1"));
}

TEST(StreamListener, TcpByWeightWithoutThoseOfWeightNull) {
  EXPECT_THAT(summary(tcp_chains(shape("db", 1, Protocol::kTcp), {{"a", 70}, {"b", 30}, {"c", 0}})),
              ElementsAre("db [] a=70 b=30 "));
}

TEST(StreamListener, TheShareOfAnInvalidBackendIsClosed) {
  EXPECT_THAT(summary(tcp_chains(shape("db", 1, Protocol::kTcp), {{"a", 1}, {"", 2}})),
              ElementsAre("db [] a=1 blackhole-cluster=2 "));
}

TEST(StreamListener, WithoutRouteTcpConnectionsAreClosedButThePortIsServed) {
  const auto chains = tcp_chains(shape("db", 1, Protocol::kTcp), {});
  EXPECT_THAT(summary(chains), ElementsAre("db [] blackhole-cluster"));
  EXPECT_FALSE(chains.chains[0].closes);
}

TEST(StreamListener, PassthroughHasAChainPerHostAndClosesTheRest) {
  ListenerShape listener = shape("tls", 443, Protocol::kTls, "*.a.com");
  listener.tls_mode = TlsMode::kPassthrough;
  const std::vector<StreamHost> hosts = {{"*.x.a.com", {{"one"}}}, {"b.a.com", {{"two"}}}};
  EXPECT_THAT(summary(tls_chains(listener, nullptr, hosts)),
              ElementsAre("tls~*.x.a.com [*.x.a.com] one", "tls~b.a.com [b.a.com] two",
                          "tls [*.a.com] blackhole-cluster"));
}

TEST(StreamListener, TheHostOfEveryNameMatchesEverySni) {
  ListenerShape listener = shape("tls", 443, Protocol::kTls);
  listener.tls_mode = TlsMode::kPassthrough;
  const auto chains = tls_chains(listener, nullptr, std::vector<StreamHost>{{"*", {{"one"}}}});
  EXPECT_THAT(summary(chains), ElementsAre("tls~* [] one", "tls [] blackhole-cluster"));
  EXPECT_TRUE(chains.chains[0].server_name.empty());
}

TEST(StreamListener, TerminatedTls) {
  const attach::ListenerTlsState tls = tls_state();
  const ListenerShape listener = shape("tls", 443, Protocol::kTls, "a.com");
  const std::vector<StreamHost> hosts = {{"a.com", {{"one"}}}};
  const auto chains = tls_chains(listener, &tls, hosts);
  EXPECT_THAT(summary(chains),
              ElementsAre("tls~a.com [a.com] one tls", "tls [a.com] blackhole-cluster"));
  EXPECT_THAT(chains.secrets, ElementsAre(certificate_id({"infra", "cert"})));
}

TEST(StreamListener, TerminatedTlsWithoutCertificateOnlyCloses) {
  const ListenerShape listener = shape("tls", 443, Protocol::kTls, "a.com");
  const auto chains = tls_chains(listener, nullptr, std::vector<StreamHost>{{"a.com", {{"one"}}}});
  EXPECT_THAT(summary(chains), ElementsAre("tls [a.com] blackhole-cluster"));
  EXPECT_TRUE(chains.chains[0].closes);
}

::envoy::extensions::filters::udp::udp_proxy::v3::UdpProxyConfig udp(
    const StreamBackends& backends) {
  const auto chains = udp_chains(shape("dns", 53, Protocol::kUdp), backends);
  const auto filter = decode<proto::ListenerFilter>(*chains.chains[0].body);
  ::envoy::extensions::filters::udp::udp_proxy::v3::UdpProxyConfig config;
  EXPECT_TRUE(filter.typed_config().UnpackTo(&config));
  return config;
}

TEST(StreamListener, Udp) {
  expect_text(udp({{"a"}}), R"pb(
    stat_prefix: "dns"
    matcher {
      on_no_match {
        action {
          name: "route"
          typed_config {
            [type.googleapis.com/envoy.extensions.filters.udp.udp_proxy.v3.Route] { cluster: "a" }
          }
        }
      }
    }
    upstream_socket_config { max_rx_datagram_size { value: 65535 } }
  )pb");
}

TEST(StreamListener, UdpByWeightCutsTheHashOfTheSourcePort) {
  const auto config = udp({{"a", 70}, {"", 20}, {"b", 10}});
  ASSERT_EQ(config.matcher().matcher_list().matchers_size(), 2);
  const auto threshold = [&](int i) {
    const auto& test =
        config.matcher().matcher_list().matchers(i).predicate().single_predicate().custom_match();
    EXPECT_EQ(test.typed_config().type_url(),
              "type.googleapis.com/"
              "envoy.extensions.matching.input_matchers.consistent_hashing.v3.ConsistentHashing");
    return test.typed_config().value();
  };
  EXPECT_EQ(threshold(0), "\x08\x5a\x10\x64") << "at least 90 of 100";
  EXPECT_EQ(threshold(1), "\x08\x46\x10\x64") << "at least 70 of 100";
  const auto cluster = [](const xds::type::matcher::v3::Matcher::OnMatch& match) {
    ::envoy::extensions::filters::udp::udp_proxy::v3::Route route;
    EXPECT_TRUE(match.action().typed_config().UnpackTo(&route));
    return route.cluster();
  };
  EXPECT_EQ(cluster(config.matcher().matcher_list().matchers(0).on_match()), "b");
  EXPECT_EQ(cluster(config.matcher().matcher_list().matchers(1).on_match()), "blackhole-cluster");
  EXPECT_EQ(cluster(config.matcher().on_no_match()), "a");
}

}  // namespace
}  // namespace kgw::envoy
