#include "api/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kgw::doc {
namespace {

using ::testing::HasSubstr;

// The first document as JSON text, or the first error as "line:column: message".
std::string read(std::string_view text, Format format = Format::kAuto) {
  const Parsed parsed = parse(text, format);
  if (!parsed.errors.empty()) {
    const SyntaxError& error = parsed.errors[0];
    return std::to_string(error.line) + ":" + std::to_string(error.column) + ": " + error.message;
  }
  return parsed.documents.empty() ? "nothing" : to_json(parsed.documents[0]);
}

struct ScalarCase {
  std::string_view yaml;
  std::string_view json;
};

class Scalars : public ::testing::TestWithParam<ScalarCase> {};

TEST_P(Scalars, AreReadAsKubectlDoes) {
  EXPECT_EQ(read("v: " + std::string(GetParam().yaml)),
            "{\"v\":" + std::string(GetParam().json) + "}");
}

INSTANTIATE_TEST_SUITE_P(
    All, Scalars,
    ::testing::Values(
        ScalarCase{"true", "true"}, ScalarCase{"yes", "true"}, ScalarCase{"On", "true"},
        ScalarCase{"y", "true"}, ScalarCase{"off", "false"}, ScalarCase{"NO", "false"},
        ScalarCase{"yES", "\"yES\""}, ScalarCase{"'true'", "\"true\""},
        ScalarCase{"\"8080\"", "\"8080\""}, ScalarCase{"8080", "8080"}, ScalarCase{"-7", "-7"},
        ScalarCase{"+7", "7"}, ScalarCase{"0x1F", "31"}, ScalarCase{"0777", "511"},
        ScalarCase{"0o17", "15"}, ScalarCase{"0b11", "3"}, ScalarCase{"08", "8.0"},
        ScalarCase{"1_000", "1000"}, ScalarCase{"1.5", "1.5"}, ScalarCase{"1.", "1.0"},
        ScalarCase{".5", "0.5"}, ScalarCase{"1e3", "1000.0"}, ScalarCase{"1.2.3", "\"1.2.3\""},
        ScalarCase{"10m", "\"10m\""}, ScalarCase{"-x", "\"-x\""}, ScalarCase{"--", "\"--\""},
        ScalarCase{"12:30:45", "\"12:30:45\""}, ScalarCase{"2001-01-01", "\"2001-01-01\""},
        ScalarCase{"~", "null"}, ScalarCase{"", "null"}, ScalarCase{"Null", "null"},
        ScalarCase{"''", "\"\""}, ScalarCase{"!!str 5", "\"5\""}, ScalarCase{"!!int '5'", "5"},
        ScalarCase{"!!float 5", "5.0"}, ScalarCase{"9223372036854775807", "9223372036854775807"},
        ScalarCase{"-9223372036854775808", "-9223372036854775808"},
        ScalarCase{"9223372036854775808", "9223372036854775808.0"},
        ScalarCase{"|\n  a\n  b\n", "\"a\\nb\\n\""}, ScalarCase{">\n  a\n  b\n", "\"a b\\n\""},
        ScalarCase{"\"\\u00e9\\x01\"", "\"é\\u0001\""},
        // YAML would fold these line breaks of its own.
        ScalarCase{"\"a\\Nb \\L c\\Pd\"", R"("a\u0085b \u2028 c\u2029d")"}));

TEST(DocumentYaml, KeysBecomeStrings) {
  EXPECT_EQ(read("true: b\non: d\n"), "2:1: key 'true' is given twice");
  EXPECT_EQ(read("1: a\ntrue: b\n1.5: c\n"), R"({"1":"a","true":"b","1.5":"c"})");
  EXPECT_THAT(read("? [a]\n: b\n"), HasSubstr("mapping key"));
  EXPECT_THAT(read("~: b\n"), HasSubstr("mapping key"));
}

TEST(DocumentYaml, RejectsWhatJsonCannotHold) {
  EXPECT_THAT(read("v: .inf"), HasSubstr("cannot be represented"));
  EXPECT_THAT(read("v: !!int abc"), HasSubstr("cannot read 'abc' as !!int"));
  EXPECT_THAT(read("v: !custom x"), HasSubstr("!custom"));
}

TEST(DocumentYaml, DuplicateKeysAreErrorsWithTheirLine) {
  EXPECT_EQ(read("a: 1\nb: 2\na: 3\n"), "3:1: key 'a' is given twice");
  std::string many;
  for (int i = 0; i < 100; ++i) many += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(read(many + "k50: 2\n"), "101:1: key 'k50' is given twice");
  EXPECT_EQ(read(R"({"a":1,"a":2})", Format::kJson), "1:1: key 'a' is given twice");
}

TEST(DocumentYaml, MergeKeysYieldToOwnKeys) {
  EXPECT_EQ(read("base: &b {x: 1, z: 2}\nv:\n  <<: *b\n  x: 3\n"),
            R"({"base":{"x":1,"z":2},"v":{"x":3,"z":2}})");
  EXPECT_EQ(read("v:\n  <<: [{x: 1}, {x: 2, z: 3}]\n"), R"({"v":{"x":1,"z":3}})");
  EXPECT_EQ(read("v: {'<<': 1}"), R"({"v":{"<<":1}})");
  EXPECT_THAT(read("<<: 1\n"), HasSubstr("merge key"));
}

TEST(DocumentYaml, AliasesShareAnchors) {
  EXPECT_EQ(read("a: &x [1, 2]\nb: *x\nc: &s text\nd: *s\n"),
            R"({"a":[1,2],"b":[1,2],"c":"text","d":"text"})");
  EXPECT_THAT(read("a: *nowhere\n"), HasSubstr("unknown anchor 'nowhere'"));
  EXPECT_THAT(read("a: &x [*x]\n"), HasSubstr("unknown anchor 'x'"));
}

TEST(DocumentYaml, AnAliasBombIsRefusedQuickly) {
  std::string bomb = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string below = "*l" + std::to_string(i - 1);
    bomb += "l" + std::to_string(i) + ": &l" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j == 0 ? "" : ", ") + below;
    bomb += "]\n";
  }
  EXPECT_THAT(read(bomb), HasSubstr("aliases expand this file too much"));
  std::string text = "a: &a " + std::string(100000, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) text += "*a,";
  EXPECT_THAT(read(text + "]\n"), HasSubstr("aliases expand this file too much"));
}

