#include "app/admin.h"

#include <google/protobuf/stubs/common.h>
#include <spdlog/spdlog.h>

#include "api/text.h"
#include "app/explain.h"
#include "app/metrics.h"
#include "app/problems.h"
#include "app/proto_json.h"
#include "status/json.h"

#ifndef KGW_VERSION
#define KGW_VERSION "0.0.0"
#endif

namespace kgw::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kIndex = R"(kgateway admin
/healthz            alive
/readyz             every object is read and served
/metrics            Prometheus metrics
/status             what every object's status says, and what is wrong in files
/explain?kind=HTTPRoute&namespace=default&name=x
                    why it does, or does not, work
/snapshots/xds      the Envoy resources of every Gateway
/snapshots/tables   the tables of the translation
/version
POST /logging?level=debug
)";

HttpResponse json_response(const Json& json, const HttpRequest& request) {
  const bool pretty = request.query.contains("pretty");
  return {200, "application/json",
          show_all(json.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace)) + "\n"};
}

HttpResponse text_response(int status, std::string text) {
  return {status, "text/plain", std::move(text)};
}

// The order of types in which kgateway's endpoint lists them; absent types are empty.
Json group_snapshot(const xds::Snapshot& snapshot) {
  static constexpr std::array<std::optional<envoy::ResourceType>, 9> kOrder = {
      envoy::ResourceType::kEndpoint,
      envoy::ResourceType::kCluster,
      envoy::ResourceType::kRoute,
      envoy::ResourceType::kScopedRoute,
      std::nullopt,
      envoy::ResourceType::kListener,
      envoy::ResourceType::kSecret,
      std::nullopt,
      std::nullopt};
  Json resources = Json::array();
  for (const auto& type : kOrder) {
    std::map<Name, xds::EntryPtr> entries;
    if (type) entries.insert(snapshot.table(*type).begin(), snapshot.table(*type).end());
    Json items = Json::object();
    std::uint64_t version = 0;
    for (const auto& [name, entry] : entries) {
      version = version * 31 + entry->version().hash;
      items[name.str()] = {
          {"Resource",
           to_json(*type, {entry->name(), entry->version(), entry->body()}, Secrets::kHideHeaders)},
          {"Version", to_string(entry->version())}};
    }
    resources.push_back(
        {{"Version", to_string(envoy::Version{version})}, {"Items", std::move(items)}});
  }
  return {{"Resources", std::move(resources)}};
}

Json snapshots(const xds::Ledger& ledger) {
  Json data = Json::object();
  for (const ObjectKey& group : ledger.groups()) {
    const std::string key = "kgateway-kube-gateway-api~" + group.ns.str() + "~" + group.name.str();
    data[key] = group_snapshot(*ledger.snapshot(group));
  }
  return {{"data", std::move(data)}, {"error", ""}};
}

Json tables(const engine::Graph& graph) {
  Json list = Json::array();
  for (const engine::TableInfo& table : graph.tables()) {
    list.push_back({{"name", table.name},
                    {"entries", table.size},
                    {"cells", table.cells},
                    {"recomputed", table.recomputed},
                    {"reads", table.edges}});
  }
  return list;
}

