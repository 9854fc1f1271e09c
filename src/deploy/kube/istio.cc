#include "deploy/kube/istio.h"

#include <array>
#include <map>
#include <string_view>

#include "deploy/kube/container.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kTokenSeconds = 12 * 60 * 60;
constexpr int kStatusPort = 15020;  // the agent's own

Image standard_image() { return {"docker.io/istio", "proxyv2", "1.30.1", "", "IfNotPresent"}; }

struct Volume {
  const char* name;
  const char* path;  // in the agent's container
};
constexpr Volume kCertificates = {"istio-certs", kIstioCertificateDirectory};
constexpr Volume kRoot = {"istiod-ca-cert", "/var/run/secrets/istio"};
constexpr Volume kToken = {"istio-token", "/var/run/secrets/tokens"};
// Where the agent writes; its root file system is read-only.
constexpr std::array kScratch = {
    Volume{"istio-envoy", "/etc/istio/proxy"},
    Volume{"istio-data", "/var/lib/istio/data"},
    Volume{"credential-socket", "/var/run/secrets/credential-uds"},
    Volume{"workload-socket", "/var/run/secrets/workload-spiffe-uds"},
    Volume{"workload-certs", "/var/run/secrets/workload-spiffe-credentials"},
};

Json mount(const Volume& volume, bool read_only) {
  Json out = {{"name", volume.name}, {"mountPath", volume.path}};
  if (read_only) out["readOnly"] = true;
  return out;
}

Json mounts() {
  Json list = Json::array({mount(kCertificates, false), mount(kRoot, true), mount(kToken, true)});
  for (const Volume& volume : kScratch) list.push_back(mount(volume, false));
  return list;
}

// Envoy's levels, which other kgateways pass to an Envoy, as the agent calls them.
std::string log_level(const std::string& level) {
  static const std::map<std::string, std::string, std::less<>> kNames = {
      {"trace", "debug"}, {"warning", "warn"}, {"critical", "fatal"}, {"off", "none"}};
  const auto found = kNames.find(level);
  return found == kNames.end() ? level : found->second;
}

Json variable(const char* name, std::string value) {
  return {{"name", name}, {"value", std::move(value)}};
}

Json environment(const IstioContainerParameters& own, const Settings& settings) {
  const std::string istiod = own.discovery_address.value_or(settings.istio_discovery_address);
  return Json::array(
      {variable("DISABLE_ENVOY", "true"), variable("OUTPUT_CERTS", kIstioCertificateDirectory),
       variable("JWT_POLICY", "third-party-jwt"), variable("PILOT_CERT_PROVIDER", "istiod"),
       variable("CA_ADDR", istiod),
       variable("PROXY_CONFIG", Json{{"discoveryAddress", istiod}}.dump()),
       variable("TRUST_DOMAIN", "cluster.local"),
       variable("ISTIO_META_MESH_ID", own.mesh_id.value_or("cluster.local")),
       variable("ISTIO_META_CLUSTER_ID", own.cluster_id.value_or("Kubernetes")),
       field_env("POD_NAME", "metadata.name"), field_env("POD_NAMESPACE", "metadata.namespace"),
       field_env("INSTANCE_IP", "status.podIP"), field_env("HOST_IP", "status.hostIP"),
       field_env("SERVICE_ACCOUNT", "spec.serviceAccountName")});
}

std::string in_directory(const char* file) {
  return std::string(kIstioCertificateDirectory) + "/" + file;
}

std::string sds_file(const char* name, const char* field, Json value) {
  const Json secret = {
      {"@type", "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"},
      {"name", name},
      {field, std::move(value)}};
  return Json{{"resources", Json::array({secret})}}.dump();
}

}  // namespace

Json istio_container(const std::string& name, const KubeParameters& parameters,
                     const Settings& settings) {
  const IstioContainerParameters own = parameters.istio && parameters.istio->container
                                           ? *parameters.istio->container
                                           : IstioContainerParameters{};
  Json out = base_container("istio-proxy", own, standard_image(), parameters);
  out["args"] = {"proxy",
                 "sidecar",
                 "--domain",
                 "$(POD_NAMESPACE).svc.cluster.local",
                 "--serviceCluster",
                 name + ".$(POD_NAMESPACE)",
                 "--log_output_level=default:" + log_level(own.log_level.value_or("warning"))};
  out["env"] = environment(own, settings);
  out["volumeMounts"] = mounts();
  // Ready once the certificate is there: before, Pods of the mesh cannot be reached.
  out["readinessProbe"] = {{"httpGet", {{"path", "/healthz/ready"}, {"port", kStatusPort}}},
                           {"periodSeconds", 5}};
  return out;
}

Json::array_t istio_volumes() {
  const Json memory = {{"medium", "Memory"}};
  const Json token = {
      {"audience", "istio-ca"}, {"expirationSeconds", kTokenSeconds}, {"path", "istio-token"}};
  Json::array_t list = {
      {{"name", kCertificates.name}, {"emptyDir", memory}},
      {{"name", kRoot.name}, {"configMap", {{"name", "istio-ca-root-cert"}}}},
      {{"name", kToken.name},
       {"projected", {{"sources", Json::array({{{"serviceAccountToken", token}}})}}}}};
  for (const Volume& volume : kScratch) {
    list.push_back({{"name", volume.name}, {"emptyDir", memory}});
  }
  return list;
}

Json istio_mount() { return mount(kCertificates, true); }

StringMap istio_files() {
  StringMap files;
  files[kIstioCertificateFile] =
      sds_file(kIstioCertificateSecret, "tls_certificate",
               {{"certificate_chain", {{"filename", in_directory("cert-chain.pem")}}},
                {"private_key", {{"filename", in_directory("key.pem")}}}});
  files[kIstioAuthorityFile] =
      sds_file(kIstioAuthoritySecret, "validation_context",
               {{"trusted_ca", {{"filename", in_directory("root-cert.pem")}}}});
  return files;
}

}  // namespace kgw::deploy::kube
