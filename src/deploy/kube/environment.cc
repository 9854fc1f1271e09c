#include "deploy/kube/environment.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

constexpr bool kFixed = true;

constexpr std::array kRows = {
    SettingRow{"KGW_ADMIN_BIND_ADDRESS", "localhost",
               "Address of the admin endpoints (port 9095)."},
    SettingRow{
        "KGW_ADMIN_HOSTS", "",
        "Names, separated by commas, that requests to the admin endpoints may carry as Host, "
        "besides localhost and the address that they are sent to."},
    SettingRow{"KGW_ALLOW_LOCAL_BACKENDS", "false",
               "Backends, ExternalNames and EndpointSlices may name addresses of the proxy's own "
               "pod and node (loopback, unspecified, link-local). Otherwise references to them "
               "are refused, and such endpoints left out."},
    SettingRow{"KGW_AWS_EC2_REFRESH_INTERVAL", "30s", "How often EC2 instances are listed.",
               kFixed},
    SettingRow{"KGW_DEFAULT_IMAGE_DIGEST", "", "Digest of the proxies' image; wins over the tag."},
    SettingRow{"KGW_DEFAULT_IMAGE_PULL_POLICY", "IfNotPresent",
               "Pull policy of the proxies' image."},
    SettingRow{"KGW_DEFAULT_IMAGE_REGISTRY", "docker.io/envoyproxy",
               "Registry of the proxies' image."},
    SettingRow{"KGW_DEFAULT_IMAGE_REPOSITORY", "envoy", "Repository of the proxies' image."},
    SettingRow{"KGW_DEFAULT_IMAGE_TAG", "v1.40.0", "Tag of the proxies' image."},
    SettingRow{"KGW_DISABLE_LEADER_ELECTION", "false",
               "Write statuses and deploy proxies without being elected, as the only replica."},
    SettingRow{"KGW_DISCOVERY_NAMESPACE_SELECTORS", "[]",
               "Label selectors as JSON; objects in a namespace that none selects are ignored."},
    SettingRow{"KGW_DNS_LOOKUP_FAMILY", "V4_PREFERRED",
               "V4_PREFERRED, V4_ONLY, V6_ONLY, ALL or AUTO: how proxies look up the controller, "
               "and backends by name."},
    SettingRow{"KGW_ENABLE_AUTH_METADATA", "false", "Metadata about authentication.", kFixed},
    SettingRow{"KGW_ENABLE_AWS_EC2_DISCOVERY", "false", "EC2 Backends.", kFixed},
    SettingRow{"KGW_ENABLE_BUILTIN_DEFAULT_METRICS", "false", "Metrics of the Go runtime.", kFixed},
    SettingRow{"KGW_ENABLE_EXPERIMENTAL_GATEWAY_API_FEATURES", "true",
               "The experimental channel of the Gateway API.", kFixed},
    SettingRow{"KGW_ENABLE_ISTIO_AUTO_MTLS", "false",
               "Proxies speak Istio's mTLS with the Pods of its mesh, and get Istio's agent for "
               "their certificates."},
    SettingRow{"KGW_ENABLE_ISTIO_INTEGRATION", "false", "Istio's kinds.", kFixed},
    SettingRow{"KGW_ENABLE_ORDERED_ADS", "false",
               "Nothing to enable: updates are always sent in an order that breaks nothing.",
               kFixed},
    SettingRow{"KGW_ENABLE_ROUTE_SOURCE_METADATA", "false", "Metadata about a route's origin.",
               kFixed},
    SettingRow{"KGW_ENABLE_WAYPOINT", "false", "Istio waypoints.", kFixed},
    SettingRow{"KGW_GATEWAY_CLASS_PARAMETERS_REFS", "{}",
               "GatewayParameters of the built-in GatewayClass as JSON: {\"kgateway\": {\"name\": "
               "..., \"namespace\": ...}}."},
    SettingRow{"KGW_GLOBAL_POLICY_NAMESPACE", "", "Namespace of global policies.", kFixed},
    SettingRow{"KGW_HEALTH_PORT", "9093", "Port of /readyz."},
    SettingRow{"KGW_INGRESS_USE_WAYPOINTS", "true", "No effect without Istio.", kFixed},
    SettingRow{"KGW_ISTIO_NAMESPACE", "istio-system",
               "Namespace of istiod, from which proxies get their certificates of the mesh."},
    SettingRow{"KGW_LISTENER_BIND_IPV6", "true",
               "Proxies bind their ports to [::], IPv4 included; else to 0.0.0.0."},
    SettingRow{"KGW_LOG_LEVEL", "info", "trace, debug, info, warn or error."},
    SettingRow{
        "KGW_MAX_ROUTE_ENTRIES", "100000",
        "Entries (a match under one host of one listener) that the HTTPRoutes and GRPCRoutes of "
        "a namespace may have on a Gateway; the newest routes beyond are not accepted. 0: any "
        "number."},
    SettingRow{"KGW_METRICS_PORT", "9092", "Port of /metrics."},
    SettingRow{"KGW_POLICY_MERGE", "{}", "How policies are merged.", kFixed},
    SettingRow{"KGW_REFERENCE_GRANT_MODE", "PERMISSIVE", "Which references need a ReferenceGrant.",
               kFixed},
    SettingRow{"KGW_SERVICE_ENTRIES_EXCLUSION_LABEL_SELECTORS", "[]", "No effect without Istio.",
               kFixed},
    SettingRow{"KGW_TRUST_FORWARDED_HEADERS", "false",
               "Requests come through a proxy that can be believed: its Forwarded, "
               "X-Forwarded-Host and X-Forwarded-Port are passed on. Otherwise they are removed."},
    SettingRow{"KGW_VALIDATION_MODE", "STANDARD",
               "What Envoy would reject is found before it is sent in any case.", kFixed},
    SettingRow{"KGW_VALIDATOR_CACHE_SIZE", "65536", "Cache of the STRICT validation.", kFixed},
    SettingRow{"KGW_VALIDATOR_MODE", "CACHE", "Cache of the STRICT validation.", kFixed},
    SettingRow{"KGW_WAYPOINT_LOCAL_BINDING", "false", "Istio waypoints.", kFixed},
    SettingRow{"KGW_WEIGHTED_ROUTE_PRECEDENCE", "false",
               "The annotation kgateway.dev/route-weight orders routes before their matches do."},
    SettingRow{"KGW_WORKLOAD_ENTRIES_EXCLUSION_LABELS", "", "No effect without Istio.", kFixed},
    SettingRow{"KGW_XDS_AUTH", "true",
               "Proxies prove who they are with a token of their ServiceAccount."},
    SettingRow{"KGW_XDS_FIRST_CONNECT_DELAY", "1s",
               "Envoys that connect first are served after it."},
    SettingRow{"KGW_XDS_SERVICE_HOST", "",
               "Host that proxies ask for configuration; <name>.<namespace>.svc.cluster.local when "
               "empty."},
    SettingRow{"KGW_XDS_SERVICE_NAME", "kgateway", "Service of this controller."},
    SettingRow{"KGW_XDS_SERVICE_PORT", "9977", "Port of xDS, on the Service and in the pod."},
    SettingRow{"KGW_XDS_TLS", "false",
               "Serve xDS with TLS, from /etc/xds-tls (tls.crt, tls.key, ca.crt)."},
};

