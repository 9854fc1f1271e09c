// Whatever a tenant writes, nothing that people read of it holds a control character, a forged line
// or hidden text, and nothing is too long for the API server.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "api/text.h"
#include "app/seen_world.h"
#include "status/conditions.h"

namespace kgw::app {
namespace {

// As escapes of a double-quoted scalar of YAML.
constexpr std::array kHostile = {R"(a\x1b[2Jb)", R"(a\nHTTPRoute default/forged: all is well\nb)",
                                 R"(a\rb)",      R"(a\x7fb)",
                                 R"(a\x9b2Jb)",  R"(a\u202egnihton\u2066b)",
                                 R"(a\u2028b)"};

// Everything that is free text somewhere, and much that is not.
std::string manifests(const std::string& text) {
  const std::string quoted = "\"" + text + "\"";
  return R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, annotations: {kgateway.dev/route-sharding: )" +
         quoted + R"(}}
spec:
  gatewayClassName: kgateway
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - name: https
    port: 443
    protocol: HTTPS
    tls:
      certificateRefs: [{name: )" +
         quoted + R"(}]
      options: {kgateway.dev/cipher-suites: )" +
         quoted + R"(}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, annotations: {kgateway.dev/http-redirect-status-code: )" +
         quoted + R"(}}
spec:
  parentRefs: [{name: edge}, {name: )" +
         quoted + R"(}]
  rules:
  - matches: [{path: {type: RegularExpression, value: "(/)" +
         text + R"("}}]
    filters: [{type: RequestRedirect, requestRedirect: {port: 81}}]
  - matches: [{path: {type: RegularExpression, value: "/()" +
         text + R"("}}]
    backendRefs: [{name: )" +
         quoted + R"(, port: 80}]
  - backendRefs: [{group: g, kind: K, name: )" +
         quoted + R"(}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: orphan}
spec: {parentRefs: [{name: )" +
         quoted + R"(}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: odd}
spec:
  gatewayClassName: kgateway
  listeners: [{name: odd, port: 81, protocol: )" +
         quoted + R"(}]
---
apiVersion: v1
kind: Secret
metadata: {name: s}
type: )" +
         quoted + R"(
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: )" +
         quoted + R"(
metadata: {name: )" +
         quoted + R"(}
---
apiVersion: )" +
         quoted + R"(
kind: Gateway
metadata: {name: )" +
         quoted + R"(}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: )" +
         quoted + R"(, labels: {)" + quoted + ": " + quoted + R"(}}
spec: {hostnames: [)" +
         quoted + "], " + quoted + ": " + quoted + R"(}
---
)" + quoted +
         R"(: [
)";
}

void expect_lines(const std::string& text, const std::string& of) {
  std::string without_ends = text;
  std::erase(without_ends, '\n');
  EXPECT_TRUE(is_one_line(without_ends)) << of << ":\n" << one_line(text);
  EXPECT_EQ(text.find("\nHTTPRoute default/forged"), std::string::npos) << of;
}

void expect_bounded_messages(const nlohmann::ordered_json& json) {
  if (json.is_object() && json.contains("message")) {
    EXPECT_LE(json["message"].get_ref<const std::string&>().size(), kMaxMessageBytes);
  }
  if (json.is_structured()) {
    for (const auto& entry : json) expect_bounded_messages(entry);
  }
}

const ObjectRef kRoute{Kind::kHttpRoute, {"default", "r"}};

TEST(HostileText, NothingThatPeopleReadHoldsControlCharacters) {
  for (const char* text : kHostile) {
    const SeenWorld world(manifests(text));
    const auto lines = world.check();
    EXPECT_GT(lines.size(), 8u);
    for (const std::string& line : lines) EXPECT_TRUE(is_one_line(line)) << one_line(line);
    EXPECT_TRUE(world.explain(kRoute).contains("status"));
    EXPECT_EQ(world.statuses().count({Kind::kGateway, {"default", "edge"}}), 1u);
    expect_lines(world.status(), "status");
    expect_lines(explanation_text(world.explain(kRoute)), "explain");
    for (const auto& [ref, status] : world.statuses()) {
      status::ObjectStatus copy = status;
      status::for_each_condition(copy, [](const Condition& condition) {
        EXPECT_TRUE(is_one_line(condition.message.view())) << one_line(condition.message.view());
      });
    }
  }
}

TEST(HostileText, ConditionsFitIntoTheApiServer) {
  std::string rules;
  for (int i = 0; i < 16; ++i) {
    rules += "  - matches: [{path: {type: RegularExpression, value: \"(" + std::string(1000, 'x') +
             std::to_string(i) + "\"}}]\n";
  }
  std::string listeners;
  for (int i = 0; i < 60; ++i) {
    listeners += "  - {name: l" + std::string(200, 'a') + std::to_string(i) +
                 ", port: " + std::to_string(1000 + i) + ", protocol: example.com/odd}\n";
  }
  std::string parents = "{name: edge}";
  for (int i = 0; i < 31; ++i) {
    parents += ", {name: " + std::string(250, 'p') + std::to_string(i) + "}";
  }
  const SeenWorld world(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: kgateway
  listeners:
  - {name: http, port: 80, protocol: HTTP}
)" + listeners + R"(---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [)" + parents +
                        R"(]
  rules:
)" + rules);
  const auto json = world.status_json();
  EXPECT_EQ(json["items"].size(), 3u) << json.dump(1);
  expect_bounded_messages(json);
  EXPECT_NE(json.dump().find("... and "), std::string::npos);
}

}  // namespace
}  // namespace kgw::app
