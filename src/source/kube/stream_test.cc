// Lists and watches cut into objects, however the bytes arrive.
#include "source/kube/stream.h"

#include <gmock/gmock.h>

#include <vector>

namespace kgw::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct ReadList {
  std::vector<std::string> items;
  Result<ListReader::End> end;
};

ReadList read_list(const std::string& text, std::size_t piece) {
  ReadList read;
  ListReader reader([&](std::string_view json) { read.items.emplace_back(json); });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader.feed(std::string_view(text).substr(at, piece));
  }
  read.end = reader.finish();
  return read;
}

TEST(ListReader, HandsOnItemsInPiecesOfAnySize) {
  const std::string text =
      R"({"kind":"List","x":{"items":[{"no":1}]},"metadata":{"resourceVersion":"7","continue":"c"},)"
      R"( "items" : [ {"a":"}],\"{"} , {"b":[{"c":{}}]},{} ], "after":["items",[{}]]})";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const ReadList read = read_list(text, piece);
    EXPECT_THAT(read.items, ElementsAre(R"({"a":"}],\"{"})", R"({"b":[{"c":{}}]})", "{}"));
    ASSERT_TRUE(read.end) << to_string(read.end.error());
    EXPECT_EQ(read.end->resource_version, "7");
    EXPECT_EQ(read.end->continue_token, "c");
  }
}

TEST(ListReader, AListAmongTheItemsIsHandedOnWholeToo) {
  const std::string text =
      R"({"items":[[{"a":1},[2]],{"b":1}],"metadata":{"resourceVersion":"7"}})";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    EXPECT_THAT(read_list(text, piece).items, ElementsAre(R"([{"a":1},[2]])", R"({"b":1})"));
  }
}

TEST(ListReader, ItemsMayComeFirstOrBeMissing) {
  const ReadList first = read_list(R"({"items":[{"a":1}],"metadata":{"resourceVersion":"7"}})", 3);
  EXPECT_THAT(first.items, ElementsAre(R"({"a":1})"));
  EXPECT_EQ(first.end->continue_token, "");
  for (const char* items : {R"("items":[],)", R"("items":null,)", ""}) {
    const ReadList none =
        read_list(std::string("{") + items + R"("metadata":{"resourceVersion":"7"}})", 5);
    EXPECT_THAT(none.items, IsEmpty());
    EXPECT_TRUE(none.end);
  }
}

TEST(ListReader, WhatIsCutOrNoListIsAnError) {
  const std::string whole = R"({"metadata":{"resourceVersion":"7"},"items":[{"a":1},{"a":2}]})";
  ASSERT_TRUE(read_list(whole, 100).end);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_list(whole.substr(0, size), 100).end) << size;
  }
  for (const char* text : {"", "null", "[]", "{}", "garbage", R"({"items":[1,2]})", "}}}}]]]",
                           R"({"metadata":{"resourceVersion":7},"items":[]})"}) {
    EXPECT_FALSE(read_list(text, 2).end) << text;
  }
}

TEST(ListReader, BoundsTheSizeOfAnItem) {
  ListReader reader([](std::string_view) { FAIL(); });
  EXPECT_TRUE(reader.feed(R"({"items":[{"a":")"));
  const std::string piece(std::size_t{1} << 20, 'x');
  int fed = 0;
  while (reader.feed(piece) && fed < 100) ++fed;
  EXPECT_LT(fed, 40);
  EXPECT_EQ(reader.finish().error().reason, "InvalidAnswer");
}

TEST(LineReader, CutsAtLineEnds) {
  const std::string text = "one\n\ntwo\r\n \nthree\nrest";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    std::vector<std::string> lines;
    LineReader reader([&](std::string_view line) {
      lines.emplace_back(line);
      return true;
    });
    for (std::size_t at = 0; at < text.size(); at += piece) {
      EXPECT_TRUE(reader.feed(std::string_view(text).substr(at, piece)));
    }
    EXPECT_THAT(lines, ElementsAre("one", "two\r", "three"));
  }
}

TEST(WatchEvent, DecodesEveryType) {
  const auto decode = [](std::string_view line) { return decode_watch_event(line); };
  const std::string object = R"("object":{"metadata":{"name":"n","resourceVersion":"9"}}})";
  EXPECT_EQ(decode(R"({"type":"ADDED",)" + object).type, WatchEvent::Type::kPut);
  EXPECT_EQ(decode(R"({"type":"MODIFIED",)" + object).type, WatchEvent::Type::kPut);
  EXPECT_EQ(decode(R"({"type":"DELETED",)" + object).type, WatchEvent::Type::kDeleted);
  const WatchEvent bookmark = decode(R"({"type":"BOOKMARK",)" + object);
  EXPECT_EQ(bookmark.type, WatchEvent::Type::kBookmark);
  EXPECT_EQ(bookmark.resource_version, "9");

  const WatchEvent gone = decode(
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"old"}})");
  EXPECT_EQ(gone.type, WatchEvent::Type::kError);
  EXPECT_TRUE(is_gone(gone.error));
  EXPECT_EQ(gone.error, (Error{410, "Expired", "old"}));
}

TEST(WatchEvent, AnObjectThatIsNestedTooDeeplyIsNoEndOfTheWatch) {
  std::string deep = R"({"type":"MODIFIED","object":{"metadata":{"name":"n"},"spec":)";
  for (int i = 0; i < 5000; ++i) deep += R"({"a":)";
  deep += "1" + std::string(5000, '}') + "}}";
  const WatchEvent event = decode_watch_event(deep);
  EXPECT_EQ(event.type, WatchEvent::Type::kUnreadable);
  EXPECT_NE(event.error.message.find("\"name\":\"n\""), std::string::npos);
  deep.resize(deep.size() - 100);  // cut off: nobody knows what else is missing
  EXPECT_NE(decode_watch_event(deep).type, WatchEvent::Type::kPut);
}

TEST(WatchEvent, GarbageIsAnError) {
  for (const char* line : {"", "x", "{}", "[]", "null", R"({"type":"ADDED"})",
                           R"({"type":"ADDED","object":[]})", R"({"type":7,"object":{}})",
                           R"({"type":"WHAT","object":{}})", R"({"type":"ADDED","object":{)"}) {
    const WatchEvent event = decode_watch_event(line);
    EXPECT_EQ(event.type, WatchEvent::Type::kError) << line;
    EXPECT_EQ(event.error.reason, "InvalidAnswer") << line;
  }
}

}  // namespace
}  // namespace kgw::kube
