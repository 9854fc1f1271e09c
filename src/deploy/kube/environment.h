// The settings of `kgateway controller`: environment variables with the prefix KGW_, one table.
//
// What people set for kgateway elsewhere is known by name: a variable that this version cannot
// honour is reported when it is set to anything but its default, and so is a KGW_ variable that
// nobody knows. docs/reference/settings.md is printed from the table.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "api/meta.h"
#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {

struct SettingRow {
  const char* name;      // "KGW_XDS_TLS"
  const char* standard;  // the default, as text
  const char* meaning;
  bool fixed = false;  // only the default is supported
};
std::span<const SettingRow> setting_rows();
// Markdown.
std::string setting_docs();

// Variables by name, as setenv() takes them.
using Environment = std::map<std::string, std::string>;

struct ControllerSettings {
  Settings proxies;                                // xds_ca and version are left to the caller
  std::string namespace_name = "kgateway-system";  // POD_NAMESPACE
  std::string pod_name;                            // POD_NAME; empty outside a pod
  std::string pod_ip;                              // POD_IP; empty outside a pod
  std::string log_level = "info";
  std::string admin_address = "127.0.0.1";
  std::vector<std::string> admin_hosts;  // names by which clients may ask for it
  std::uint64_t max_route_entries = 100'000;
  std::int32_t health_port = 9093;
  std::int32_t metrics_port = 9092;
  bool leader_election = true;
  bool weighted_routes = false;
  bool local_backends = false;
  bool trust_forwarded_headers = false;
  std::int64_t first_connect_delay_ms = 1'000;
  std::vector<LabelSelector> namespace_selectors;     // any of them; empty = all namespaces
  std::map<std::string, ObjectKey> class_parameters;  // by name of a built-in GatewayClass
};

struct ReadSettings {
  ControllerSettings settings;
  std::vector<std::string> errors;    // the controller must not start
  std::vector<std::string> warnings;  // what is set without effect
};
ReadSettings read_settings(const Environment& environment);
// The environment of this process.
Environment process_environment();

}  // namespace kgw::deploy::kube
