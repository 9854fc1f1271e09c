#include "envoy/cluster.h"

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "envoy/proto_testing.h"

namespace kgw::envoy {
namespace {

using attach::BackendProtocol;
using attach::ClusterId;
using ::envoy::config::cluster::v3::Cluster;
using ::envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
using testing::ElementsAre;
using testing::IsEmpty;

const ObjectRef kService{Kind::kService, {"shop", "cart"}};
const ClusterId kPlain{kService, 80, BackendProtocol::kAuto};

BuiltCluster build(ClusterId id, Discovery discovery = {}) {
  return build_cluster({id, {}}, discovery, nullptr, "/ca.crt");
}

UpstreamTlsContext tls_of(const BuiltCluster& built) {
  UpstreamTlsContext context;
  const Cluster cluster = decode<Cluster>(built.resource);
  EXPECT_TRUE(cluster.transport_socket().typed_config().UnpackTo(&context));
  return context;
}

attach::BackendTls policy() {
  attach::BackendTls tls;
  tls.policy = {"shop", "tls"};
  tls.sni = "cart.example.com";
  tls.ca_references = {{Kind::kConfigMap, {"shop", "ca"}}};
  return tls;
}

BuiltCluster build_tls(const attach::BackendTls& tls, ClusterId id = kPlain,
                       ObjectKey client_certificate = {}) {
  return build_cluster({id, client_certificate}, {}, &tls, "/ca.crt");
}

TEST(Cluster, OfAService) {
  const BuiltCluster built = build(kPlain);
  EXPECT_TRUE(built.eds);
  EXPECT_THAT(built.secrets, IsEmpty());
  expect_resource<Cluster>(built.resource, R"pb(
    name: "kube_shop_cart_80"
    type: EDS
    eds_cluster_config {
      eds_config {
        ads {}
        resource_api_version: V3
      }
    }
    connect_timeout { seconds: 5 }
    per_connection_buffer_limit_bytes { value: 32768 }
    upstream_connection_options {
      tcp_keepalive {
        keepalive_probes { value: 5 }
        keepalive_time { value: 300 }
        keepalive_interval { value: 60 }
      }
    }
    ignore_health_on_host_removal: true
    circuit_breakers {
      thresholds {
        max_connections { value: 4294967295 }
        max_pending_requests { value: 4294967295 }
        max_requests { value: 4294967295 }
        retry_budget {
          budget_percent { value: 25 }
          min_retry_concurrency { value: 20 }
        }
      }
    }
    typed_extension_protocol_options {
      key: "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
      value {
        [type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions] {
          explicit_http_config { http_protocol_options {} }
        }
      }
    }
  )pb");
}

TEST(Cluster, SpeaksHttp2WhereAsked) {
  const BuiltCluster built = build({kService, 80, BackendProtocol::kHttp2});
  EXPECT_THAT(as_text(decode<Cluster>(built.resource)),
              testing::HasSubstr("http2_protocol_options"));
}

TEST(Cluster, OfTcpAndUdpHasNoHttpOptions) {
  for (const auto protocol : {BackendProtocol::kTcp, BackendProtocol::kUdp}) {
    const Cluster cluster = decode<Cluster>(build({kService, 53, protocol}).resource);
    EXPECT_THAT(cluster.typed_extension_protocol_options(), IsEmpty());
  }
}

TEST(Cluster, OfAnExternalNameResolvesIt) {
  attach::ServiceFacts service;
  service.type = "ExternalName";
  service.external_name = "db.example.com";
  const BuiltCluster built = build(kPlain, Discovery::of(kPlain, service));
  EXPECT_FALSE(built.eds);
  Cluster cluster = decode<Cluster>(built.resource);
  expect_text(cluster.cluster_type(), R"pb(
    name: "envoy.cluster.dns"
    typed_config {
      [type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster] {
        respect_dns_ttl: true
        dns_lookup_family: V4_PREFERRED
      }
    }
  )pb");
  expect_text(cluster.load_assignment(), R"pb(
    cluster_name: "kube_shop_cart_80"
    endpoints {
      lb_endpoints {
        endpoint {
          address { socket_address { address: "db.example.com" port_value: 80 } }
          hostname: "db.example.com"
        }
      }
    }
  )pb");
}

TEST(Cluster, OfManyNamesKeepsNoProxyWaiting) {
  const auto waits = [](int names) {
    StaticBackend backend;
    for (int i = 0; i < names; ++i) {
      backend.hosts.push_back({"h" + std::to_string(i) + ".example.com", 80});
    }
    const Cluster cluster =
        decode<Cluster>(build(kPlain, Discovery::of(std::move(backend.hosts))).resource);
    return !cluster.has_wait_for_warm_on_init() || cluster.wait_for_warm_on_init().value();
  };
  EXPECT_TRUE(waits(8));
  EXPECT_FALSE(waits(9));
}

TEST(Discovery, LooksNamesUpAsTheSettingSays) {
  Discovery discovery{Discovery::Type::kDns, {{"db.example.com", 82}}};
  for (const char* family : {"V4_PREFERRED", "V6_ONLY", "ALL"}) {
    discovery.dns_lookup_family = family;
    const Cluster cluster = decode<Cluster>(build(kPlain, discovery).resource);
    EXPECT_NE(
        cluster.cluster_type().DebugString().find("dns_lookup_family: " + std::string(family)),
        std::string::npos)
        << cluster.cluster_type().DebugString();
  }
}

TEST(Discovery, OfStaticBackends) {
  StaticBackend backend;
  backend.hosts = {{"10.0.0.1", 80}, {"fd00::1", 81}};
  EXPECT_EQ(Discovery::of(backend.hosts).type, Discovery::Type::kEds);
  backend.hosts.push_back({"db.example.com", 82});
  const Discovery discovery = Discovery::of(backend.hosts);
  EXPECT_EQ(discovery.type, Discovery::Type::kDns);
  EXPECT_EQ(discovery.hosts, backend.hosts);
}

TEST(Discovery, OfOnePortOfAStaticBackend) {
  StaticBackend backend;
  backend.hosts = {{"10.0.0.1", 80}, {"fd00::1", 81}, {"db.example.com", 81}};
  const ObjectRef ref{Kind::kBackend, {"ns", "b"}};
  EXPECT_EQ(hosts_of({ref, 0}, backend), backend.hosts);
  EXPECT_EQ(hosts_of({ref, 80}, backend), (std::vector<BackendHost>{{"10.0.0.1", 80}}));
  EXPECT_EQ(hosts_of({ref, 81}, backend).size(), 2u);
}

TEST(Discovery, OfAnExternalNameWithoutANameIsNothing) {
  attach::ServiceFacts service;
  service.type = "ExternalName";
  EXPECT_EQ(Discovery::of(kPlain, service).type, Discovery::Type::kNone);
}

TEST(ClusterTls, VerifiesTheHostnameByDefault) {
  const BuiltCluster built = build_tls(policy());
  EXPECT_THAT(built.secrets, ElementsAre(authority_id({{Kind::kConfigMap, {"shop", "ca"}}})));
  expect_text(tls_of(built), R"pb(
    sni: "cart.example.com"
    common_tls_context {
      alpn_protocols: "http/1.1"
      combined_validation_context {
        default_validation_context {
          match_typed_subject_alt_names {
            san_type: DNS
            matcher { exact: "cart.example.com" }
          }
        }
        validation_context_sds_secret_config {
          name: "ca~configmap~shop~ca"
          sds_config {
            ads {}
            resource_api_version: V3
          }
        }
      }
    }
  )pb");
}

TEST(ClusterTls, SubjectAltNamesReplaceTheHostname) {
  attach::BackendTls tls = policy();
  tls.sans = {{"Hostname", "*.example.com", ""}, {"URI", "", "spiffe://x/y"}};
  expect_text(tls_of(build_tls(tls))
                  .common_tls_context()
                  .combined_validation_context()
                  .default_validation_context(),
              R"pb(
                match_typed_subject_alt_names {
                  san_type: DNS
                  matcher { exact: "*.example.com" }
                }
                match_typed_subject_alt_names {
                  san_type: DNS
                  matcher { safe_regex { regex: "[^.*]+\\.example\\.com" } }
                }
                match_typed_subject_alt_names {
                  san_type: URI
                  matcher { exact: "spiffe://x/y" }
                }
              )pb");
}

TEST(ClusterTls, SystemAuthoritiesComeFromTheProxysFileSystem) {
  attach::BackendTls tls = policy();
  tls.ca_references.clear();
  tls.system_ca = true;
  const BuiltCluster built = build_tls(tls);
  EXPECT_THAT(built.secrets, IsEmpty());
  EXPECT_EQ(tls_of(built).common_tls_context().validation_context().trusted_ca().filename(),
            "/ca.crt");
}

TEST(ClusterTls, PresentsTheClientCertificateOfTheGateway) {
  const BuiltCluster built = build_tls(policy(), kPlain, {"infra", "client"});
  EXPECT_THAT(built.secrets, testing::Contains(certificate_id({"infra", "client"})));
  EXPECT_EQ(tls_of(built).common_tls_context().tls_certificate_sds_secret_configs(0).name(),
            "cert~infra~client");
}

TEST(ClusterTls, OffersHttp2OnlyToHttp2AndNothingToTcp) {
  const auto alpn = [](BackendProtocol protocol) {
    const auto context = tls_of(build_tls(policy(), {kService, 443, protocol}));
    return std::vector<std::string>(context.common_tls_context().alpn_protocols().begin(),
                                    context.common_tls_context().alpn_protocols().end());
  };
  EXPECT_THAT(alpn(BackendProtocol::kHttp2), ElementsAre("h2"));
  EXPECT_THAT(alpn(BackendProtocol::kTcp), IsEmpty());
}

TEST(ClusterTls, AnInvalidPolicyMakesTheClusterFailWithoutPlainText) {
  attach::BackendTls tls = policy();
  tls.invalid = {"NoValidCACertificate", "there is none"};
  const BuiltCluster built = build_tls(tls);
  EXPECT_FALSE(built.eds);
  const Cluster cluster = decode<Cluster>(built.resource);
  EXPECT_EQ(cluster.type(), Cluster::STATIC);
  EXPECT_THAT(cluster.load_assignment().endpoints(), IsEmpty());
  EXPECT_FALSE(cluster.has_transport_socket());
}

}  // namespace
}  // namespace kgw::envoy
