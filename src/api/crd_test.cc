#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/kinds_test_util.h"

namespace kgw {
namespace {

using ::testing::HasSubstr;

nlohmann::json parse_yaml(std::string_view text) {
  const doc::Parsed parsed = doc::parse(text, doc::Format::kYaml);
  EXPECT_EQ(parsed.errors.size(), 0);
  return nlohmann::json::parse(doc::to_json(parsed.documents.at(0)));
}

TEST(Crd, OfBackendIsWhatClustersExpect) {
  const nlohmann::json crd = parse_yaml(crd_yaml(Kind::kBackend));
  EXPECT_EQ(crd["metadata"]["name"], "backends.gateway.kgateway.dev");
  EXPECT_EQ(crd["spec"]["names"]["singular"], "backend");
  EXPECT_EQ(crd["spec"]["scope"], "Namespaced");
  const nlohmann::json& version = crd["spec"]["versions"][0];
  EXPECT_EQ(version["name"], "v1alpha1");
  EXPECT_EQ(version["additionalPrinterColumns"][0]["jsonPath"], ".spec.type");
  const nlohmann::json& schema = version["schema"]["openAPIV3Schema"];
  EXPECT_EQ(schema["required"], nlohmann::json::array({"spec"}));
  EXPECT_EQ(schema["properties"]["metadata"].dump(), R"({"type":"object"})");
  const nlohmann::json& spec = schema["properties"]["spec"];
  EXPECT_EQ(spec["properties"]["aws"]["properties"]["region"]["default"], "us-east-1");
  EXPECT_EQ(spec["properties"]["static"]["properties"]["hosts"]["minItems"], 1);
  EXPECT_EQ(spec["x-kubernetes-validations"].size(), 2);
  const nlohmann::json& refs =
      spec["properties"]["priorityGroups"]["items"]["properties"]["backendRefs"];
  EXPECT_EQ(refs["items"]["required"], nlohmann::json::array({"name"}));
}

// An API server refuses a CRD whose schema is not structural; the parts of that rule that a
// description could break are checked here.
void expect_structural(const nlohmann::json& schema, const std::string& path) {
  const bool typed = schema.contains("type") || schema.contains("x-kubernetes-int-or-string");
  EXPECT_TRUE(typed) << path;
  const nlohmann::json properties = schema.value("properties", nlohmann::json::object());
  for (const auto& [name, member] : properties.items()) {
    expect_structural(member, path + "." + name);
  }
  if (schema.contains("additionalProperties")) {
    EXPECT_FALSE(schema.contains("properties")) << path;
    expect_structural(schema["additionalProperties"], path + "{}");
  }
  if (schema.value("type", "") == "array") {
    ASSERT_TRUE(schema.contains("items")) << path;
    expect_structural(schema["items"], path + "[]");
  }
  const auto keys = schema.value("x-kubernetes-list-map-keys", nlohmann::json::array());
  for (const auto& key : keys) {
    const nlohmann::json& item = schema["items"];
    const bool required = std::ranges::find(item["required"], key) != item["required"].end();
    EXPECT_TRUE(required || item["properties"][key.get<std::string>()].contains("default")) << path;
  }
}

TEST(Crd, SchemasAreStructural) {
  for (const Kind kind : own_kinds()) {
    const nlohmann::json crd = parse_yaml(crd_yaml(kind));
    expect_structural(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "");
  }
}

TEST(Reference, EveryKindHasAPage) {
  for (const KindInfo& info : known_kinds()) {
    EXPECT_THAT(reference_doc(info.kind), HasSubstr(std::string(info.versions[0].kind_name)));
  }
  const std::string page = reference_doc(Kind::kBackend);
  EXPECT_THAT(page,
              HasSubstr("| `spec.static.hosts` (required) | list of object |  | entries 1.. |"));
  EXPECT_THAT(page, HasSubstr("| `spec.aws.region` | string | `\"us-east-1\"` |"));
  EXPECT_THAT(page,
              HasSubstr("- `spec.aws`: exactly one of the fields in [lambda ec2] must be set"));
}

}  // namespace
}  // namespace kgw
