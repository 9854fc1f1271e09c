// The Kubernetes objects of a Gateway's proxy, as a pure function.
//
// ServiceAccount, ConfigMap (Envoy's bootstrap), Service and Deployment, and on request a
// HorizontalPodAutoscaler, PodDisruptionBudget and VerticalPodAutoscaler: all named as the Gateway,
// in its namespace, owned by it, complete for server-side apply. Equal input gives equal output.
//
// Order of precedence, the later over the earlier: built-in defaults, GatewayParameters of the
// class, of the Gateway, spec.infrastructure of the Gateway (labels and annotations), what kgateway
// itself must find again (names, labels, selectors), then the overlays of the class and of the
// Gateway.
#pragma once

#include <expected>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/diagnostic.h"
#include "api/gateway_parameters.h"
#include "attach/listeners.h"
#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {

// A port of the Service.
struct ProxyPort {
  std::int32_t port = 0;
  bool udp = false;
  std::string listener;  // the name of the first listener on it

  friend bool operator==(const ProxyPort&, const ProxyPort&) = default;
};

// The ports of all usable listeners, those of ListenerSets included, each once, by number.
std::vector<ProxyPort> proxy_ports(const attach::GatewayListeners& listeners);

struct ProxyInput {
  const Gateway& gateway;
  std::vector<ProxyPort> ports;
  const GatewayParameters* class_parameters = nullptr;
  const GatewayParameters* parameters = nullptr;
};

struct RenderedProxy {
  // In the order in which they are to be applied. Empty with selfManaged.
  std::vector<nlohmann::json> objects;
  // No listener is usable at present. There is no Service without ports, so none is rendered, but
  // one that is there must stay: its address would be lost.
  bool keep_service = false;
  Diagnostics diagnostics;      // warnings: what was set has no effect
  std::string service_account;  // of the pods, in the Gateway's namespace

  bool self_managed() const { return objects.empty(); }
};

// The error is one sentence for the condition Accepted=False/InvalidParameters.
std::expected<RenderedProxy, std::string> render_proxy(const ProxyInput& input,
                                                       const Settings& settings);

}  // namespace kgw::deploy::kube