void xds_metrics(const xds::Stats& stats, MetricsText& metrics) {
  const auto by_type = [&](std::string_view name, std::string_view help, auto field) {
    metrics.family(name, "counter", help);
    for (const envoy::ResourceType type : envoy::kResourceTypes) {
      metrics.sample({{"type", type_name(type)}}, static_cast<double>(field(stats.of(type))));
    }
  };
  by_type("kgateway_xds_responses_total", "Responses sent to proxies.",
          [](const xds::TypeStats& s) { return s.responses; });
  by_type("kgateway_xds_resources_sent_total", "Resources in those responses.",
          [](const xds::TypeStats& s) { return s.resources; });
  by_type("kgateway_xds_removals_sent_total", "Removals in those responses.",
          [](const xds::TypeStats& s) { return s.removals; });
  by_type("kgateway_xds_sent_bytes_total", "Bytes of those responses.",
          [](const xds::TypeStats& s) { return s.bytes; });
  by_type("kgateway_xds_acks_total", "Responses that proxies accepted.",
          [](const xds::TypeStats& s) { return s.acks; });
  by_type("kgateway_envoy_xds_rejects_total", "Responses that proxies refused, wholly or in part.",
          [](const xds::TypeStats& s) { return s.nacks; });
  metrics.family("kgateway_xds_answer_duration_seconds", "histogram",
                 "From a response's being sent to a proxy until its ACK or NACK.");
  for (const envoy::ResourceType type : envoy::kResourceTypes) {
    metrics.sample({{"type", type_name(type)}}, stats.of(type).until_answered);
  }
  metrics.family("kgateway_xds_streams", "gauge", "Connected proxies.");
  metrics.sample({}, static_cast<double>(stats.streams));
  metrics.family("kgateway_xds_streams_refused_total", "counter", "Streams refused.");
  metrics.sample({}, static_cast<double>(stats.streams_refused));
}

std::string metrics_text(const AdminView& view) {
  MetricsText metrics;
  metrics.family("kgateway_change_duration_seconds", "histogram",
                 "From an object's change until what it changes was sent to proxies.");
  metrics.sample({}, view.until_sent);
  xds_metrics(view.stats, metrics);
  metrics.family("kgateway_xds_snapshot_resources", "gauge",
                 "Resources published for a Gateway's proxies.");
  for (const ObjectKey& group : view.ledger.groups()) {
    const xds::Snapshot& snapshot = *view.ledger.snapshot(group);
    for (const envoy::ResourceType type : envoy::kResourceTypes) {
      metrics.sample({{"namespace", group.ns.view()},
                      {"gateway", group.name.view()},
                      {"resource", type_name(type)}},
                     static_cast<double>(snapshot.table(type).size()));
    }
  }
  metrics.family("kgateway_xds_snapshot_bytes", "gauge", "Bytes of those resources.");
  for (const ObjectKey& group : view.ledger.groups()) {
    metrics.sample({{"namespace", group.ns.view()}, {"gateway", group.name.view()}},
                   static_cast<double>(view.ledger.snapshot(group)->body_bytes()));
  }
  metrics.family("kgateway_table_entries", "gauge", "Entries of a table of the translation.");
  for (const engine::TableInfo& table : view.translation.graph.tables()) {
    metrics.sample({{"table", table.name}}, static_cast<double>(table.size));
  }
  metrics.family("kgateway_table_recomputed_total", "counter",
                 "Runs of a table's compute function.");
  for (const engine::TableInfo& table : view.translation.graph.tables()) {
    metrics.sample({{"table", table.name}}, static_cast<double>(table.recomputed));
  }
  metrics.family("kgateway_status_writes_total", "counter",
                 "Statuses that changed and were written.");
  metrics.sample(
      {}, static_cast<double>(view.cluster ? view.cluster->status_writes : view.store.writes()));
  if (view.cluster) cluster_metrics(*view.cluster, metrics);
  metrics.family("kgateway_source_problems", "gauge", "Errors and warnings in manifests now.");
  double problems = 0;
  for (const auto& [place, list] : view.problems) problems += static_cast<double>(list.size());
  metrics.sample({}, problems);
  const ProcessUsage usage = process_usage();
  metrics.family("process_resident_memory_bytes", "gauge", "Resident memory.");
  metrics.sample({}, usage.resident_bytes);
  metrics.family("process_cpu_seconds_total", "counter", "CPU time used.");
  metrics.sample({}, usage.cpu_seconds);
  return metrics.text();
}

