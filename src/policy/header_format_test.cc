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
  EXPECT_EQ(problem("%REQ(x):18446744073709551615%"), "");
  EXPECT_THAT(problem("%REQ(x):18446744073709551616%"), HasSubstr("out of range"));
  EXPECT_NE(problem("a\nb"), "");
}

// What belongs to the proxy must not leave it in a header.
TEST(HeaderFormat, CommandsThatReadTheProxyAreRefused) {
  for (const char* value :
       {"%ENVIRONMENT(HOME)%", "a%ENVIRONMENT(HOME):5%", "%%%ENVIRONMENT(HOME)%",
        "%FILE_CONTENT(/etc/passwd)%", "%SECRET(x)%", "%GENERIC_SECRET(x)%"}) {
    EXPECT_THAT(check_header_format(value).value_or(""), HasSubstr("routes may not")) << value;
  }
  EXPECT_FALSE(check_header_format("%%ENVIRONMENT(HOME)%%"));  // plain text
}

// Envoy refuses the whole table for each of those that are refused here.
TEST(HeaderFormat, LengthsAndTimesAreBounded) {
  for (const char* value :
       {"%REQ(x):0%", "%REQ(x):18446744073709551615%", "%START_TIME(%s.%9f)%"}) {
    EXPECT_FALSE(check_header_format(value)) << value;
  }
  const auto problem = [](const char* value) { return check_header_format(value).value_or(""); };
  EXPECT_THAT(problem("%REQ(x):18446744073709551616%"), HasSubstr("out of range"));
  EXPECT_THAT(problem("%REQ(x):99999999999999999999999%"), HasSubstr("out of range"));
  EXPECT_THAT(problem("%START_TIME(%n)%"), HasSubstr("line break"));
  EXPECT_THAT(problem("%START_TIME(%s%_0En)%"), HasSubstr("line break"));
  EXPECT_THAT(problem("%DOWNSTREAM_PEER_CERT_V_START(%n)%"), HasSubstr("line break"));
}

TEST(HeaderFormat, LiteralValues) { EXPECT_EQ(literal_value("%REQ(x)%"), "%%REQ(x)%%"); }

}  // namespace
}  // namespace kgw::policy
