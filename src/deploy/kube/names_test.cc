#include "deploy/kube/names.h"

#include <gtest/gtest.h>

#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {
namespace {

TEST(ObjectName, IsTheGatewaysWhereThatIsPossible) {
  EXPECT_EQ(object_name("edge"), "edge");
  EXPECT_EQ(object_name(std::string(63, 'a')), std::string(63, 'a'));
  const std::string cut = object_name(std::string(64, 'a'));
  EXPECT_EQ(cut.size(), 63);
  EXPECT_TRUE(cut.starts_with(std::string(50, 'a') + "-"));
  EXPECT_NE(cut, object_name(std::string(65, 'a')));
  EXPECT_TRUE(object_name("edge.example").starts_with("edge-example-"));
  EXPECT_NE(object_name("a.b"), object_name("a-b"));
}

TEST(LabelValue, IsThatOfTheGoKgateway) {
  EXPECT_EQ(label_value("kgateway"), "kgateway");
  EXPECT_EQ(label_value(std::string(63, 'a')), std::string(63, 'a'));
  EXPECT_EQ(label_value(std::string(64, 'a')), std::string(50, 'a') + "-ffe054fe7ae0");
  const std::string dashed = label_value(std::string(49, 'a') + "-" + std::string(30, 'b'));
  EXPECT_EQ(dashed.substr(0, 50), std::string(49, 'a') + "-");
  EXPECT_EQ(dashed.size(), 62) << "one dash";
}

TEST(PortName, IsThatOfTheListenerWhereThatIsPossible) {
  std::set<std::string> taken;
  EXPECT_EQ(port_name("http", 80, taken), "http");
  EXPECT_EQ(port_name("http", 81, taken), "port-81") << "names are unique";
  EXPECT_EQ(port_name("My_Listener.example.com", 82, taken), "my-listener-exa");
  EXPECT_EQ(port_name("a-very-long-xyz-name", 83, taken), "a-very-long-xyz");
  EXPECT_EQ(port_name("fourteen-chars-x", 84, taken), "fourteen-chars") << "no dash at the end";
  EXPECT_EQ(port_name("443", 443, taken), "port-443") << "a letter is needed";
  EXPECT_EQ(port_name("", 443, taken), "port-443x");
}

TEST(ImageReference, PrefersTheDigest) {
  EXPECT_EQ(to_string(Image{"r.example/x", "envoy", "v1", "", ""}), "r.example/x/envoy:v1");
  EXPECT_EQ(to_string(Image{"", "envoy", "v1", "sha256:0", ""}), "envoy@sha256:0");
  EXPECT_EQ(to_string(Image{"", "envoy", "", "", ""}), "envoy");
}

}  // namespace
}  // namespace kgw::deploy::kube