// Each document by itself stays far below the limit.
TEST(DocumentYaml, AliasesOfManyDocumentsCountTogether) {
  std::string document = "a: &a " + std::string(1000, 'x') + "\nb: [";
  for (int i = 0; i < 100; ++i) document += "*a,";
  document += "]\n---\n";
  std::string file;
  for (int i = 0; i < 200; ++i) file += document;
  EXPECT_THAT(read(document), ::testing::Not(HasSubstr("too much")));
  EXPECT_THAT(read(file), HasSubstr("aliases expand this file too much"));
}

TEST(DocumentYaml, DeepNestingIsRefused) {
  EXPECT_THAT(read(std::string(100000, '[')), HasSubstr("nested deeper than 100"));
  EXPECT_THAT(read(std::string(100000, '['), Format::kYaml), HasSubstr("nested deeper than 100"));
  const std::string block = [] {
    std::string text;
    for (int i = 0; i < 200; ++i) text += std::string(i, ' ') + "a:\n";
    return text;
  }();
  EXPECT_THAT(read(block), HasSubstr("nested deeper than 100"));
  const std::string allowed = std::string(100, '[') + std::string(100, ']');
  EXPECT_EQ(read(allowed, Format::kJson), allowed);
  EXPECT_EQ(read(allowed, Format::kYaml), allowed);
  // An alias to a deep tree counts with its own depth.
  const std::string deep = std::string(60, '[') + std::string(60, ']');
  EXPECT_THAT(read("a: &a " + deep + "\nb: " + std::string(60, '[') + "*a" + std::string(60, ']')),
              HasSubstr("nested deeper than 100"));
}

