#include "deploy/kube/bootstrap.h"

#include <envoy/config/bootstrap/v3/bootstrap.pb.h>

#include <nlohmann/json.hpp>

#include "api/yaml_writer.h"
#include "deploy/bootstrap.h"
#include "deploy/kube/istio.h"
#include "deploy/overload.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

constexpr const char* kAdminCluster = "admin_port_cluster";
constexpr const char* kTokenSecret = "xds_service_account_token";
constexpr const char* kTokenSecretFile = "xds_service_account_token.json";
constexpr std::int32_t kDefaultUdpMaxQueries = 100;
// Of Envoy's guide for edge proxies. Half a million files, usual in a container, would do for more.
constexpr std::uint64_t kMaxConnections = 50'000;

std::string config_path(const std::string& file) {
  return std::string(kConfigDirectory) + "/" + file;
}

// A google.protobuf.Any of Envoy's API.
Json any(const std::string& type, Json value = Json::object()) {
  value["@type"] = "type.googleapis.com/envoy." + type;
  return value;
}

Json extension(const std::string& name, const std::string& type, Json value = Json::object()) {
  return {{"name", name}, {"typed_config", any(type, std::move(value))}};
}

Json tcp_address(const std::string& address, std::int32_t port) {
  return {{"socket_address", {{"address", address}, {"port_value", port}}}};
}

Json admin_address() {
  return {{"pipe", {{"path", std::string(kRunDirectory) + "/admin.sock"}, {"mode", 0600}}}};
}

Json one_endpoint(const std::string& cluster, Json address) {
  Json endpoint = {{"endpoint", {{"address", std::move(address)}}}};
  return {{"cluster_name", cluster},
          {"endpoints", Json::array({{{"lb_endpoints", Json::array({std::move(endpoint)})}}})}};
}

// ---- the connection to the controller ----

// Puts the token into every request; read anew when the kubelet renews the file.
Json token_filter() {
  const Json sds = {{"path_config_source",
                     {{"path", config_path(kTokenSecretFile)},
                      {"watched_directory", {{"path", kTokenDirectory}}}}},
                    {"resource_api_version", "V3"}};
  Json credential = extension("envoy.http.injected_credentials.generic",
                              "extensions.http.injected_credentials.generic.v3.Generic",
                              {{"credential", {{"name", kTokenSecret}, {"sds_config", sds}}},
                               {"header", "authorization"},
                               {"header_value_prefix", "Bearer "}});
  return extension("envoy.filters.http.credential_injector",
                   "extensions.filters.http.credential_injector.v3.CredentialInjector",
                   {{"overwrite", true}, {"credential", std::move(credential)}});
}

Json http_options(const Settings& settings) {
  // A connection that has died silently is noticed within seconds, not at the kernel's timeout.
  Json http2 = {{"connection_keepalive", {{"interval", "30s"}, {"timeout", "5s"}}}};
  Json options = {{"explicit_http_config", {{"http2_protocol_options", std::move(http2)}}}};
  if (settings.xds_auth) {
    options["http_filters"] = Json::array(
        {token_filter(), extension("envoy.filters.http.upstream_codec",
                                   "extensions.filters.http.upstream_codec.v3.UpstreamCodec")});
  }
  return any("extensions.upstreams.http.v3.HttpProtocolOptions", std::move(options));
}

Json tls_socket(const Settings& settings) {
  Json names = Json::array();
  for (const std::string& name : settings.xds_names) {
    names.push_back({{"san_type", "DNS"}, {"matcher", {{"exact", name}}}});
  }
  Json validation = {{"trusted_ca", {{"filename", config_path("ca.crt")}}},
                     {"match_typed_subject_alt_names", std::move(names)}};
  return extension("envoy.transport_sockets.tls",
                   "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                   {{"sni", settings.xds_host},
                    {"common_tls_context",
                     {{"alpn_protocols", {"h2"}},
                      {"tls_params", {{"tls_minimum_protocol_version", "TLSv1_2"}}},
                      {"validation_context", std::move(validation)}}}});
}

