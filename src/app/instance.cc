#include "app/instance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

#include "source/kube/port_forward.h"

namespace kgw::app {
namespace {

using nlohmann::json;

const kube::Resource kPods{"", "v1", "pods", true};
const kube::Resource kLeases{"coordination.k8s.io", "v1", "leases", true};
constexpr const char* kLabel = "kgateway=kgateway";
constexpr const char* kLease = "kgateway-envoy";

bool is_ready(const json& pod) {
  if (pod.contains(json::json_pointer("/metadata/deletionTimestamp"))) return false;
  const json conditions = pod.value(json::json_pointer("/status/conditions"), json::array());
  return std::ranges::any_of(conditions, [](const json& condition) {
    return condition.value("type", "") == "Ready" && condition.value("status", "") == "True";
  });
}

std::vector<std::string> ready_pods(const json& list) {
  std::vector<std::string> names;
  for (const json& pod : list.value("items", json::array())) {
    if (is_ready(pod)) names.push_back(pod.value(json::json_pointer("/metadata/name"), ""));
  }
  std::ranges::sort(names);
  return names;
}

// The pod that the Lease names; empty when that cannot be told.
std::string leader(kube::Client& client, const std::string& ns) {
  const auto body = client.call(kube::get(kLeases, {ns, kLease}));
  if (!body) return "";
  const json lease = json::parse(*body, nullptr, false);
  if (!lease.is_object()) return "";
  const std::string holder = lease.value(json::json_pointer("/spec/holderIdentity"), "");
  return holder.substr(0, holder.rfind('_'));  // the rest is of this run of the pod
}

std::uint16_t port_of(const std::string& address) {
  return static_cast<std::uint16_t>(std::atoi(address.c_str() + address.rfind(':') + 1));
}

std::expected<HttpResponse, std::string> ask_pod(const InstanceOptions& options,
                                                 const kube::Config& config, const std::string& pod,
                                                 const std::string& target) {
  ResponseReader reader;
  const kube::PodPort to{{options.ns, pod}, port_of(options.admin)};
  const auto done = kube::talk_to_pod(config, to, get_text(target),
                                      [&](std::string_view piece) { return reader.put(piece); });
  if (!done) {
    return std::unexpected(
        fmt::format("pod {}/{} could not be asked: {} (this takes permission to get and create "
                    "pods/portforward)",
                    options.ns, pod, kube::to_string(done.error())));
  }
  return reader.take();
}

std::expected<HttpResponse, std::string> ask_cluster(const InstanceOptions& options,
                                                     const std::string& target) {
  const auto config = kube::find_config(options.kubeconfig, options.context);
  if (!config) return std::unexpected(config.error().message);
  if (!options.pod.empty()) return ask_pod(options, *config, options.pod, target);
  auto client = kube::Client::open(*config);
  if (!client) return std::unexpected(client.error().message);
  const auto found = find_controller(**client, options.ns);
  if (!found) return std::unexpected(found.error());
  return ask_pod(options, *config, found->name, target);
}

}  // namespace

std::expected<ControllerPod, std::string> find_controller(kube::Client& client,
                                                          const std::string& ns) {
  const auto body =
      client.call(kube::list(kPods, {.label_selector = kLabel, .limit = 500, .ns = ns}));
  if (!body) {
    return std::unexpected(fmt::format("the pods of namespace {} cannot be listed: {}", ns,
                                       kube::to_string(body.error())));
  }
  const json list = json::parse(*body, nullptr, false);
  const std::vector<std::string> names =
      list.is_object() ? ready_pods(list) : std::vector<std::string>();
  if (names.empty()) {
    return std::unexpected(
        fmt::format("no pod with the label {} is ready in namespace {} (--namespace names another)",
                    kLabel, ns));
  }
  const std::string leads = leader(client, ns);
  const bool known = std::ranges::find(names, leads) != names.end();
  return ControllerPod{known ? leads : names[0], known, names.size()};
}

std::expected<HttpResponse, std::string> ask_instance(const InstanceOptions& options,
                                                      const std::string& target) {
  if (options.cluster) return ask_cluster(options, target);
  auto response = http_request(options.admin, "GET", target);
  if (response) return response;
  return std::unexpected(
      "no running kgateway answers: " + response.error() +
      " (--admin names its address, --cluster asks the controller of a cluster)");
}

}  // namespace kgw::app