TEST(DocumentYaml, AFileHoldsManyDocuments) {
  const Parsed parsed =
      parse("# comment\n---\na: 1\n---\n\n--- # empty\n---\nb: 2\n...\n---\n|\n  ---x\n");
  ASSERT_EQ(parsed.errors, std::vector<SyntaxError>{});
  ASSERT_EQ(parsed.documents.size(), 3);
  EXPECT_EQ(to_json(parsed.documents[0]), R"({"a":1})");
  EXPECT_EQ(parsed.documents[0].line(), 3);
  EXPECT_EQ(to_json(parsed.documents[1]), R"({"b":2})");
  EXPECT_EQ(parsed.documents[1].line(), 8);
  EXPECT_EQ(to_json(parsed.documents[2]), R"("---x\n")");
}

TEST(DocumentYaml, DirectivesBelongToTheirDocument) {
  const Parsed parsed = parse("%YAML 1.1\n---\na: 1\n");
  ASSERT_EQ(parsed.errors, std::vector<SyntaxError>{});
  ASSERT_EQ(parsed.documents.size(), 1);
}

TEST(DocumentYaml, ASyntaxErrorCostsOneDocument) {
  const Parsed parsed = parse("a: 1\n---\nb: [1, 2\nc: }\n---\nd: 4\n");
  ASSERT_EQ(parsed.documents.size(), 2);
  EXPECT_EQ(to_json(parsed.documents[1]), R"({"d":4})");
  EXPECT_EQ(parsed.documents[1].line(), 6);
  ASSERT_EQ(parsed.errors.size(), 1);
  EXPECT_EQ(parsed.errors[0].line, 4);
  EXPECT_GT(parsed.errors[0].column, 0);
}

TEST(DocumentYaml, BadBytesAreAnErrorWithTheirLine) {
  const Parsed parsed = parse("a: 1\nb: \xff\n");
  ASSERT_EQ(parsed.errors.size(), 1);
  EXPECT_EQ(parsed.errors[0].line, 2);
  EXPECT_THAT(read(std::string_view("\xff\xfe\x61\x00", 4)), HasSubstr("1:"));
}

TEST(DocumentYaml, LinesAreThoseOfTheFile) {
  const Parsed parsed = parse("\xEF\xBB\xBF# one\n---\nspec:\n  rules:\n  - name: x\n");
  ASSERT_EQ(parsed.documents.size(), 1);
  const Node* rules = parsed.documents[0].find({"spec", "rules"});
  ASSERT_NE(rules, nullptr);
  EXPECT_EQ(rules->line(), 5);
  EXPECT_EQ(rules->items()[0].find("name")->line(), 5);
  EXPECT_EQ(parsed.documents[0].find("spec")->members()[0].key.line(), 4);
}

TEST(DocumentJson, ReadsEveryKind) {
  const std::string_view text =
      R"({"a":[1,-2.5,true,false,null,"x\u00e9\n"],"b":{},"c":[],"d":18446744073709551615,"e":1e3})";
  EXPECT_EQ(
      read(text, Format::kJson),
      R"({"a":[1,-2.5,true,false,null,"xé\n"],"b":{},"c":[],"d":18446744073709551616.0,"e":1000.0})");
  EXPECT_EQ(read(R"({"v":123456789012345678901234567890,"w":2})", Format::kJson),
            R"({"v":1.2345678901234568e+29,"w":2})");
}

TEST(DocumentJson, KnowsLines) {
  const Parsed parsed = parse("{\n \"a\": 1,\n \"b\": [\n  2\n ]\n}\n", Format::kJson);
  ASSERT_EQ(parsed.documents.size(), 1);
  const Node& root = parsed.documents[0];
  EXPECT_EQ(root.line(), 1);
  EXPECT_EQ(root.members()[1].key.line(), 3);
  EXPECT_EQ(root.find("b")->items()[0].line(), 4);
}

