#include "app/instance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "source/kube/port_forward.h"

namespace kgw::app {
namespace {

using nlohmann::json;

const kube::Resource kPods{"", "v1", "pods", true};
const kube::Resource kLeases{"coordination.k8s.io", "v1", "leases", true};
constexpr const char* kLabel = "kgateway=kgateway";
constexpr const char* kNamespace = "kgateway-system";
constexpr const char* kLease = "kgateway-envoy";

bool is_ready(const json& pod) {
  if (pod.contains(json::json_pointer("/metadata/deletionTimestamp"))) return false;
  const json conditions = pod.value(json::json_pointer("/status/conditions"), json::array());
  return std::ranges::any_of(conditions, [](const json& condition) {
    return condition.value("type", "") == "Ready" && condition.value("status", "") == "True";
  });
}

// The ready pods of a namespace, or of all (empty), by namespace and name.
std::expected<std::set<ObjectKey>, std::string> ready_pods(kube::Client& client,
                                                           const std::string& ns) {
  const auto body =
      client.call(kube::list(kPods, {.label_selector = kLabel, .limit = 500, .ns = ns}));
  if (!body) {
    return std::unexpected(fmt::format("the pods of {} cannot be listed: {}",
                                       ns.empty() ? "all namespaces" : "namespace " + ns,
                                       kube::to_string(body.error())));
  }
  std::set<ObjectKey> pods;
  const json list = json::parse(*body, nullptr, false);
  if (!list.is_object()) return pods;
  for (const json& pod : list.value("items", json::array())) {
    const auto text = [&](const char* path) { return pod.value(json::json_pointer(path), ""); };
    if (is_ready(pod)) pods.insert({text("/metadata/namespace"), text("/metadata/name")});
  }
  return pods;
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

std::expected<HttpResponse, std::string> ask_pod(const kube::Config& config,
                                                 const kube::PodPort& pod,
                                                 const std::string& target) {
  ResponseReader reader;
  const auto done = kube::talk_to_pod(config, pod, get_text(target),
                                      [&](std::string_view piece) { return reader.put(piece); });
  if (!done) {
    return std::unexpected(
        fmt::format("pod {} could not be asked: {} (this takes permission to get and create "
                    "pods/portforward)",
                    to_string(pod.pod), kube::to_string(done.error())));
  }
  return reader.take();
}

std::expected<HttpResponse, std::string> ask_cluster(const InstanceOptions& options,
                                                     const std::string& target) {
  const auto config = kube::find_config(options.kubeconfig, options.context);
  if (!config) return std::unexpected(config.error().message);
  kube::PodPort to{{options.ns.empty() ? kNamespace : options.ns, options.pod},
                   port_of(options.admin)};
  if (options.pod.empty()) {
    auto client = kube::Client::open(*config);
    if (!client) return std::unexpected(client.error().message);
    const auto found = find_controller(**client, options.ns);
    if (!found) return std::unexpected(found.error());
    to.pod = {found->ns, found->name};
  }
  return ask_pod(*config, to, target);
}

}  // namespace

std::expected<ControllerPod, std::string> find_controller(kube::Client& client,
                                                          const std::string& wanted) {
  auto pods = ready_pods(client, wanted.empty() ? kNamespace : wanted);
  if (!pods) return std::unexpected(pods.error());
  if (pods->empty() && wanted.empty()) {
    if (auto anywhere = ready_pods(client, "")) pods = std::move(anywhere);
  }
  if (pods->empty()) {
    return std::unexpected(fmt::format(
        "no pod with the label {} is ready in namespace {} (--controller-namespace names another)",
        kLabel, wanted.empty() ? kNamespace : wanted));
  }
  const std::string ns = pods->begin()->ns.str();
  if (pods->rbegin()->ns != pods->begin()->ns) {
    return std::unexpected(fmt::format(
        "there are controllers in namespaces {} and {}: --controller-namespace chooses one", ns,
        pods->rbegin()->ns.str()));
  }
  const ObjectKey leads{ns, leader(client, ns)};
  const bool known = pods->contains(leads);
  return ControllerPod{ns, known ? leads.name.str() : pods->begin()->name.str(), known,
                       pods->size()};
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
