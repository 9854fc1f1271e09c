// Where `kgateway status` and `explain` ask: a running instance at its admin address, or the
// controller of a cluster, whose admin endpoints listen on its pod's loopback only and are reached
// through the API server.
#pragma once

#include <expected>
#include <string>

#include "app/http.h"
#include "app/options.h"
#include "source/kube/client.h"

namespace kgw::app {

struct InstanceOptions {
  std::string admin = kDefaultAdmin;  // without a cluster; in a pod only its port counts
  bool cluster = false;
  std::string kubeconfig;  // empty: as kubectl finds it
  std::string context;     // empty: the current one
  std::string ns;          // of the controller; empty: kgateway-system, or wherever there is one
  std::string pod;         // empty: the one that leads
};

struct ControllerPod {
  std::string ns;
  std::string name;
  bool leads = false;
  std::size_t replicas = 1;  // that are ready
};

// Of the ready pods with the label kgateway=kgateway the one that holds the Lease, else the first
// by name. Error: there is none, they are of several namespaces, or they cannot be listed.
std::expected<ControllerPod, std::string> find_controller(kube::Client& client,
                                                          const std::string& ns);

// The answer to a GET. Error: nobody could be asked, in words with a hint at the options.
std::expected<HttpResponse, std::string> ask_instance(const InstanceOptions& options,
                                                      const std::string& target);

}  // namespace kgw::app
