#include "engine/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kgw::engine {
namespace {

using testing::ElementsAre;

TEST(Graph, Smoke) {
  Graph g;
  auto& in = g.input<std::string, int>("in");
  auto& by = g.index<int>(in, "by parity",
                          [](const std::string&, const int& v, auto&& emit) { emit(v % 2); });
  auto& twice = g.derived<std::string, int>("twice").from(
      in, [](const std::string&, const int& v, Read&) -> std::optional<int> { return 2 * v; });
  auto& sum =
      g.derived<int, int>("sum").from(by, [&](const int& p, Read& read) -> std::optional<int> {
        int s = 0;
        read.each(by, p, [&](const std::string& k, const int&) { s += *read.get(twice, k); });
        return s + 1000 * read.count(by, p) * 0 + (int)read.members(by, p).size() * 0;
      });
  in.set("a", 1);
  in.set("b", 2);
  in.set("c", 3);
  g.commit();
  EXPECT_EQ(*sum.find(1), 8);
  EXPECT_EQ(*sum.find(0), 4);
  in.erase("b");
  g.commit();
  EXPECT_EQ(sum.find(0), nullptr);
}

}  // namespace
}  // namespace kgw::engine