Json xds_cluster(const Settings& settings) {
  Json cluster = {
      {"name", kXdsCluster},
      {"type", "STRICT_DNS"},
      {"connect_timeout", "5s"},
      {"respect_dns_ttl", true},
      {"dns_lookup_family", settings.dns_lookup_family},
      {"upstream_connection_options", {{"tcp_keepalive", {{"keepalive_time", 10}}}}},
      {"typed_extension_protocol_options",
       {{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions", http_options(settings)}}},
      {"load_assignment",
       one_endpoint(kXdsCluster, tcp_address(settings.xds_host, settings.xds_port))}};
  if (settings.xds_tls) cluster["transport_socket"] = tls_socket(settings);
  return cluster;
}

// ---- the proxy's own ports ----

Json admin_cluster() {
  return {{"name", kAdminCluster},
          {"type", "STATIC"},
          {"connect_timeout", "5s"},
          {"load_assignment", one_endpoint(kAdminCluster, admin_address())}};
}

// `path` is answered by Envoy's admin interface with what it has at `admin_path`.
Json admin_route(const std::string& path, const std::string& admin_path,
                 const char* method = "GET") {
  const Json same_method = {{"name", ":method"}, {"string_match", {{"exact", method}}}};
  return {{"match", {{"path", path}, {"headers", Json::array({same_method})}}},
          {"route", {{"cluster", kAdminCluster}, {"prefix_rewrite", admin_path}}}};
}

// They answer also when the proxy takes no more connections of clients.
Json http_listener(const std::string& name, Json address, Json routes,
                   Json filters = Json::array()) {
  filters.push_back(
      extension("envoy.filters.http.router", "extensions.filters.http.router.v3.Router"));
  const Json host = {{"name", name}, {"domains", {"*"}}, {"routes", std::move(routes)}};
  Json manager =
      extension("envoy.filters.network.http_connection_manager",
                "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                {{"stat_prefix", name},
                 {"normalize_path", true},
                 {"merge_slashes", true},
                 {"request_headers_timeout", "10s"},
                 {"route_config", {{"name", name}, {"virtual_hosts", Json::array({host})}}},
                 {"http_filters", std::move(filters)}});
  return {{"name", name},
          {"address", std::move(address)},
          {"ignore_global_conn_limit", true},
          {"bypass_overload_manager", true},
          {"filter_chains", Json::array({{{"filters", Json::array({std::move(manager)})}}})}};
}

Json every_address(std::int32_t port, const Settings& settings) {
  Json address = tcp_address(settings.bind_ipv6 ? "::" : "0.0.0.0", port);
  if (settings.bind_ipv6) address["socket_address"]["ipv4_compat"] = true;
  return address;
}

// /ready is Envoy's own; /envoy-hc says 503 once the proxy is to drain, for probes of users.
Json readiness_listener(const Settings& settings, bool proxy_protocol) {
  const Json is_health_check = {{"name", ":path"}, {"string_match", {{"exact", "/envoy-hc"}}}};
  const Json health_check = extension(
      "envoy.filters.http.health_check", "extensions.filters.http.health_check.v3.HealthCheck",
      {{"pass_through_mode", false}, {"headers", Json::array({is_health_check})}});
  Json listener =
      http_listener("readiness_listener", every_address(kReadinessPort, settings),
                    Json::array({admin_route("/ready", "/ready")}), Json::array({health_check}));
  if (proxy_protocol) {
    listener["listener_filters"] =
        Json::array({extension("envoy.filters.listener.proxy_protocol",
                               "extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
                               {{"allow_requests_without_proxy_protocol", true}})});
  }
  return listener;
}

Json stats_listener(const Settings& settings, const StatsParameters& stats) {
  Json routes = Json::array(
      {admin_route("/ready", "/ready"),
       admin_route("/metrics", stats.route_prefix_rewrite.value_or("/stats/prometheus?usedonly"))});
  if (stats.enable_stats_route.value_or(true)) {
    routes.push_back(admin_route("/stats", stats.stats_route_prefix_rewrite.value_or("/stats")));
  }
  return http_listener("prometheus_listener", every_address(kStatsPort, settings),
                       std::move(routes));
}

Json stats_patterns(const std::vector<StatNameMatcher>& matchers) {
  Json patterns = Json::array();
  for (const StatNameMatcher& m : matchers) {
    Json pattern = Json::object();
    if (m.exact) pattern["exact"] = *m.exact;
    if (m.prefix) pattern["prefix"] = *m.prefix;
    if (m.suffix) pattern["suffix"] = *m.suffix;
    if (m.contains) pattern["contains"] = *m.contains;
    if (m.safe_regex) pattern["safe_regex"] = {{"regex", *m.safe_regex}};
    if (m.ignore_case && !m.safe_regex) pattern["ignore_case"] = true;
    patterns.push_back(std::move(pattern));
  }
  return {{"patterns", std::move(patterns)}};
}

Json stats_config(const StatsMatcher& matcher) {
  const bool included = matcher.inclusion.has_value();
  const auto& list = included ? matcher.inclusion : matcher.exclusion;
  if (!list || list->empty()) return Json::object();  // Envoy refuses an empty list
  return {
      {"stats_matcher", {{included ? "inclusion_list" : "exclusion_list", stats_patterns(*list)}}}};
}

Json log_format(const EnvoyLogFormat& format) {
  Json chosen = format.text ? Json{{"text_format", *format.text}}
                            : Json{{"json_format", Json::parse(format.json)}};
  return {{"log_format", std::move(chosen)}};
}

Json make_bootstrap(const ObjectKey& gateway, const KubeParameters& parameters,
                    const Settings& settings) {
  const EnvoyBootstrapParameters own =
      parameters.envoy_container && parameters.envoy_container->bootstrap
          ? *parameters.envoy_container->bootstrap
          : EnvoyBootstrapParameters{};
  const StatsParameters stats = parameters.stats ? *parameters.stats : StatsParameters{};

  Json bootstrap = Json::parse(to_json(common_bootstrap(gateway)));
  bootstrap["admin"] = {{"address", admin_address()}};
  bootstrap["overload_manager"] = limit_connections(kMaxConnections);
  Json listeners =
      Json::array({readiness_listener(settings, own.readiness_proxy_protocol.value_or(false))});
  if (stats.enabled.value_or(true)) listeners.push_back(stats_listener(settings, stats));
  bootstrap["static_resources"] = {
      {"clusters", Json::array({xds_cluster(settings), admin_cluster()})},
      {"listeners", std::move(listeners)}};
  bootstrap["typed_dns_resolver_config"] =
      extension("envoy.network.dns_resolver.cares",
                "extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
                {{"udp_max_queries", own.udp_max_queries.value_or(kDefaultUdpMaxQueries)}});
  if (stats.matcher) bootstrap["stats_config"] = stats_config(*stats.matcher);
  if (own.log_format) bootstrap["application_log_config"] = log_format(*own.log_format);
  return bootstrap;
}

Json token_secret() {
  const std::string token = std::string(kTokenDirectory) + "/" + kTokenFile;
  Json secret =
      any("extensions.transport_sockets.tls.v3.Secret",
          {{"name", kTokenSecret}, {"generic_secret", {{"secret", {{"filename", token}}}}}});
  return {{"resources", Json::array({std::move(secret)})}};
}

}  // namespace

StringMap bootstrap_files(const ObjectKey& gateway, const KubeParameters& parameters,
                          const Settings& settings) {
  StringMap files;
  files["envoy.yaml"] = to_yaml(make_bootstrap(gateway, parameters, settings));
  if (settings.xds_auth) files[kTokenSecretFile] = token_secret().dump();
  if (settings.xds_tls) files["ca.crt"] = settings.xds_ca;
  if (settings.istio_auto_mtls) files.merge(istio_files());
  return files;
}

std::string bootstrap_of_pod() {
  const Json locality = {{"region", "$(KGATEWAY_NODE_REGION)"},
                         {"zone", "$(KGATEWAY_NODE_ZONE)"},
                         {"sub_zone", "$(KGATEWAY_NODE_SUBZONE)"}};
  Json drain = http_listener("drain_listener", tcp_address("127.0.0.1", kDrainPort),
                             Json::array({admin_route(kDrainPath, "/healthcheck/fail", "POST")}));
  return Json{{"node", {{"locality", locality}}},
              {"overload_manager", limit_heap("$(KGATEWAY_MEMORY_LIMIT)")},
              {"static_resources", {{"listeners", Json::array({std::move(drain)})}}}}
      .dump();
}

}  // namespace kgw::deploy::kube
