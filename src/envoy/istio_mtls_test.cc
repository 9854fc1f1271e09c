#include "envoy/istio_mtls.h"

#include "envoy/cluster.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "envoy/proto_testing.h"

namespace kgw::envoy {
namespace {

using attach::BackendProtocol;
using attach::ClusterId;
using ::envoy::config::cluster::v3::Cluster;
using testing::IsEmpty;
using testing::SizeIs;

const ClusterId kCart{{Kind::kService, {"shop", "cart"}}, 80, BackendProtocol::kHttp2};
const IstioMtls kIstio{{"mine", "/sds/mine.json"}, {"root", "/sds/root.json"}, "/certs"};

Cluster build(const attach::BackendTls* tls) {
  return decode<Cluster>(build_cluster({kCart, {}}, {}, tls, "/ca.crt", &kIstio).resource);
}

TEST(IstioMtls, IsForEndpointsThatAreMarked) {
  const Cluster cluster = build(nullptr);
  EXPECT_FALSE(cluster.has_transport_socket());
  ASSERT_THAT(cluster.transport_socket_matches(), SizeIs(2));
  expect_text(cluster.transport_socket_matches(0), R"pb(
    name: "tlsMode-istio"
    match {
      fields {
        key: "tlsMode"
        value { string_value: "istio" }
      }
    }
    transport_socket {
      name: "envoy.transport_sockets.tls"
      typed_config {
        [type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext] {
          sni: "outbound_.80_._.cart.shop.svc.cluster.local"
          common_tls_context {
            alpn_protocols: "istio"
            tls_certificate_sds_secret_configs {
              name: "mine"
              sds_config {
                path_config_source {
                  path: "/sds/mine.json"
                  watched_directory { path: "/certs" }
                }
                resource_api_version: V3
              }
            }
            validation_context_sds_secret_config {
              name: "root"
              sds_config {
                path_config_source {
                  path: "/sds/root.json"
                  watched_directory { path: "/certs" }
                }
                resource_api_version: V3
              }
            }
          }
        }
      }
    }
  )pb");
  expect_text(cluster.transport_socket_matches(1), R"pb(
    name: "tlsMode-disabled"
    match {}
    transport_socket {
      name: "envoy.transport_sockets.raw_buffer"
      typed_config {
        [type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer] {}
      }
    }
  )pb");
}

TEST(IstioMtls, GivesWayToABackendTlsPolicy) {
  attach::BackendTls tls;
  tls.sni = "cart.example.com";
  tls.system_ca = true;
  EXPECT_THAT(build(&tls).transport_socket_matches(), IsEmpty());
  tls.invalid = {"NoValidCACertificate", "none"};
  EXPECT_THAT(build(&tls).transport_socket_matches(), IsEmpty());
}

TEST(IstioMtls, IsForTcpToEndpointsOfServicesThatDoNotOptOut) {
  attach::ServiceFacts service;
  service.type = "ClusterIP";
  EXPECT_TRUE(takes_istio_mtls(kCart, service));
  ClusterId udp = kCart;
  udp.protocol = BackendProtocol::kUdp;
  EXPECT_FALSE(takes_istio_mtls(udp, service));
  service.no_istio_mtls = true;
  EXPECT_FALSE(takes_istio_mtls(kCart, service));
  service = {};
  service.type = "ExternalName";
  service.external_name = "db.example.com";
  EXPECT_FALSE(takes_istio_mtls(kCart, service));
}

TEST(IstioMtls, APodIsInTheMeshIfItsLabelSaysSo) {
  Pod pod;
  EXPECT_FALSE(is_in_mesh(pod));
  pod.metadata.labels["security.istio.io/tlsMode"] = "disabled";
  EXPECT_FALSE(is_in_mesh(pod));
  pod.metadata.labels["security.istio.io/tlsMode"] = "istio";
  EXPECT_TRUE(is_in_mesh(pod));
}

}  // namespace
}  // namespace kgw::envoy
