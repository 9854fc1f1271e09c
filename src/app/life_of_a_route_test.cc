// Keeps the list of tables in docs/life-of-a-route.md true.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "api/registry.h"
#include "app/builtin.h"
#include "app/offline.h"

namespace kgw::app {
namespace {

constexpr const char* kWorld = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec: {gatewayClassName: kgateway, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {ports: [{port: 80}]}
)";

constexpr const char* kRoute = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route}
spec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: app, port: 80}]}]}
)";

void apply(Translation& translation, const char* text) {
  std::vector<source::ObjectEvent> events;
  for (Decoded& decoded : decode_text(text, "test", DecodeMode::kStrict)) {
    events.push_back({decoded.ref, decoded.object});
  }
  translation.apply(events);
}

std::vector<std::string> documented_tables() {
  std::ifstream doc("docs/life-of-a-route.md");
  std::vector<std::string> tables;
  bool inside = false;
  for (std::string line; std::getline(doc, line);) {
    if (line == "```") {
      inside = !inside;
    } else if (inside) {
      tables.push_back(line);
    }
  }
  return tables;
}

TEST(LifeOfARoute, TouchesTheTablesThatTheStoryNames) {
  Translation translation(offline_settings());
  translation.apply(builtin_objects());
  apply(translation, kWorld);
  acknowledge_everything(translation);

  std::vector<std::string> touched;
  translation.graph.set_trace([&](const engine::TraceEvent& event) {
    const std::string table(event.table);
    if (event.changed && std::ranges::find(touched, table) == touched.end())
      touched.push_back(table);
  });
  apply(translation, kRoute);
  translation.commit();
  EXPECT_EQ(touched, documented_tables());
}

}  // namespace
}  // namespace kgw::app
