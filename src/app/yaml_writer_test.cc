#include "app/yaml_writer.h"

#include <gtest/gtest.h>

namespace kgw::app {
namespace {

using Json = nlohmann::ordered_json;

TEST(YamlWriter, WritesBlocks) {
  const Json value = {{"name", "a"},
                      {"list", {1, "two", {{"x", true}, {"y", Json::array()}}}},
                      {"object", {{"inner", Json::object()}}}};
  EXPECT_EQ(to_yaml(value),
            "name: a\n"
            "list:\n"
            "- 1\n"
            "- two\n"
            "- x: true\n"
            "  \"y\": []\n"
            "object:\n"
            "  inner: {}\n");
}

TEST(YamlWriter, QuotesWhatWouldBeReadAsSomethingElse) {
  EXPECT_EQ(to_yaml(Json("yes")), "\"yes\"\n");
  EXPECT_EQ(to_yaml(Json("80")), "\"80\"\n");
  EXPECT_EQ(to_yaml(Json("")), "\"\"\n");
  EXPECT_EQ(to_yaml(Json("a: b")), "\"a: b\"\n");
  EXPECT_EQ(to_yaml(Json("*.example.com")), "\"*.example.com\"\n");
  EXPECT_EQ(to_yaml(Json("plain text")), "plain text\n");
}

TEST(YamlWriter, WritesLongTextAsABlock) {
  EXPECT_EQ(to_yaml(Json{{"pem", "line 1\nline 2\n"}}), "pem: |\n  line 1\n  line 2\n");
}

}  // namespace
}  // namespace kgw::app
