#include "app/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace kgw::app
