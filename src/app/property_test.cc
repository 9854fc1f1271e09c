// Contract 2, "incremental equals from scratch": after any sequence of edits every resource and
// status is what a fresh translation of the final objects gives.
#include <gtest/gtest.h>

#include <random>

#include "api/registry.h"
#include "app/builtin.h"
#include "app/offline.h"

namespace kgw::app {
namespace {

using Random = std::mt19937;

std::string pick(Random& random, std::initializer_list<const char*> choices) {
  return *(choices.begin() + random() % choices.size());
}

std::string number(Random& random, unsigned below) { return std::to_string(random() % below); }

std::string random_gateway(Random& random) {
  std::string listeners;
  for (unsigned i = 0; i <= random() % 3; ++i) {
    const std::string host = pick(random, {"", "*.example.com", "a.example.com"});
    listeners += "  - {name: l" + std::to_string(i) + ", port: " + pick(random, {"80", "81"}) +
                 ", protocol: " + pick(random, {"HTTP", "HTTP", "HTTP", "TCP"}) +
                 (host.empty() ? "" : ", hostname: \"" + host + "\"") +
                 ", allowedRoutes: {namespaces: {from: " + pick(random, {"All", "Same"}) + "}}}\n";
  }
  const std::string sharding = pick(random, {"Auto", "Auto", "Always", "Never", "nonsense"});
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw" +
         number(random, 2) + ", annotations: {kgateway.dev/route-sharding: " + sharding +
         "}}\nspec:\n  gatewayClassName: " + pick(random, {"kgateway", "kgateway", "other"}) +
         "\n  listeners:\n" + listeners;
}

std::string random_route(Random& random) {
  std::string text =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r" +
      number(random, 6) + ", namespace: " + pick(random, {"default", "team"}) +
      "}\nspec:\n  parentRefs: [{name: gw" + number(random, 2) + ", namespace: default" +
      pick(random, {"", ", sectionName: l0", ", port: 81"}) + "}]\n  hostnames: [" +
      pick(random, {"", "a.example.com", "\"*.example.com\"", "b.example.com, other.org",
                    "\"*.t1.example.com\", \"*.t2.example.com\"", "x.t1.example.com"}) +
      "]\n  rules:\n";
  for (unsigned i = 0; i <= random() % 3; ++i) {
    text +=
        "  - matches: [{path: {type: " +
        pick(random, {"PathPrefix, value: /a", "Exact, value: /b", "PathPrefix, value: /",
                      "RegularExpression, value: \"/x.*\"", "RegularExpression, value: \"((\""}) +
        "}}]\n    backendRefs: [{name: s" + number(random, 4) +
        ", namespace: " + pick(random, {"default", "team"}) +
        ", port: 80, weight: " + number(random, 3) + "}]\n";
    if (random() % 3 == 0) {
      text += "    filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: " +
              pick(random, {"x-a", "host"}) + ", value: v" + number(random, 3) + "}]}}]\n";
    }
  }
  return text;
}

std::string random_service(Random& random) {
  return "apiVersion: v1\nkind: Service\nmetadata: {name: s" + number(random, 4) +
         ", namespace: " + pick(random, {"default", "team"}) +
         "}\nspec: {ports: [{name: http, port: 80" +
         pick(random, {"", ", appProtocol: kubernetes.io/h2c"}) + "}]}\n";
}

std::string random_slice(Random& random) {
  const std::string service = "s" + number(random, 4);
  return "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " + service + "-" +
         number(random, 2) + ", namespace: " + pick(random, {"default", "team"}) +
         ", labels: {kubernetes.io/service-name: " + service +
         "}}\naddressType: IPv4\nports: [{name: http, port: 8080}]\nendpoints: [{addresses: "
         "[10.0.0." +
         number(random, 5) + "]}]\n";
}

std::string random_grant(Random& random) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: ReferenceGrant\nmetadata: {name: g, "
         "namespace: " +
         pick(random, {"default", "team"}) +
         "}\nspec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: " +
         pick(random, {"default", "team"}) + "}], to: [{group: \"\", kind: Service}]}\n";
}

std::string random_policy(Random& random) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {name: p" +
         number(random, 2) + "}\nspec: {targetRefs: [{group: \"\", kind: Service, name: s" +
         number(random, 4) + "}], validation: {hostname: h" + number(random, 2) +
         ".example.com, wellKnownCACertificates: System}}\n";
}

std::string random_object(Random& random) {
  switch (random() % 8) {
    case 0:
      return random_gateway(random);
    case 1:
    case 2:
    case 3:
      return random_route(random);
    case 4:
      return random_service(random);
    case 5:
      return random_slice(random);
    case 6:
      return random_grant(random);
    default:
      return random_policy(random);
  }
}

envoy::Settings settings() {
  envoy::Settings settings = offline_settings();
  settings.sharding = {.cut = 6, .join = 3, .repeated = 2};
  return settings;
}

// Which layout a table has depends on its past (envoy/table_layout.h); that is an input too.
void share_past(Translation& from, Translation& to) {
  from.commit();
  from.routes.layouts.history.for_each(
      [&](const attach::RouteTableId& table, const envoy::LayoutHistory& history) {
        to.routes.layouts.history.set(table, history);
      });
}

TEST(Incremental, EqualsFromScratchAfterRandomEdits) {
  const char* given = std::getenv("KGW_SEED");
  const unsigned first = given == nullptr ? 1 : static_cast<unsigned>(std::atoi(given));
  for (unsigned seed = first; seed < first + (given == nullptr ? 30 : 1); ++seed) {
    SCOPED_TRACE("KGW_SEED=" + std::to_string(seed));
    Random random(seed);
    std::map<ObjectRef, std::shared_ptr<const Object>> objects;
    Translation incremental(settings());
    incremental.apply(builtin_objects());
    for (int step = 0; step < 40; ++step) {
      std::vector<source::ObjectEvent> events;
      for (unsigned edit = 0; edit <= random() % 4; ++edit) {
        auto decoded = decode_text(random_object(random), "random", DecodeMode::kStrict);
        ASSERT_EQ(decoded.size(), 1u);
        if (decoded[0].object == nullptr)
          continue;  // e.g. two listeners with equal protocol, port and hostname
        const bool erase = random() % 4 == 0;
        events.push_back({decoded[0].ref, erase ? nullptr : decoded[0].object});
        if (erase) {
          objects.erase(decoded[0].ref);
        } else {
          objects[decoded[0].ref] = decoded[0].object;
        }
      }
      incremental.apply(events);
      acknowledge_everything(incremental);

      Translation fresh(settings());
      share_past(incremental, fresh);
      fresh.apply(builtin_objects());
      events.clear();
      for (const auto& [ref, object] : objects) events.push_back({ref, object});
      fresh.apply(events);
      acknowledge_everything(fresh);
      ASSERT_EQ(output_json(incremental, std::nullopt).dump(1),
                output_json(fresh, std::nullopt).dump(1))
          << "after step " << step;
    }
  }
}

}  // namespace
}  // namespace kgw::app
