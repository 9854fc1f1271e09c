// For tests: asks a real Envoy whether it would take resources.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "envoy/resource.h"

namespace kgw::envoy {

// A self-signed certificate for *.example.com and its key.
extern const std::string_view kTestCertificate;
extern const std::string_view kTestKey;

// The path of the Envoy binary (environment KGW_ENVOY), empty when the test runner gives none.
std::string envoy_binary();

struct StaticResources {
  std::vector<Resource> listeners;
  std::vector<Resource> clusters;
  std::vector<Resource> assignments;
  std::vector<Resource> secrets;
};

// What `envoy --mode validate` says about a bootstrap of these resources; empty when it is content.
std::string validate(const StaticResources& resources);

}  // namespace kgw::envoy
