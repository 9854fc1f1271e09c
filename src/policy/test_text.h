// The expectation that a message is exactly what a text says.
#pragma once

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "envoy/config/route/v3/route_components.pb.h"

namespace kgw::policy {

namespace proto = ::envoy::config::route::v3;

inline std::string as_text(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetExpandAny(true);
  std::string text;
  printer.PrintToString(message, &text);
  return text;
}

template <typename Message>
void expect_text(const Message& actual, const std::string& text) {
  Message expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &expected)) << text;
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(expected, actual))
      << "expected:\n"
      << as_text(expected) << "\nactual:\n"
      << as_text(actual);
}

}  // namespace kgw::policy
