#include "app/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "app/core.h"

namespace kgw::app {
namespace {

using testing::HasSubstr;

TEST(Metrics, WritesFamiliesAndEscapesLabels) {
  MetricsText metrics;
  metrics.family("kgateway_things", "gauge", "Things there are.");
  metrics.sample({}, 2);
  metrics.sample({{"name", "a\"b\\c\nd"}, {"kind", "x"}}, 0.5);
  EXPECT_EQ(metrics.text(),
            "# HELP kgateway_things Things there are.\n"
            "# TYPE kgateway_things gauge\n"
            "kgateway_things 2\n"
            "kgateway_things{name=\"a\\\"b\\\\c\\\\nd\",kind=\"x\"} 0.5\n");
}

TEST(Metrics, CountsTheBucketsOfAHistogramTogether) {
  xds::Latency latency;
  latency.add(std::chrono::microseconds(100));
  latency.add(std::chrono::milliseconds(4));
  latency.add(std::chrono::seconds(60));
  MetricsText metrics;
  metrics.family("took_seconds", "histogram", "It took.");
  metrics.sample({{"type", "x"}}, latency);
  EXPECT_THAT(metrics.text(), HasSubstr("took_seconds_bucket{type=\"x\",le=\"0.0001\"} 1\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("took_seconds_bucket{type=\"x\",le=\"0.003\"} 1\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("took_seconds_bucket{type=\"x\",le=\"0.005\"} 2\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("took_seconds_bucket{type=\"x\",le=\"10\"} 2\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("took_seconds_bucket{type=\"x\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("took_seconds_sum{type=\"x\"} 60.0041\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("took_seconds_count{type=\"x\"} 3\n"));
}

TEST(Metrics, KnowsItsOwnProcess) {
  EXPECT_GT(process_usage().resident_bytes, 1e6);
  EXPECT_GT(process_usage().cpu_seconds, 0);
}

std::set<std::string> names_in(std::istream& text, const std::string& pattern) {
  std::set<std::string> names;
  const std::regex regex(pattern);
  std::smatch found;
  for (std::string line; std::getline(text, line);) {
    if (std::regex_search(line, found, regex)) names.insert(found[1].str() + " " + found[2].str());
  }
  return names;
}

// With their types.
TEST(Metrics, TheReferenceListsWhatIsServed) {
  Core core({}, {.counts = [] { return ClusterCounts(); }});
  ASSERT_TRUE(core.serve_proxies({}));
  std::istringstream served(answer({.method = "GET", .path = "/metrics"}, core.view()).body);
  std::ifstream reference("docs/reference/metrics.md");
  const auto documented = names_in(reference, R"(^\| `([a-z_]+)` \| ([a-z]+) \|)");
  EXPECT_GT(documented.size(), 20u);
  EXPECT_EQ(names_in(served, "^# TYPE ([a-z_]+) ([a-z]+)$"), documented);
}

TEST(Metrics, AControllerCountsTheStatusesThatItWrote) {
  Core core({}, {.counts = [] { return ClusterCounts{.status_writes = 7}; }});
  ASSERT_TRUE(core.serve_proxies({}));
  EXPECT_THAT(answer({.method = "GET", .path = "/metrics"}, core.view()).body,
              HasSubstr("\nkgateway_status_writes_total 7\n"));
}

}  // namespace
}  // namespace kgw::app