HttpResponse set_log_level(const HttpRequest& request) {
  if (request.method != "POST" && request.method != "PUT") return text_response(405, "use POST\n");
  const auto level = request.query.find("level");
  if (level == request.query.end()) return text_response(400, "?level= is missing\n");
  const auto parsed = spdlog::level::from_str(level->second);
  if (parsed == spdlog::level::off && level->second != "off") {
    return text_response(400, "levels: trace debug info warning error critical off\n");
  }
  spdlog::set_level(parsed);
  return text_response(200, "log level is " + level->second + "\n");
}

HttpResponse explain_response(const HttpRequest& request, const AdminView& view) {
  const auto value = [&](const char* key) {
    const auto found = request.query.find(key);
    return found == request.query.end() ? std::string() : found->second;
  };
  const auto json = explain(value("kind"), {value("namespace"), value("name")}, view);
  if (!json) return text_response(404, json.error() + "\n");
  return json_response(*json, request);
}

}  // namespace

Json to_json(const Diagnostic& diagnostic) {
  Json json = {{"severity", diagnostic.severity == Severity::kError ? "error" : "warning"}};
  if (!diagnostic.position.file.empty()) {
    json["file"] = one_line(diagnostic.position.file.view());
    json["line"] = diagnostic.position.line;
  }
  if (!diagnostic.object.name().empty()) json["object"] = one_line(to_string(diagnostic.object));
  if (!diagnostic.field.empty()) json["field"] = one_line(diagnostic.field, kMaxMessageBytes);
  json["reason"] = one_line(diagnostic.reason);
  json["message"] = one_line(diagnostic.message, kMaxMessageBytes);
  json["text"] = to_string(diagnostic);
  return json;
}

std::string version_text() { return KGW_VERSION; }

Json status_json(const status::StatusStore& store, const Translation& translation,
                 const std::map<std::string, Diagnostics>& problems) {
  Json items = Json::array();
  store.for_each([&](const ObjectRef& ref, const status::ObjectStatus& status) {
    const Object* object = translation.model.inputs.find(ref);
    Json metadata = Json::object();
    if (!ref.ns().empty()) metadata["namespace"] = ref.ns().str();
    metadata["name"] = ref.name().str();
    if (object != nullptr) metadata["generation"] = object->metadata.generation;
    items.push_back({{"apiVersion", object == nullptr ? "" : object->api_version},
                     {"kind", kind_name(ref.kind)},
                     {"metadata", std::move(metadata)},
                     {"status", status::to_json(status)}});
  });
  Json list = Json::array();
  for (const auto& [place, diagnostics] : problems) {
    for (const Diagnostic& diagnostic : diagnostics) list.push_back(to_json(diagnostic));
  }
  for (const Diagnostic& warning : translation_warnings(translation)) {
    list.push_back(to_json(warning));
  }
  return {{"items", std::move(items)}, {"problems", std::move(list)}};
}

HttpResponse answer(const HttpRequest& request, const AdminView& view) {
  const std::string& path = request.path;
  if (path == "/") return text_response(200, std::string(kIndex));
  if (path == "/healthz") return text_response(200, "ok\n");
  if (path == "/readyz") {
    return view.synced ? text_response(200, "ok\n")
                       : text_response(503, "not every object is read yet\n");
  }
  if (path == "/metrics") return {200, "text/plain; version=0.0.4", metrics_text(view)};
  if (path == "/status")
    return json_response(status_json(view.store, view.translation, view.problems), request);
  if (path == "/explain") return explain_response(request, view);
  if (path == "/snapshots/xds") return json_response(snapshots(view.ledger), request);
  if (path == "/snapshots/tables") return json_response(tables(view.translation.graph), request);
  if (path == "/version") {
    return json_response({{"string", "kgateway " + version_text()}, {"version", version_text()}},
                         request);
  }
  if (path == "/logging") return set_log_level(request);
  return text_response(404, "no such endpoint; / lists them\n");
}

}  // namespace kgw::app
