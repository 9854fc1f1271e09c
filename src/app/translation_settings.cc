#include "app/translation_settings.h"

#include "deploy/kube/bootstrap.h"

namespace kgw::app {
namespace {

std::string in_config_directory(const char* file) {
  return std::string(deploy::kube::kConfigDirectory) + "/" + file;
}

// As the proxies are deployed.
envoy::IstioMtls istio_mtls() {
  using namespace deploy::kube;
  return {.certificate = {kIstioCertificateSecret, in_config_directory(kIstioCertificateFile)},
          .authority = {kIstioAuthoritySecret, in_config_directory(kIstioAuthorityFile)},
          .watched_directory = kIstioCertificateDirectory};
}

}  // namespace

envoy::Settings translation_settings(const deploy::kube::ControllerSettings& settings) {
  envoy::Settings out;
  out.place.own_ports = {deploy::kube::kOwnPorts.begin(), deploy::kube::kOwnPorts.end()};
  out.place.addresses = [ipv6 = settings.proxies.bind_ipv6](const Gateway&) {
    return std::vector<std::string>{ipv6 ? "::" : "0.0.0.0"};
  };
  out.dns_lookup_family = settings.proxies.dns_lookup_family;
  out.weighted_routes = settings.weighted_routes;
  out.max_route_entries = settings.max_route_entries;
  if (settings.proxies.istio_auto_mtls) out.istio_mtls = istio_mtls();
  return out;
}

attach::Trust trust_of(const deploy::kube::ControllerSettings& settings) {
  return {.local_backends = settings.local_backends,
          .forwarded_headers = settings.trust_forwarded_headers};
}

std::vector<Kind> on_demand_kinds(const deploy::kube::ControllerSettings& settings) {
  if (settings.proxies.istio_auto_mtls) return {Kind::kPod};
  return {};
}

}  // namespace kgw::app
