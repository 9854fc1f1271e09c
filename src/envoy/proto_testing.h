// For tests: resources as text, and the expectation that one says exactly this.
#pragma once

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "envoy/resource.h"

namespace kgw::envoy {

template <typename Message>
Message decode(const std::string& bytes) {
  Message message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  return message;
}

template <typename Message>
Message decode(const Resource& resource) {
  return decode<Message>(*resource.body);
}

// Any as [type.googleapis.com/x.Y] { ... }.
inline std::string as_text(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetExpandAny(true);
  std::string text;
  printer.PrintToString(message, &text);
  return text;
}

// The message equals the one that `text` stands for.
template <typename Message>
void expect_text(const Message& actual, const std::string& text) {
  Message expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &expected)) << text;
  google::protobuf::util::MessageDifferencer differencer;
  std::string difference;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(expected, actual)) << difference << "\nwhole:\n"
                                                     << as_text(actual);
}

template <typename Message>
void expect_resource(const Resource& resource, const std::string& text) {
  expect_text(decode<Message>(resource), text);
}

}  // namespace kgw::envoy
