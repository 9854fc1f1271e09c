// The fast path of endpoints: an EndpointSlice reaches the xDS server without any route
// computation, however many routes there are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "app/bench_world.h"
#include "app/builtin.h"
#include "app/offline.h"

namespace kgw::app {
namespace {

using testing::ElementsAre;
using testing::Pair;

class EndpointPath : public testing::Test {
 protected:
  EndpointPath() : translation(envoy::Settings()) {
    translation.apply(builtin_objects());
    translation.apply(decode(gateway_manifest()));
    for (int i = 0; i < 50; ++i) translation.apply(decode(app_manifests(i)));
    acknowledge_everything(translation);
  }

  // What a change computes: runs of compute functions and changed inputs, by table.
  std::map<std::string, int> computed_by(const std::string& manifest) {
    std::map<std::string, int> runs;
    translation.graph.set_trace(
        [&](const engine::TraceEvent& event) { ++runs[std::string(event.table)]; });
    translation.apply(decode(manifest));
    outcome = translation.commit();
    translation.graph.set_trace(nullptr);
    return runs;
  }

  Translation translation;
  Outcome outcome;
};

TEST_F(EndpointPath, OneSliceComputesOneAssignmentAndNothingElse) {
  EXPECT_THAT(computed_by(slice_manifest(7, 99)),
              ElementsAre(Pair("encoded endpoints", 1), Pair("endpoint slices", 1),
                          Pair("gateway endpoints", 1)));
  ASSERT_EQ(outcome.edits.size(), 1u);
  const xds::Edit& edit = outcome.edits.begin()->second;
  ASSERT_EQ(edit.upserts.size(), 1u);
  EXPECT_EQ(edit.upserts[0].first, envoy::ResourceType::kEndpoint);
  EXPECT_TRUE(edit.removals.empty());
  EXPECT_TRUE(outcome.statuses.empty());
}

TEST_F(EndpointPath, LastEndpointOfAServiceMovesNoRoute) {
  const std::string empty =
      "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: app-00007-1, "
      "labels: {kubernetes.io/service-name: app-00007}}\naddressType: IPv4\n"
      "ports: [{name: http, port: 8080}]\nendpoints: []\n";
  EXPECT_THAT(computed_by(empty),
              ElementsAre(Pair("encoded endpoints", 1), Pair("endpoint slices", 1),
                          Pair("gateway endpoints", 1)));
}

TEST_F(EndpointPath, BurstOnOneServiceIsComputedOnce) {
  for (int i = 3; i < 100; ++i) translation.apply(decode(slice_manifest(7, i)));
  EXPECT_THAT(computed_by(slice_manifest(7, 100)),
              ElementsAre(Pair("encoded endpoints", 1), Pair("endpoint slices", 1),
                          Pair("gateway endpoints", 1)));
}

// The reverse: a route's change touches no endpoints.
TEST_F(EndpointPath, RouteComputesNoEndpoints) {
  const auto runs = computed_by(route_manifest(7, "/other"));
  EXPECT_EQ(runs.count("encoded endpoints"), 0u);
  EXPECT_EQ(runs.count("gateway endpoints"), 0u);
}

}  // namespace
}  // namespace kgw::app
