#include "xds/refusal_text.h"

#include <gmock/gmock.h>

namespace kgw::xds {
namespace {

using testing::HasSubstr;
using testing::Not;

// As Envoy 1.40 answers an empty regular expression.
constexpr std::string_view kEmptyRegex =
    "goo.gle/debugstr    \n"
    "name: \"rc\"\n"
    "virtual_hosts {\n"
    "  request_headers_to_add {\n"
    "    header {\n"
    "      key: \"authorization\"\n"
    "      value: \"Bearer SECRET: Proto constraint validation failed (x)\"\n"
    "    }\n"
    "  }\n"
    "}\n"
    ": Proto constraint validation failed (RouteConfigurationValidationError.VirtualHosts[0]: "
    "embedded message failed validation | caused by VirtualHostValidationError.Routes[1]: embedded "
    "message failed validation | caused by RouteValidationError.Match: embedded message failed "
    "validation | caused by RouteMatchValidationError.SafeRegex: embedded message failed "
    "validation "
    "| caused by RegexMatcherValidationError.Regex: value length must be at least 1 characters)";

TEST(RefusalText, KeepsFieldAndRuleOfABrokenConstraint) {
  EXPECT_EQ(
      reason_of(kEmptyRegex),
      "Proto constraint validation failed (virtual_hosts[0].routes[1].match.safe_regex.regex: "
      "value length must be at least 1 characters)");
  EXPECT_EQ(reason_of("Proto constraint validation failed (RouteValidationError.Match: embedded "
                      "message failed validation | caused by field: \"path_specifier\", reason: is "
                      "required): name: \"SECRET\""),
            "Proto constraint validation failed (match.path_specifier: is required)");
}

TEST(RefusalText, TheKeyOfAMapIsAValue) {
  EXPECT_EQ(reason_of("Proto constraint validation failed (XValidationError.Map[SECRET]: embedded "
                      "message failed validation | caused by YValidationError.Name: value length "
                      "must be at least 1 characters)"),
            "Proto constraint validation failed (map[...].name: value length must be at least 1 "
            "characters)");
}

TEST(RefusalText, ADumpThatEnvoyCutGivesNothing) {
  EXPECT_THAT(reason_of(kEmptyRegex.substr(0, 150)), Not(HasSubstr("SECRET")));
  EXPECT_THAT(reason_of(kEmptyRegex.substr(0, 150)), HasSubstr("cut"));
}

// Each as Envoy 1.40 says it, with the value in capitals.
TEST(RefusalText, SentencesLoseTheirValues) {
  EXPECT_EQ(reason_of("missing ): (SECRET"), "missing )");
  EXPECT_EQ(reason_of("Not supported field in StreamInfo: SECRET"),
            "Not supported field in StreamInfo");
  EXPECT_EQ(reason_of("Incorrect configuration: SECRET %REQ(a. Couldn't find valid command at "
                      "position 7"),
            "Incorrect configuration");
  EXPECT_EQ(
      reason_of("Invalid duration: Expected positive duration: goo.gle/debugstr    \nseconds: "
                "-1\n\n"),
      "Invalid duration");
  EXPECT_EQ(reason_of("malformed IP address: SECRET.HOST. Consider setting resolver_name"),
            "malformed IP address");
  EXPECT_EQ(reason_of("Unable to unpack as Secret: [x] value: \"-----BEGIN PRIVATE KEY"),
            "Unable to unpack as Secret");
  EXPECT_THAT(reason_of("SECRET"), Not(HasSubstr("SECRET")));
  EXPECT_THAT(reason_of("value " + std::string(40, 'S') + " is too long"), Not(HasSubstr("SSS")));
}

TEST(RefusalText, HarmlessSentencesStay) {
  for (const std::string text : {"cannot bind '127.0.0.1:80': Address already in use",
                                 "Only a single wildcard domain is permitted in route rc",
                                 "response body size is 10000 bytes; maximum is 4096",
                                 "Failed to load certificate chain from"}) {
    EXPECT_EQ(reason_of(text + "\n"), text);
  }
  EXPECT_THAT(
      reason_of("Didn't find a registered implementation for 'envoy.a' with type URL: 'b.C'"),
      HasSubstr("registered implementation for 'envoy.a' with type URL: 'b.C'"));
  EXPECT_EQ(
      reason_of("regex 'SECRET' RE2 program size of 264 > max program size of 100 set for the "
                "error level threshold. Increase configured max program size if necessary."),
      "RE2 program size of 264 > max program size of 100 set for the error level threshold");
  EXPECT_THAT(
      reason_of("error adding listener '127.0.0.1:0': filter chain 'c' has the same matching "
                "rules defined as 'c'. duplicate matcher is: {}"),
      HasSubstr("same matching rules"));
}

TEST(RefusalText, IsBoundedAndPrintable) {
  const std::string reason =
      reason_of("broken value " + std::string(5000, 'x') + "\x1b[31m\r" + std::string(5000, '\n'));
  EXPECT_LE(reason.size(), kMaxReason);
  EXPECT_EQ(reason, "broken value");
  EXPECT_EQ(reason_of("cannot bind 'a\x1b[2J': no"), "cannot bind 'a[2J': no");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "word ";
  EXPECT_LE(reason_of(many).size(), kMaxReason);
}

// Reasons come from other replicas too, which have made them of the same texts.
TEST(RefusalText, AReasonStaysAsItIs) {
  for (const std::string_view text :
       {kEmptyRegex, kEmptyRegex.substr(0, 150), std::string_view("missing ): (SECRET"),
        std::string_view("SECRET"),
        std::string_view("cannot bind '127.0.0.1:80': Permission denied"),
        std::string_view(
            "Didn't find a registered implementation for 'envoy.a' with type URL: 'b'"),
        std::string_view("regex 'a' RE2 program size of 2 > max program size of 1 set. More"),
        std::string_view("a 'c' has the same matching rules defined as 'c'. b")}) {
    const std::string reason = reason_of(text);
    EXPECT_EQ(reason_of(reason), reason);
  }
}

}  // namespace
}  // namespace kgw::xds