// Variables of other commands, and of tests.
constexpr std::array<std::string_view, 4> kOthers = {"KGW_ENVOY", "KGW_BINARY", "KGW_STATE_DIR",
                                                     "KGW_CACHE"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

class Reader {
 public:
  explicit Reader(const Environment& environment) : environment_(environment) {}

  ReadSettings read() {
    find_ineffective();
    ControllerSettings& s = out_.settings;
    read_proxies(s);
    s.log_level = one_of("KGW_LOG_LEVEL", {"trace", "debug", "info", "warn", "error"});
    s.admin_address = text("KGW_ADMIN_BIND_ADDRESS");
    if (s.admin_address == "localhost") s.admin_address = "127.0.0.1";
    s.admin_hosts = list("KGW_ADMIN_HOSTS");
    s.max_route_entries = number("KGW_MAX_ROUTE_ENTRIES");
    s.health_port = port("KGW_HEALTH_PORT");
    s.metrics_port = port("KGW_METRICS_PORT");
    s.leader_election = !flag("KGW_DISABLE_LEADER_ELECTION");
    s.weighted_routes = flag("KGW_WEIGHTED_ROUTE_PRECEDENCE");
    s.local_backends = flag("KGW_ALLOW_LOCAL_BACKENDS");
    s.trust_forwarded_headers = flag("KGW_TRUST_FORWARDED_HEADERS");
    s.first_connect_delay_ms = duration_ms("KGW_XDS_FIRST_CONNECT_DELAY");
    read_selectors(s);
    read_class_parameters(s);
    return std::move(out_);
  }

 private:
  std::string text(const std::string& name) const {
    if (const auto found = environment_.find(name); found != environment_.end()) {
      if (!found->second.empty()) return found->second;
    }
    const auto row = std::ranges::find(kRows, name, &SettingRow::name);
    return row == kRows.end() ? "" : row->standard;
  }

  void error(const std::string& name, std::string_view wanted) {
    out_.errors.push_back(fmt::format("{}=\"{}\": must be {}", name, text(name), wanted));
  }

  bool flag(const std::string& name) {
    const std::string value = lower(text(name));
    if (value == "true" || value == "1") return true;
    if (value != "false" && value != "0") error(name, "true or false");
    return false;
  }

  std::int32_t port(const std::string& name) {
    const auto number = whole_number<std::int32_t>(name);
    if (!number || *number < 1 || *number > 65535) error(name, "a port, 1 to 65535");
    return number.value_or(0);
  }

  std::uint64_t number(const std::string& name) {
    const auto number = whole_number<std::uint64_t>(name);
    if (!number) error(name, "a whole number");
    return number.value_or(0);
  }

  // Nothing else, and one that fits.
  template <typename T>
  std::optional<T> whole_number(const std::string& name) const {
    const std::string value = text(name);
    const char* const end = value.data() + value.size();
    T number = 0;
    const auto [at, problem] = std::from_chars(value.data(), end, number);
    if (problem != std::errc() || at != end) return std::nullopt;
    return number;
  }

  // Separated by commas; spaces around them do not count.
  std::vector<std::string> list(const std::string& name) const {
    std::vector<std::string> entries;
    std::istringstream rest(text(name));
    for (std::string entry; std::getline(rest, entry, ',');) {
      std::erase(entry, ' ');
      if (!entry.empty()) entries.push_back(entry);
    }
    return entries;
  }

  std::string one_of(const std::string& name, std::vector<std::string> allowed) {
    const std::string value = text(name);
    for (const std::string& candidate : allowed) {
      if (lower(candidate) == lower(value)) return candidate;
    }
    error(name, fmt::format("one of {}", fmt::join(allowed, ", ")));
    return allowed[0];
  }

  // As Go writes durations: "1s", "1m30s", "500ms", "0".
  std::int64_t duration_ms(const std::string& name) {
    static const std::map<std::string, double, std::less<>> kUnits = {
        {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
    const std::string value = text(name);
    if (value == "0") return 0;
    double total = 0;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto digits = std::min(rest.find_first_not_of("0123456789."), rest.size());
      const auto unit_end = std::min(rest.find_first_of("0123456789.", digits), rest.size());
      const auto unit = kUnits.find(rest.substr(digits, unit_end - digits));
      double number = 0;
      const auto parsed = std::from_chars(rest.data(), rest.data() + digits, number);
      if (unit == kUnits.end() || parsed.ptr != rest.data() + digits || digits == 0) {
        error(name, "a duration such as 1s or 500ms");
        return 0;
      }
      total += number * unit->second;
      rest.remove_prefix(unit_end);
    }
    return static_cast<std::int64_t>(total);
  }

  void read_proxies(ControllerSettings& s) {
    if (const std::string ns = text("POD_NAMESPACE"); !ns.empty()) s.namespace_name = ns;
    s.pod_name = text("POD_NAME");
    s.pod_ip = text("POD_IP");
    Settings& p = s.proxies;
    const std::string service = text("KGW_XDS_SERVICE_NAME") + "." + s.namespace_name + ".svc";
    p.xds_host = text("KGW_XDS_SERVICE_HOST");
    if (p.xds_host.empty()) p.xds_host = service + ".cluster.local";
    p.xds_names = {service, service + ".cluster.local"};
    if (std::ranges::find(p.xds_names, p.xds_host) == p.xds_names.end()) {
      p.xds_names.push_back(p.xds_host);
    }
    p.xds_port = port("KGW_XDS_SERVICE_PORT");
    p.xds_auth = flag("KGW_XDS_AUTH");
    p.xds_tls = flag("KGW_XDS_TLS");
    p.image = {text("KGW_DEFAULT_IMAGE_REGISTRY"), text("KGW_DEFAULT_IMAGE_REPOSITORY"),
               text("KGW_DEFAULT_IMAGE_TAG"), text("KGW_DEFAULT_IMAGE_DIGEST"),
               one_of("KGW_DEFAULT_IMAGE_PULL_POLICY", {"IfNotPresent", "Always", "Never"})};
    p.dns_lookup_family =
        one_of("KGW_DNS_LOOKUP_FAMILY", {"V4_PREFERRED", "V4_ONLY", "V6_ONLY", "ALL", "AUTO"});
    p.bind_ipv6 = flag("KGW_LISTENER_BIND_IPV6");
    p.istio_auto_mtls = flag("KGW_ENABLE_ISTIO_AUTO_MTLS");
    p.istio_discovery_address = "istiod." + text("KGW_ISTIO_NAMESPACE") + ".svc:15012";
  }

  Json json(const std::string& name) { return Json::parse(text(name), nullptr, false); }

  void read_selectors(ControllerSettings& s) {
    constexpr const char* kName = "KGW_DISCOVERY_NAMESPACE_SELECTORS";
    const Json list = json(kName);
    bool valid = list.is_array();
    for (const Json& entry : valid ? list : Json::array()) {
      try {
        s.namespace_selectors.push_back(selector(entry));
      } catch (const Json::exception&) {
        valid = false;
      }
    }
    if (!valid) error(kName, "a list of label selectors as JSON");
  }

  static LabelSelector selector(const Json& entry) {
    LabelSelector out;
    out.match_labels = entry.value("matchLabels", StringMap());
    for (const Json& e : entry.value("matchExpressions", Json::array())) {
      out.match_expressions.push_back(
          {e.at("key"), e.at("operator"), e.value("values", std::vector<std::string>())});
    }
    return out;
  }

  void read_class_parameters(ControllerSettings& s) {
    constexpr const char* kName = "KGW_GATEWAY_CLASS_PARAMETERS_REFS";
    Json map = json(kName);
    bool valid = map.is_object();
    if (!valid) map = Json::object();
    for (const auto& [name, ref] : map.items()) {
      try {
        s.class_parameters[name] = {ref.at("namespace").get<std::string>(),
                                    ref.at("name").get<std::string>()};
      } catch (const Json::exception&) {
        valid = false;
      }
    }
    if (!valid) error(kName, "an object of {\"name\", \"namespace\"} as JSON");
  }

  void find_ineffective() {
    for (const auto& [name, value] : environment_) {
      if (!name.starts_with("KGW_")) continue;
      const auto row = std::ranges::find(kRows, name, &SettingRow::name);
      const bool others = std::ranges::find(kOthers, name) != kOthers.end();
      if (row == kRows.end() && !others) {
        out_.warnings.push_back(name + " is not known and has no effect");
      } else if (row != kRows.end() && row->fixed && !value.empty() &&
                 lower(value) != lower(row->standard)) {
        out_.warnings.push_back(
            fmt::format("{}=\"{}\" has no effect: this version supports \"{}\" only", name, value,
                        row->standard));
      }
    }
  }

  const Environment& environment_;
  ReadSettings out_;
};

}  // namespace

std::span<const SettingRow> setting_rows() { return kRows; }

std::string setting_docs() {
  std::string out =
      "# Settings of `kgateway controller`\n\nEnvironment variables; the Helm chart sets them from "
      "its values. One that is not in this table, or that\nis set to something this version cannot "
      "do, is reported in the log when the controller starts; a value\nthat is no value at all "
      "keeps it from starting.\n\n| Variable | Default | Meaning |\n| --- | --- | --- |\n";
  for (const SettingRow& row : kRows) {
    out += fmt::format("| `{}` | {} | {}{} |\n", row.name,
                       *row.standard == '\0' ? "" : fmt::format("`{}`", row.standard), row.meaning,
                       row.fixed ? " Only the default is supported." : "");
  }
  return out +
         "\n`POD_NAMESPACE` and `POD_NAME` say where the controller itself runs, and `POD_IP` "
         "where other "
         "replicas reach it.\n";
}

ReadSettings read_settings(const Environment& environment) { return Reader(environment).read(); }

Environment process_environment() {
  Environment out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

}  // namespace kgw::deploy::kube
