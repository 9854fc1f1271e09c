#include "api/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/schema_words.h"

namespace kgw::schema {
namespace example {

enum class Color { kRed, kGreen };

struct Part {
  std::string name;
  std::optional<std::int32_t> port;
  friend bool operator==(const Part&, const Part&) = default;
};

struct Inner {
  std::string left;
  friend bool operator==(const Inner&, const Inner&) = default;
};

struct Thing {
  std::string title;
  Color color = Color::kRed;
  bool on = false;
  std::int32_t size = 3;
  std::int64_t big = 0;
  double ratio = 0;
  std::vector<Part> parts;
  std::vector<std::string> tags;
  StringMap labels;
  StringMap data;
  Box<Part> boxed;
  Inner inner;
  std::optional<Duration> timeout;
  std::int64_t born = 0;
  bool dying = false;
  Name target;
  std::vector<std::string> zones;
  bool permanent = false;
  std::string deep;  // nest.deep
  std::string quantity;
  std::string raw;
  friend bool operator==(const Thing&, const Thing&) = default;
};

void describe(Schema<Part>& s) {
  s.field("name", &Part::name).required().length(1, 5).pattern("^[a-z]+$");
  s.field("port", &Part::port).range(1, 65535);
}

void describe(Schema<Inner>& s) { s.field("left", &Inner::left); }

void describe(Schema<Thing>& s) {
  s.field("title", &Thing::title).required().max_length(4).doc("The title.");
  s.enumeration("color", &Thing::color, {{"Red", Color::kRed}, {"Green", Color::kGreen}})
      .default_value(Color::kRed);
  s.field("enabled", &Thing::on);
  s.field("size", &Thing::size).default_value(3);
  s.field("big", &Thing::big);
  s.field("ratio", &Thing::ratio).range(0, 1);
  s.field("parts", &Thing::parts)
      .size(0, 3)
      .unique_by({"name"})
      .rule(
          "ports must ascend",
          [](const std::vector<Part>& parts) {
            return std::ranges::is_sorted(parts, {}, [](const Part& p) { return p.port; });
          },
          "self.size() >= 0");
  s.field("tags", &Thing::tags).unique().items(Constraints().one_of({"a", "b"}));
  s.field("labels", &Thing::labels).with(Constraints().keep_keys({"keep/"}));
  s.field("data", &Thing::data).with(Constraints().base64());
  s.field("text", &Thing::data).decode_only();
  s.field("boxed", &Thing::boxed);
  s.inlined(&Thing::inner);
  s.field("timeout", &Thing::timeout);
  s.custom("born", &Thing::born, *new NumberOf<std::int64_t, TimeType>());
  s.custom("dying", &Thing::dying, *new NumberOf<bool, PresenceType>());
  s.custom("target", &Thing::target, *new IntOrStringType());
  s.field("zones", &Thing::zones).with(Constraints().wrapped_in("name"));
  s.enumeration("lifetime", &Thing::permanent, {{"Session", false}, {"Permanent", true}});
  s.group("nest", [](Schema<Thing>& nest) { nest.field("deep", &Thing::deep).required(); });
  s.custom("quantity", &Thing::quantity, *new QuantityType());
  s.custom("raw", &Thing::raw, *new RawObjectType());
  s.ignore("status", "known");
  s.rule(
      "a green thing must be on",
      [](const Thing& thing) { return thing.color != Color::kGreen || thing.on; },
      "self.color != 'Green' || self.enabled", "enabled");
}

}  // namespace example

namespace {

using example::Color;
using example::Thing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Result {
  Thing thing;
  Diagnostics diagnostics;
};

Result decode(std::string_view yaml, DecodeMode mode = DecodeMode::kStrict) {
  const doc::Parsed parsed = doc::parse(yaml);
  EXPECT_EQ(parsed.errors.size(), 0) << yaml;
  Result result;
  Context context(mode, {}, "a.yaml", result.diagnostics);
  type_of<Thing>().decode(context, parsed.documents.at(0), &result.thing, {});
  return result;
}

// All diagnostics as "line field Reason".
std::vector<std::string> problems(std::string_view yaml, DecodeMode mode = DecodeMode::kStrict) {
  std::vector<std::string> out;
  for (const Diagnostic& d : decode(yaml, mode).diagnostics) {
    out.push_back(std::to_string(d.position.line) + " " + d.field + " " + d.reason);
  }
  return out;
}

std::string first_message(std::string_view yaml) {
  const Result result = decode(yaml);
  return result.diagnostics.empty() ? "" : result.diagnostics[0].message;
}

constexpr std::string_view kFull = R"(
title: abcd
color: Green
enabled: true
size: 7
big: 5000000000
ratio: 0.5
parts: [{name: x, port: 1}, {name: w, port: 2}]
tags: [a, b]
labels: {keep/a: "1", drop/b: "2"}
data: {k: aGVsbG8=, l: AP8=}
text: {k: world}
boxed: {name: z}
left: inlined
timeout: 1h30m500ms
born: "2026-11-23T15:00:00+01:00"
dying: "2026-11-23T15:00:00Z"
target: 8080
zones: [{name: z1}, {name: z2}]
lifetime: Permanent
nest: {deep: x}
quantity: 64Ki
raw: {d: null, a: [1, {b: c}]}
status: {anything: [goes]}
)";

TEST(Schema, DecodesEveryShape) {
  const auto [thing, diagnostics] = decode(kFull);
  EXPECT_THAT(diagnostics, ElementsAre());
  Thing expected;
  expected.title = "abcd";
  expected.color = Color::kGreen;
  expected.on = true;
  expected.size = 7;
  expected.big = 5000000000;
  expected.ratio = 0.5;
  expected.parts = {{"x", 1}, {"w", 2}};
  expected.tags = {"a", "b"};
  expected.labels = {{"keep/a", "1"}};
  expected.data = {{"k", "world"}, {"l", std::string("\0\xff", 2)}};
  expected.boxed = example::Part{"z", {}};
  expected.inner.left = "inlined";
  expected.timeout = Duration{5400500};
  expected.born = 1795442400;
  expected.dying = true;
  expected.target = "8080";
  expected.zones = {"z1", "z2"};
  expected.permanent = true;
  expected.deep = "x";
  expected.quantity = "64Ki";
  expected.raw = R"({"a":[1,{"b":"c"}],"d":null})";
  EXPECT_EQ(thing, expected);
}

TEST(Schema, EncodesWhatItDecodes) {
  const Thing thing = decode(kFull).thing;
  const Json json = type_of<Thing>().encode(&thing, {});
  EXPECT_EQ(json["timeout"], "1h30m500ms");
  EXPECT_EQ(json["born"], "2026-11-23T14:00:00Z");
  EXPECT_EQ(json["target"], 8080);
  EXPECT_EQ(json["nest"]["deep"], "x");
  EXPECT_EQ(json["zones"][1]["name"], "z2");
  EXPECT_FALSE(json.contains("text"));
  const auto [again, diagnostics] = decode(json.dump());
  EXPECT_THAT(diagnostics, ElementsAre());
  EXPECT_EQ(again, thing);
  const Thing minimal = decode("{title: x}").thing;
  EXPECT_EQ((type_of<Thing>().encode(&minimal, {}).dump()),
            R"({"color":"Red","size":3,"title":"x"})");
}

TEST(Schema, HashAndEqualityCoverEveryField) {
  const auto hash = [](const Thing& thing) {
    Hasher hasher;
    type_of<Thing>().hash(hasher, &thing);
    return hasher.value();
  };
  const Thing base = decode(kFull).thing;
  EXPECT_EQ(hash(base), hash(decode(kFull).thing));
  const std::vector<std::function<void(Thing&)>> edits = {
      [](Thing& t) { t.title = "q"; },       [](Thing& t) { t.color = Color::kRed; },
      [](Thing& t) { t.on = false; },        [](Thing& t) { t.ratio = 0.25; },
      [](Thing& t) { t.parts[1].port = 9; }, [](Thing& t) { t.parts.pop_back(); },
      [](Thing& t) { t.labels.clear(); },    [](Thing& t) { t.data["l"] = "x"; },
      [](Thing& t) { t.boxed.reset(); },     [](Thing& t) { t.inner.left = "q"; },
      [](Thing& t) { t.timeout.reset(); },   [](Thing& t) { t.zones[0] = "q"; },
      [](Thing& t) { t.permanent = false; }, [](Thing& t) { t.deep = "q"; }};
  for (std::size_t i = 0; i < edits.size(); ++i) {
    Thing edited = base;
    edits[i](edited);
    EXPECT_NE(hash(edited), hash(base)) << i;
    EXPECT_FALSE(type_of<Thing>().equal(&edited, &base)) << i;
  }
  EXPECT_TRUE(type_of<Thing>().equal(&base, &base));
}

TEST(Schema, ReportsEveryProblemWithPathAndLine) {
  EXPECT_THAT(problems("color: Blue\nenabled: 1\nparts:\n- name: UP\n- port: 0\nnest: {}\n"),
              ElementsAre("1 color UnsupportedValue", "2 enabled InvalidType",
                          "4 parts[0].name InvalidValue", "5 parts[1].port InvalidValue",
                          "5 parts[1].name RequiredField", "6 nest.deep RequiredField",
                          "1 title RequiredField"));
}

TEST(Schema, SpeaksLikeTheApiServer) {
  EXPECT_EQ(first_message("{title: x, color: Blue}"),
            R"(Unsupported value: "Blue": supported values: "Red", "Green")");
  EXPECT_EQ(first_message("{title: abcde}"), "Too long: may not be more than 4 chars");
  EXPECT_EQ(first_message("{title: 5}"),
            "Invalid value: 5: must be of type string; put it in quotes");
  EXPECT_EQ(first_message("{title: x, parts: [{name: ''}]}"),
            "Invalid value: \"\": should be at least 1 chars long");
  EXPECT_EQ(first_message("{title: x, parts: [{name: A}]}"),
            "Invalid value: \"A\": should match '^[a-z]+$'");
  EXPECT_EQ(first_message("{title: x, parts: [{name: a, port: 0}]}"),
            "Invalid value: 0: should be greater than or equal to 1");
  EXPECT_EQ(first_message("{title: x, parts: [{name: a},{name: b},{name: c},{name: d}]}"),
            "Too many: 4: must have at most 3 items");
  EXPECT_EQ(first_message("{title: x, parts: [{name: a},{name: a}]}"),
            "Duplicate value: {\"name\":\"a\"}");
  EXPECT_EQ(first_message("{title: x, tags: [a, a]}"), "Duplicate value: \"a\"");
  EXPECT_EQ(first_message("{title: x, size: 3000000000}"),
            "Invalid value: 3000000000: must be of type int32");
  EXPECT_EQ(first_message("{title: x, timeout: 1.5s}"),
            "Invalid value: \"1.5s\": should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'");
  EXPECT_EQ(first_message("{title: x, data: {k: '!!'}}"), "Invalid value: must be base64");
  EXPECT_EQ(first_message("{title: x, raw: [1]}"), "Invalid value: array: must be of type object");
  EXPECT_THAT(first_message("{title: x, quantity: 64kb}"), HasSubstr("Invalid value: \"64kb\""));
  EXPECT_EQ(decode("{title: x, quantity: 0.5}").thing.quantity, "0.5");
  EXPECT_EQ(first_message("{title: x, born: yesterday}"),
            "Invalid value: \"yesterday\": must be an RFC 3339 time");
}

TEST(Schema, LengthCountsCodePoints) {
  EXPECT_THAT(problems("{title: äöüß}"), ElementsAre());
  EXPECT_THAT(problems("{title: äöüßä}"), ElementsAre("1 title TooLong"));
}

TEST(Schema, UnknownFieldsAreErrorsOnlyWhenStrict) {
  EXPECT_THAT(problems("{title: x, known: 1, partz: []}"), ElementsAre("1 partz UnknownField"));
  EXPECT_THAT(first_message("{title: x, partz: []}"), HasSubstr("did you mean \"parts\"?"));
  EXPECT_THAT(first_message("{title: x, zzzzzzzzzzzz: 1}"),
              ::testing::Not(HasSubstr("did you mean")));
  EXPECT_THAT(problems("{title: x, partz: []}", DecodeMode::kLenient), ElementsAre());
}

TEST(Schema, NullStandsForAbsence) {
  EXPECT_THAT(problems("{title: null, size: null, boxed: null}"),
              ElementsAre("1 title RequiredField"));
  EXPECT_EQ(decode("{title: x, size: null}").thing.size, 3);
}

TEST(Schema, RulesRunOnValuesThatAreOtherwiseRight) {
  EXPECT_THAT(problems("title: x\ncolor: Green\nenabled: false\n"),
              ElementsAre("3 enabled InvalidValue"));
  EXPECT_EQ(first_message("{title: x, color: Green}"), "a green thing must be on");
  EXPECT_THAT(problems("{title: x, color: Green, size: x}"), ElementsAre("1 size InvalidType"));
  EXPECT_THAT(problems("{title: x, parts: [{name: a, port: 2}, {name: b, port: 1}]}"),
              ElementsAre("1 parts InvalidValue"));
}

TEST(Schema, DiagnosticsAreBounded) {
  std::string yaml = "title: x\ntags:\n";
  for (int i = 0; i < 1000; ++i) yaml += "- t" + std::to_string(i) + "\n";
  const Diagnostics diagnostics = decode(yaml).diagnostics;
  EXPECT_EQ(diagnostics.size(), Context::kMaxDiagnostics + 1);
  EXPECT_EQ(diagnostics.back().reason, "TooManyErrors");
}

TEST(Schema, GivesTheOpenApiOfACrd) {
  const Json schema = type_of<Thing>().openapi({});
  EXPECT_EQ(schema["type"], "object");
  EXPECT_EQ(schema["required"], Json::array({"title"}));
  const Json& properties = schema["properties"];
  EXPECT_EQ(properties["title"].dump(),
            R"({"description":"The title.","maxLength":4,"type":"string"})");
  EXPECT_EQ(properties["color"].dump(),
            R"({"default":"Red","enum":["Red","Green"],"type":"string"})");
  EXPECT_EQ(properties["parts"]["x-kubernetes-list-map-keys"], Json::array({"name"}));
  EXPECT_EQ(properties["parts"]["x-kubernetes-validations"][0]["message"], "ports must ascend");
  EXPECT_EQ(properties["parts"]["items"]["properties"]["port"]["maximum"], 65535);
  EXPECT_EQ(properties["tags"]["x-kubernetes-list-type"], "set");
  EXPECT_EQ(properties["nest"]["required"], Json::array({"deep"}));
  EXPECT_EQ(schema["x-kubernetes-validations"][0]["rule"], "self.color != 'Green' || self.enabled");
  EXPECT_EQ(schema["x-kubernetes-validations"][0]["fieldPath"], ".enabled");
}

TEST(Durations, AreWrittenInTheirShortestForm) {
  for (const auto& [text, canonical] :
       std::vector<std::pair<std::string, std::string>>{{"0s", "0s"},
                                                        {"90s", "1m30s"},
                                                        {"1h1m1s1ms", "1h1m1s1ms"},
                                                        {"10ms", "10ms"},
                                                        {"99999h", "99999h"},
                                                        {"1s1s", "2s"}}) {
    const Thing thing = decode("{title: x, timeout: " + text + "}").thing;
    EXPECT_EQ((type_of<Thing>().encode(&thing, {})["timeout"]), canonical) << text;
  }
  EXPECT_THAT(problems("{title: x, timeout: 99999h99999h}"), ElementsAre("1 timeout InvalidValue"));
}

TEST(Words, TimesRoundTrip) {
  std::int64_t seconds = 0;
  for (const std::string_view text : {"1970-01-01T00:00:00Z", "2026-02-28T23:59:59Z",
                                      "2024-02-29T12:00:00Z", "1969-12-31T23:59:59Z"}) {
    ASSERT_TRUE(parse_time(text, seconds)) << text;
    EXPECT_EQ(format_time(seconds), text);
  }
  ASSERT_TRUE(parse_time("2026-01-01T01:00:00.123456+02:00", seconds));
  EXPECT_EQ(format_time(seconds), "2025-12-31T23:00:00Z");
  for (const std::string_view text :
       {"", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1:00"}) {
    EXPECT_FALSE(parse_time(text, seconds)) << text;
  }
}

TEST(Words, Base64RoundTrips) {
  std::string bytes;
  for (const std::string_view text : {"", "a", "ab", "abc", "abcd"}) {
    ASSERT_TRUE(decode_base64(encode_base64(text), bytes));
    EXPECT_EQ(bytes, text);
  }
  EXPECT_TRUE(decode_base64("aGVs\nbG8=\n", bytes));
  EXPECT_EQ(bytes, "hello");
  for (const std::string_view bad : {"a", "ab=", "a===", "ab=c", "a b=", "=", "===="}) {
    EXPECT_FALSE(decode_base64(bad, bytes)) << bad;
  }
}

TEST(Words, Utf8IsChecked) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  for (const std::string_view bad :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace kgw::schema
