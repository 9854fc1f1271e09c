#include "api/text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace kgw {
namespace {

TEST(Text, WhatShowsStaysAsItIs) {
  for (const char* text : {"", "plain text", "^/a\\d+$", "größer als 5 €", "日本語", "🙂"}) {
    EXPECT_TRUE(is_one_line(text)) << text;
    EXPECT_EQ(one_line(text), text);
  }
}

TEST(Text, WhatDoesNotShowIsEscaped) {
  const std::pair<std::string_view, const char*> cases[] = {
      {"a\nb\r\tc", "a\\nb\\r\\tc"},
      {"\x1b[2Jgone", "\\x1b[2Jgone"},
      {std::string_view("\0", 1), "\\x00"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b"
       "2J",
       "\\x9b2J"},  // C1: CSI
      {"\xe2\x80\xae"
       "evil",
       "\\u202eevil"},                      // right-to-left override
      {"\xe2\x80\xa8", "\\u2028"},          // line separator
      {"\xef\xbb\xbf", "\\ufeff"},          // byte order mark
      {"\xf3\xa0\x81\x81", "\\U000e0041"},  // a tag character
      {"\xff\xc3", "\\xff\\xc3"},           // no UTF-8
      {"\xc0\x8a", "\\xc0\\x8a"},           // an overlong line feed
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},  // a surrogate
  };
  for (const auto& [text, shown] : cases) {
    EXPECT_FALSE(is_one_line(text)) << shown;
    EXPECT_EQ(one_line(text), shown);
  }
}

TEST(Text, WhatIsTooLongIsCutBetweenCharacters) {
  EXPECT_EQ(one_line("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(one_line("abcdefghi", 8), "abcde...");
  EXPECT_EQ(one_line("abcd\xe2\x82\xac\xe2\x82\xac", 8), "abcd...");
  EXPECT_EQ(one_line("abcd\n\n\n", 8), "abcd...");
}

// Of any bytes at all.
TEST(Text, OneLineIsOneLineAndWithinItsBound) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> byte(0, 255), size(0, 40), high(0, 3);
  for (int i = 0; i < 20000; ++i) {
    std::string text(static_cast<std::size_t>(size(random)), ' ');
    for (char& c : text)
      c = static_cast<char>(high(random) == 0 ? 0x80 | byte(random) : byte(random));
    ASSERT_TRUE(is_one_line(one_line(text)));
    ASSERT_LE(one_line(text, 16).size(), 16u);
    ASSERT_TRUE(is_one_line(one_line(text, 16)));
    ASSERT_EQ(is_one_line(text), one_line(text) == text);
  }
}

TEST(Text, JsonMeansTheSameWhenAllOfItShows) {
  const nlohmann::json value = {{"a\x7f", "\x1b[0m \xe2\x80\xae \xf3\xa0\x81\x81 \xc2\x85 ü"}};
  const std::string shown = show_all(value.dump(2));
  std::string lines = shown;
  std::erase(lines, '\n');
  EXPECT_TRUE(is_one_line(lines)) << shown;
  EXPECT_EQ(nlohmann::json::parse(shown), value);
  EXPECT_NE(shown.find("ü"), std::string::npos);
}

TEST(Text, AListingCountsWhatHasNoRoom) {
  Listing few(20);
  EXPECT_TRUE(few.empty());
  few.add("one");
  few.add("two");
  EXPECT_EQ(few.text(), "one; two");
  Listing many(20);
  for (int i = 0; i < 100; ++i) many.add("item " + std::to_string(i));
  EXPECT_EQ(many.text(), "item 0; item 1; ... and 98 more");
  Listing long_item(20);
  long_item.add(std::string(100, 'x'));
  EXPECT_EQ(long_item.text(), std::string(17, 'x') + "...");
}

}  // namespace
}  // namespace kgw
