#include "app/commands.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include "api/registry.h"
#include "api/text.h"
#include "api/yaml_writer.h"
#include "app/admin.h"
#include "app/cluster_objects.h"
#include "app/controller.h"
#include "app/explain.h"
#include "app/instance.h"
#include "app/kind_words.h"
#include "app/logging.h"
#include "app/offline.h"
#include "app/options.h"
#include "app/signals.h"
#include "app/standalone.h"
#include "app/status_table.h"
#include "attach/trust.h"

namespace kgw::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void print(const Json& json, const std::string& format) {
  std::cout << (format == "json"
                    ? show_all(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n"
                    : to_yaml(json));
}

void print_problems(const Diagnostics& problems) {
  for (const Diagnostic& problem : problems) std::cerr << to_string(problem) << "\n";
}

std::size_t errors_in(const Diagnostics& problems) {
  return static_cast<std::size_t>(
      std::ranges::count(problems, Severity::kError, &Diagnostic::severity));
}

// "namespace/name", or "name" in that namespace.
ObjectKey parse_key(const std::string& text, const std::string& ns = "default") {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return {ns, text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

// Where an object is that is named without its namespace, as kubectl has it.
std::string namespace_of(const std::string& option, const InstanceOptions& instance) {
  if (!option.empty()) return option;
  if (!instance.cluster) return "default";
  const auto config = kube::find_config(instance.kubeconfig, instance.context);
  return config ? config->ns : "default";
}

// Objects of that namespace, as /status lists them.
void keep_only(const std::string& ns, Json& items) {
  Json kept = Json::array();
  for (Json& item : items) {
    if (item["metadata"].value("namespace", "") == ns) kept.push_back(std::move(item));
  }
  items = std::move(kept);
}

// The answer of a running instance; prints why there is none.
std::optional<Json> answer_of(const InstanceOptions& options, const std::string& target) {
  const auto response = ask_instance(options, target);
  if (!response) {
    std::cerr << one_line(response.error()) << "\n";
    return std::nullopt;
  }
  if (response->status != 200) {
    const std::string_view body = response->body;
    std::cerr << one_line(body.substr(0, body.find('\n'))) << "\n";
    return std::nullopt;
  }
  Json json = Json::parse(response->body, nullptr, false);
  if (!json.is_discarded()) return json;
  std::cerr << "the answer is no JSON\n";
  return std::nullopt;
}

void add_cluster_options(CLI::App& command, std::string& kubeconfig, std::string& context) {
  command.add_option("--kubeconfig", kubeconfig,
                     "Default: $KUBECONFIG, the pod's service account, ~/.kube/config");
  command.add_option("--context", context, "Of the kubeconfig");
}

// How `status` and `explain` find whom they ask.
void add_instance_options(CLI::App& command, InstanceOptions& options) {
  command.add_option("--admin", options.admin, "Its admin address; in a pod, only the port counts")
      ->capture_default_str();
  auto* cluster =
      command.add_flag("--cluster", options.cluster,
                       "Ask the controller of a cluster, by a port-forward through the API server");
  add_cluster_options(command, options.kubeconfig, options.context);
  command.add_option("--controller-namespace", options.ns,
                     "Default: kgateway-system, else the one that has a controller");
  command.add_option("--pod", options.pod, "The controller's pod; default: the one that leads");
  for (const char* name : {"--kubeconfig", "--context", "--controller-namespace", "--pod"}) {
    command.get_option(name)->needs(cluster);
  }
}

// Named as kgateway's own environment variable for it.
void add_weighted_routes(CLI::App& command, bool& weighted_routes) {
  command
      .add_flag("--weighted-routes", weighted_routes,
                "Order HTTPRoutes by annotation kgateway.dev/route-weight first")
      ->envname("KGW_WEIGHTED_ROUTE_PRECEDENCE");
}

void add_run(CLI::App& app, int& exit_status) {
  auto options = std::make_shared<RunOptions>();
  auto* command = app.add_subcommand(
      "run", "Run gateways on this host from manifests: follows changes, one Envoy per Gateway");
  command
      ->add_option("--config,-c", options->config,
                   "File or directory of manifests; may be given several times")
      ->required();
  command
      ->add_option("--bind", options->bind,
                   "Address of listeners whose Gateway has no spec.addresses")
      ->capture_default_str();
  command->add_option("--envoy", options->envoy,
                      "Envoy binary (default: $KGW_ENVOY, envoy beside kgateway, PATH)");
  command->add_option("--state-dir", options->state_dir,
                      "Where bootstraps, sockets and logs of the Envoys live");
  command->add_option("--admin", options->admin, "Address of the admin endpoints")
      ->capture_default_str();
  command->add_option("--admin-host", options->admin_hosts,
                      "Further names that requests to the admin endpoints may carry as Host");
  command->add_option("--zone", options->zone, "Zone of this host, for topology-aware endpoints");
  command->add_option("--concurrency", options->concurrency,
                      "Worker threads of each Envoy (0: one per CPU)");
  command
      ->add_option("--drain-seconds", options->drain,
                   "How long requests in flight may take at the end")
      ->capture_default_str();
  command->add_flag("--keep-proxies", options->keep_proxies, "Leave the Envoys running at the end");
  command
      ->add_option(
          "--max-route-entries", options->max_route_entries,
          "Matches, each under one host of one listener, that the routes of a namespace may "
          "have on a Gateway (0: any number)")
      ->capture_default_str();
  command->add_flag("--access-log", options->access_log,
                    "One line of JSON per request in the Envoys' logs");
  command
      ->add_flag("--trust-forwarded-headers", options->trust_forwarded_headers,
                 "Pass on Forwarded, X-Forwarded-Host and X-Forwarded-Port of a proxy in front")
      ->envname("KGW_TRUST_FORWARDED_HEADERS");
  add_weighted_routes(*command, options->weighted_routes);
  command->add_option("--log-level", options->log_level, "trace, debug, info, warning, error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}))
      ->capture_default_str();
  command->add_option("--log-format", options->log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_option("--envoy-log-level", options->envoy_log_level, "Log level of the Envoys")
      ->capture_default_str();
  command->callback([options, &exit_status] {
    SignalWatch::block_signals();
    set_up_logging(options->log_level, options->log_format);
    exit_status = run(*options);
  });
}

void add_controller(CLI::App& app, int& exit_status) {
  auto options = std::make_shared<ControllerOptions>();
  auto* command = app.add_subcommand(
      "controller",
      "Run gateways in a Kubernetes cluster: deploys and serves proxies, writes status. Settings "
      "are KGW_* environment variables");
  add_cluster_options(*command, options->kubeconfig, options->context);
  command
      ->add_option("--xds-tls-dir", options->xds_tls_dir,
                   "Directory of tls.crt, tls.key and ca.crt, for KGW_XDS_TLS=true")
      ->capture_default_str();
  command
      ->add_option("--xds-token-file", options->xds_token_file,
                   "ServiceAccount token by which other replicas know this one, audience kgateway")
      ->capture_default_str();
  command->add_option("--log-format", options->log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([options, &exit_status] {
    SignalWatch::block_signals();
    const auto read = deploy::kube::read_settings(deploy::kube::process_environment());
    set_up_logging(read.settings.log_level, options->log_format);
    exit_status = run(*options, read);
  });
}

// Whether manifests are judged as those of a cluster, and what its controller trusts.
struct JudgedAs {
  bool for_cluster = false;
  bool local_backends = false;

  void apply(OfflineOptions& offline, bool reads_cluster = false) const {
    offline.for_cluster = for_cluster;
    if (for_cluster || reads_cluster) attach::set_trust({.local_backends = local_backends});
  }
};

void add_judged_as(CLI::App& command, JudgedAs& judged) {
  command.add_flag("--for-cluster", judged.for_cluster,
                   "Judge manifests as a cluster that gets them would take them: each Gateway has "
                   "addresses of its own, and no backend is local to its proxy");
  command
      .add_flag("--allow-local-backends", judged.local_backends,
                "As a controller does with this setting: backends of a cluster may be local to "
                "the proxy")
      ->envname("KGW_ALLOW_LOCAL_BACKENDS");
}

struct CheckOptions {
  OfflineOptions offline;
  bool cluster = false;
  JudgedAs judged;
  std::string kubeconfig;
  std::string context;
  std::string format = "text";
};

std::expected<OfflineResult, std::string> check(const CheckOptions& options) {
  OfflineOptions offline = options.offline;
  options.judged.apply(offline, options.cluster);
  if (!options.cluster) return translate_offline(offline);
  const auto config = kube::find_config(options.kubeconfig, options.context);
  if (!config) return std::unexpected(config.error().message);
  auto client = kube::Client::open(*config);
  if (!client) return std::unexpected(client.error().message);
  auto objects = read_cluster(**client);
  if (!objects) return std::unexpected(objects.error());
  return translate_objects(std::move(*objects), offline);
}

void add_check(CLI::App& app, int& exit_status) {
  auto options = std::make_shared<CheckOptions>();
  auto* command = app.add_subcommand(
      "check",
      "Validate and translate manifests, or all objects of a cluster; exit 1 on any error");
  auto* paths = command->add_option("PATH", options->offline.paths,
                                    "Files and directories; - is standard input");
  auto* cluster = command
                      ->add_flag("--cluster", options->cluster,
                                 "Read the objects of a cluster instead; writes nothing there")
                      ->excludes(paths);
  add_cluster_options(*command, options->kubeconfig, options->context);
  for (const char* name : {"--kubeconfig", "--context"}) command->get_option(name)->needs(cluster);
  add_judged_as(*command, options->judged);
  add_weighted_routes(*command, options->offline.weighted_routes);
  command->add_option("--output,-o", options->format, "text, or json on standard output")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([options, &exit_status] {
    exit_status = 1;
    if (options->offline.paths.empty() && !options->cluster) throw CLI::RequiredError("PATH");
    options->offline.with_output = false;
    const auto checked = check(*options);
    if (!checked) {
      std::cerr << one_line(checked.error()) << "\n";
      return;
    }
    const Diagnostics problems = checked->problems();
    if (options->format == "json") {
      print(problems_json(*checked), "json");
    } else {
      print_problems(problems);
    }
    const std::size_t errors = errors_in(problems);
    std::cerr << errors << " errors, " << problems.size() - errors << " warnings\n";
    exit_status = errors == 0 ? 0 : 1;
  });
}

void add_translate(CLI::App& app, int& exit_status) {
  struct Options {
    OfflineOptions offline;
    JudgedAs judged;
    std::string gateway;
    std::string format = "yaml";
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "translate",
      "Print the Envoy configuration of manifests and the statuses that would be written");
  command->add_option("PATH", options->offline.paths, "Files and directories; - is standard input")
      ->required();
  add_judged_as(*command, options->judged);
  add_weighted_routes(*command, options->offline.weighted_routes);
  command->add_option("--gateway", options->gateway, "Only this Gateway, NAMESPACE/NAME");
  command->add_option("--output,-o", options->format, "yaml or json")
      ->check(CLI::IsMember({"yaml", "json"}))
      ->capture_default_str();
  command->callback([options, &exit_status] {
    if (!options->gateway.empty()) options->offline.gateway = parse_key(options->gateway);
    options->judged.apply(options->offline);
    const OfflineResult result = translate_offline(options->offline);
    print(result.output, options->format);
    print_problems(result.problems());
    exit_status = errors_in(result.problems()) == 0 ? 0 : 1;
  });
}

void add_status(CLI::App& app, int& exit_status) {
  struct Options {
    InstanceOptions instance;
    std::string format = "table";
    std::string ns;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("status", "What a running instance reports about every object");
  command->add_option("--namespace,-n", options->ns, "Only objects of this one; default: all");
  add_instance_options(*command, options->instance);
  command->add_option("--output,-o", options->format, "table, yaml or json")
      ->check(CLI::IsMember({"table", "yaml", "json"}))
      ->capture_default_str();
  command->callback([options, &exit_status] {
    auto json = answer_of(options->instance, "/status");
    if (json && !options->ns.empty()) keep_only(options->ns, (*json)["items"]);
    if (!json) {
      exit_status = 1;
    } else if (options->format == "table") {
      std::cout << status_table(*json);
    } else {
      print(*json, options->format);
    }
  });
}

void add_explain(CLI::App& app, int& exit_status) {
  struct Options {
    InstanceOptions instance;
    std::string format = "text";
    std::string kind;
    std::string name;
    std::string ns;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("explain", "Ask a running instance why an object does, or does not, work");
  command
      ->add_option("KIND", options->kind,
                   "HTTPRoute, httproutes, gtw, ...: as kubectl takes it, also KIND/NAME")
      ->required();
  command->add_option("NAME", options->name, "NAME or NAMESPACE/NAME");
  command->add_option("--namespace,-n", options->ns,
                      "Of the object. Default: with --cluster that of the kubeconfig's context, "
                      "else default");
  add_instance_options(*command, options->instance);
  command->add_option("--output,-o", options->format, "text, yaml or json")
      ->check(CLI::IsMember({"text", "yaml", "json"}))
      ->capture_default_str();
  command->callback([options, &exit_status] {
    exit_status = 1;
    if (const auto slash = options->kind.find('/');
        options->name.empty() && slash != std::string::npos) {
      options->name = options->kind.substr(slash + 1);
      options->kind.resize(slash);
    }
    if (options->name.empty()) throw CLI::RequiredError("NAME");
    const Kind kind = kind_by_word(options->kind);
    if (kind == Kind::kUnknown) {
      std::cerr << "\"" << options->kind << "\" is not a kind that is read here\n";
      return;
    }
    const ObjectKey key = parse_key(options->name, namespace_of(options->ns, options->instance));
    const std::string ns = kind_info(kind).namespaced ? key.ns.str() : "";
    const auto json = answer_of(options->instance, "/explain?kind=" + std::string(kind_name(kind)) +
                                                       "&namespace=" + percent_encode(ns) +
                                                       "&name=" + percent_encode(key.name.str()));
    if (!json) return;
    exit_status = 0;
    if (options->format == "text") {
      std::cout << explanation_text(*json);
    } else {
      print(*json, options->format);
    }
  });
}

void add_crds(CLI::App& app) {
  auto docs = std::make_shared<bool>(false);
  auto schemas = std::make_shared<bool>(false);
  auto* command =
      app.add_subcommand("crds", "Print the CustomResourceDefinitions of kgateway's own kinds");
  command->add_flag("--docs", *docs, "Print the reference documentation (Markdown) instead");
  command
      ->add_flag("--schemas", *schemas,
                 "Print what is checked of every kind that is read, as OpenAPI schemas (JSON)")
      ->excludes("--docs");
  command->callback([docs, schemas] {
    if (*schemas) return print(Json(schemas_json()), "json");
    for (const Kind kind : own_kinds())
      std::cout << (*docs ? reference_doc(kind) : "---\n" + crd_yaml(kind));
  });
}

}  // namespace

std::string find_envoy(const std::string& option) {
  if (!option.empty()) return option;
  if (const char* environment = std::getenv("KGW_ENVOY")) return environment;
  std::error_code error;
  const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path() / "envoy";
  if (fs::exists(beside, error)) return beside;
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    const fs::path candidate = fs::path(directory) / "envoy";
    if (fs::exists(candidate, error)) return candidate;
  }
  return "";
}

int run(const RunOptions& options) {
  attach::set_trust({.forwarded_headers = options.trust_forwarded_headers});
  spdlog::info("kgateway {} starts", version_text());
  Standalone standalone(options);
  if (const auto started = standalone.start(); !started) {
    std::cerr << "kgateway run: " << started.error() << "\n";
    return 1;
  }
  return standalone.run();
}

void add_commands(CLI::App& app, int& exit_status) {
  add_run(app, exit_status);
  add_controller(app, exit_status);
  add_check(app, exit_status);
  add_translate(app, exit_status);
  add_explain(app, exit_status);
  add_status(app, exit_status);
  add_crds(app);
  app.add_subcommand("version", "Print the version")->callback([] {
    std::cout << "kgateway " << version_text() << "\nEnvoy API 1.40, Gateway API 1.7\n";
  });
}

}  // namespace kgw::app
