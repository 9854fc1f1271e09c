// Pods are read only where a setting asks for it, and then as little of them as possible.
#include <gmock/gmock.h>

#include <future>
#include <nlohmann/json.hpp>

#include "api/core.h"
#include "source/kube/fake_api_testing.h"
#include "source/kube/kube_source.h"

namespace kgw::kube {
namespace {

using nlohmann::json;
using testing::FakeApi;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Seen;
using ::testing::SizeIs;

const Resource kPods{"", "v1", "pods", true};
const Resource kSlices{"discovery.k8s.io", "v1", "endpointslices", true};

// A Pod as an API server gives it to who asks for its metadata, and an endpoint that is this Pod.
class Pods : public ::testing::Test {
 protected:
  Pods() {
    api_.serve(kSlices, "EndpointSlice");
    api_.put(kPods, {{"kind", "PartialObjectMetadata"},
                     {"apiVersion", "meta.k8s.io/v1"},
                     {"metadata",
                      {{"name", "p"},
                       {"namespace", "ns"},
                       {"uid", "u"},
                       {"labels", {{"app", "x"}, {"security.istio.io/tlsMode", "istio"}}}}}});
    api_.put(
        kSlices,
        {{"metadata",
          {{"name", "s"}, {"namespace", "ns"}, {"labels", {{"kubernetes.io/service-name", "a"}}}}},
         {"addressType", "IPv4"},
         {"endpoints",
          {{{"addresses", {"10.0.0.1"}},
            {"targetRef", {{"kind", "Pod"}, {"name", "p"}, {"uid", "u"}}}}}}});
  }

  // Everything up to the first batch that is complete.
  std::map<ObjectRef, std::shared_ptr<const Object>> read(std::vector<Kind> on_demand) {
    const auto client = *Client::open(api_.config());
    std::map<ObjectRef, std::shared_ptr<const Object>> objects;
    std::promise<void> synced;
    KubeSource source(*client, {.on_demand = std::move(on_demand)});
    source.start([&](source::Batch batch) {
      for (source::ObjectEvent& event : batch.events) objects[event.ref] = event.object;
      if (batch.synced) synced.set_value();
    });
    synced.get_future().wait();
    source.stop();
    return objects;
  }

  std::vector<Seen> asked_for_pods() {
    std::vector<Seen> found = api_.requests();
    std::erase_if(found, [](const Seen& seen) { return seen.path != path_of(kPods, {}); });
    return found;
  }

  FakeApi api_;
  const ObjectRef pod_{Kind::kPod, {"ns", "p"}};
  const ObjectRef slice_{Kind::kEndpointSlice, {"ns", "s"}};
};

TEST_F(Pods, AreNotReadUnlessAskedFor) {
  const auto objects = read({});
  EXPECT_THAT(asked_for_pods(), IsEmpty());
  ASSERT_THAT(objects, SizeIs(1));
  const auto& slice = static_cast<const EndpointSlice&>(*objects.at(slice_));
  EXPECT_EQ(slice.endpoints[0].target_name, "") << "which Pod an endpoint is takes memory";
}

TEST_F(Pods, OfIstiosMeshAreReadByNameAndLabel) {
  const auto objects = read({Kind::kPod});
  ASSERT_FALSE(asked_for_pods().empty());
  for (const Seen& seen : asked_for_pods()) {
    EXPECT_THAT(seen.query, HasSubstr("labelSelector=security.istio.io%2FtlsMode%3Distio"));
    EXPECT_THAT(seen.accept, HasSubstr(";as=PartialObjectMetadata"));
  }
  const Pod& pod = static_cast<const Pod&>(*objects.at(pod_));
  EXPECT_EQ(pod.metadata.labels, (StringMap{{"security.istio.io/tlsMode", "istio"}}));
  EXPECT_EQ(pod.metadata.uid, "");
  const auto& slice = static_cast<const EndpointSlice&>(*objects.at(slice_));
  EXPECT_EQ(slice.endpoints[0].target_kind, "Pod");
  EXPECT_EQ(slice.endpoints[0].target_name, "p");
}

}  // namespace
}  // namespace kgw::kube
