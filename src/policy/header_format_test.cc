#include "policy/header_format.h"

#include <gmock/gmock.h>

namespace kgw::policy {
namespace {

using testing::HasSubstr;

TEST(HeaderFormat, ASinglePercentIsLiteral) {
  for (const auto& [value, written] : std::vector<std::pair<std::string, std::string>>{
           {"", ""},
           {"plain", "plain"},
           {"%", "%%"},
           {"100%", "100%%"},
           {"50% off, 30% more", "50%% off, 30%% more"},
           {"%%", "%%"},
           {"%%%", "%%%%"},
           {"a%20b%", "a%%20b%%"},
           {"%req(x)%", "%%req(x)%%"},
           {"%REQ(x", "%%REQ(x"},
           {"%REQ(x)% 1%", "%REQ(x)% 1%%"},
           {"%%REQ(x)%%", "%%REQ(x)%%"},
       }) {
    EXPECT_FALSE(check_header_format(value)) << value;
    EXPECT_EQ(header_format(value), written);
  }
}

TEST(HeaderFormat, CommandsAreChecked) {
  for (const char* value : {"%START_TIME(%s)%", "%START_TIME%", "%REQ(:path)%", "%REQ(x-a?y):10%",
                            "%PROTOCOL%", "%UPSTREAM_METADATA([\"a\",\"b\"])%",
                            "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%/%HOSTNAME%"}) {
    EXPECT_FALSE(check_header_format(value)) << value;
    EXPECT_EQ(header_format(value), value);
  }
  const auto problem = [](const char* value) { return check_header_format(value).value_or(""); };
  EXPECT_THAT(problem("a %FOO% b"), HasSubstr("\"%FOO%\""));
  EXPECT_THAT(problem("%20%20"), HasSubstr("\"%20%\""));
  EXPECT_THAT(problem("%REQ%"), HasSubstr("needs an argument"));
  EXPECT_THAT(problem("%REQ(a b)%"), HasSubstr("not a header name"));
  EXPECT_THAT(problem("%PROTOCOL(x)%"), HasSubstr("takes no argument"));
  EXPECT_THAT(problem("%START_TIME:3%"), HasSubstr("takes no length"));
  EXPECT_EQ(problem("%REQ(x):9999999999999999999%"), "");
  EXPECT_THAT(problem("%REQ(x):10000000000000000000%"), HasSubstr("too many digits"));
  EXPECT_NE(problem("a\nb"), "");
}

TEST(HeaderFormat, LiteralValues) { EXPECT_EQ(literal_value("%REQ(x)%"), "%%REQ(x)%%"); }

}  // namespace
}  // namespace kgw::policy
