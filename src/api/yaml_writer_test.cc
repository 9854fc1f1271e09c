#include "api/yaml_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/document.h"

namespace kgw {
namespace {

TEST(YamlWriter, WritesBlockStyle) {
  const auto json = nlohmann::json::parse(
      R"({"a":{"b":1,"c":[]},"d":[{"e":true,"f":["x"]},[1,[2]],{},"s"],"g":null,"h":""})");
  EXPECT_EQ(to_yaml(json), R"(a:
  b: 1
  c: []
d:
- e: true
  f:
  - x
-
  - 1
  -
    - 2
- {}
- s
g: null
h: ""
)");
  EXPECT_EQ(to_yaml(nlohmann::json::object()), "{}\n");
}

TEST(YamlWriter, QuotesWhatYamlWouldMisread) {
  for (const std::string_view text : {"yes",
                                      "n",
                                      "on",
                                      "8080",
                                      "1.5",
                                      "0x1f",
                                      "null",
                                      "~",
                                      "",
                                      " a",
                                      "a ",
                                      "a: b",
                                      "a #b",
                                      "- a",
                                      "*a",
                                      "&a",
                                      "!a",
                                      "{a",
                                      "[a",
                                      "a\nb",
                                      "tab\t",
                                      "ü",
                                      "\"q\"",
                                      "'q'",
                                      ".5",
                                      "1e3",
                                      "%a",
                                      "@a",
                                      "`a",
                                      "|",
                                      ">",
                                      "?",
                                      "2001-01-01",
                                      "<<",
                                      "a:",
                                      "---",
                                      "=",
                                      "1_000",
                                      ".inf",
                                      "a\x7f"
                                      "b",
                                      "a\u0080\u0085b",
                                      "a\u2028b\u2029",
                                      "\ufeff",
                                      "\uffff x",
                                      "😀\x7f"}) {
    const nlohmann::json json = {{"k", text}, {std::string(text) + "key", {text}}};
    const doc::Parsed parsed = doc::parse(to_yaml(json));
    ASSERT_EQ(parsed.errors.size(), 0) << text;
    EXPECT_EQ(nlohmann::json::parse(doc::to_json(parsed.documents[0])), json) << text;
  }
  using Json = nlohmann::ordered_json;
  EXPECT_EQ(
      to_yaml(Json{{"path", "/a/b-c.d"}, {"version", "v1"}, {"text", "plain text"}, {"y", 1}}),
      "path: /a/b-c.d\nversion: v1\ntext: plain text\n\"y\": 1\n");
}

TEST(YamlWriter, KeepsTheOrderOfMembers) {
  const nlohmann::ordered_json json = {{"z", 1}, {"a", 2}};
  EXPECT_EQ(to_yaml(json), "z: 1\na: 2\n");
}

TEST(YamlWriter, WritesLinesAsABlockWhereThatIsTheSameText) {
  EXPECT_EQ(to_yaml(nlohmann::json{{"pem", "line 1\nline 2\n"}}), "pem: |\n  line 1\n  line 2\n");
  for (const std::string_view text : {"a\n  b\n\nc\n", "a \n", " a\nb\n", "\na\n", "a\n\n", "\n",
                                      "a\tb\n", "a\u2028b\n", "- a\n- b\n", "# a\n", "a: |\n"}) {
    const nlohmann::json json = {{"k", {text}}, {"l", {{"m", text}}}};
    const doc::Parsed parsed = doc::parse(to_yaml(json));
    ASSERT_EQ(parsed.errors.size(), 0) << text;
    EXPECT_EQ(nlohmann::json::parse(doc::to_json(parsed.documents[0])), json) << text;
  }
}

}  // namespace
}  // namespace kgw