TEST(DocumentJson, ReportsErrors) {
  for (const std::string_view bad :
       {"{", "[1,", R"({"a")", R"({"a":})", R"({"a":1}})", R"({"a":1} {"b":2})", R"({"a":tru})",
        R"({"a":nul})", R"({"a":01})", R"(["\ud800"])", "[1 2]", "\"x\"", "", "{'a':1}",
        "{\"a\xff\":1}"}) {
    EXPECT_EQ(parse(bad, Format::kJson).documents.size(), 0) << bad;
    EXPECT_EQ(parse(bad, Format::kJson).errors.size(), 1) << bad;
  }
  EXPECT_THAT(read("{\n\"a\": 1,\n\"b\": tru\n}", Format::kJson), HasSubstr("3:"));
}

TEST(DocumentAuto, TakesFlowYamlThatIsNotJson) {
  EXPECT_EQ(read("{a: 1, b: [x]}"), R"({"a":1,"b":["x"]})");
  const Parsed parsed = parse("{\"a\": 1}\n---\n{\"b\": 2}\n");
  EXPECT_EQ(parsed.documents.size(), 2);
  EXPECT_EQ(parsed.errors.size(), 0);
}

TEST(Document, SizeIsLimited) {
  Limits limits;
  limits.max_bytes = 10;
  const Parsed parsed = parse("a: 12345678901234", Format::kAuto, limits);
  ASSERT_EQ(parsed.errors.size(), 1);
  EXPECT_THAT(parsed.errors[0].message, HasSubstr("more than 10"));
}

TEST(Document, TenMegabytesAreRead) {
  const std::string note(1000, 'x');
  std::string text = "items:\n";
  while (text.size() < 10u << 20) text += "- name: route\n  port: 8080\n  note: " + note + "\n";
  const Parsed parsed = parse(text);
  ASSERT_EQ(parsed.errors.size(), 0);
  const auto items = parsed.documents[0].find("items")->items();
  EXPECT_EQ(items.back().line() + 2, static_cast<std::uint32_t>(std::ranges::count(text, '\n')));
  const Parsed again = parse(to_json(parsed.documents[0]), Format::kJson);
  ASSERT_EQ(again.errors.size(), 0);
  EXPECT_TRUE(equal(parsed.documents[0], again.documents[0]));
}

TEST(Document, EqualIgnoresOrderAndLines) {
  const Parsed a = parse("a: 1\nb: [x, {c: 2}]\n"), b = parse("b: [x, {c: 2}]\n\na: 1\n");
  const Parsed c = parse("a: 1\nb: [x, {c: 3}]\n");
  EXPECT_TRUE(equal(a.documents[0], b.documents[0]));
  EXPECT_FALSE(equal(a.documents[0], c.documents[0]));
}

// simdjson gives 0 for some of these.
TEST(Document, LongNumbersAreReadAlikeInBothFormats) {
  for (const std::string_view number :
       {"1234567891303884652544.0", "0.12345678901234567890123", "-98765432109876543210.5e3",
        "18446744073709551615", "1234567891303884567890", "1e300", "80.0"}) {
    const std::string text = "{\"v\":" + std::string(number) + " }";
    const Parsed json = parse(text, Format::kJson), yaml = parse(text, Format::kYaml);
    ASSERT_EQ(json.documents.size(), 1u) << number;
    ASSERT_EQ(yaml.documents.size(), 1u) << number;
    EXPECT_TRUE(equal(json.documents[0], yaml.documents[0])) << number;
    const Node* value = json.documents[0].find({"v"});
    ASSERT_TRUE(value != nullptr && value->kind() == Kind::kFloat) << number;
    EXPECT_EQ(value->as_float(), std::stod(std::string(number)));
  }
}

}  // namespace
}  // namespace kgw::doc
