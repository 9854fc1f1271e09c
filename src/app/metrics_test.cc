#include "app/metrics.h"

#include <gtest/gtest.h>

namespace kgw::app {
namespace {

TEST(Metrics, WritesFamiliesAndEscapesLabels) {
  MetricsText metrics;
  metrics.family("kgateway_things", "gauge", "Things there are.");
  metrics.sample({}, 2);
  metrics.sample({{"name", "a\"b\\c\nd"}, {"kind", "x"}}, 0.5);
  EXPECT_EQ(metrics.text(),
            "# HELP kgateway_things Things there are.\n"
            "# TYPE kgateway_things gauge\n"
            "kgateway_things 2\n"
            "kgateway_things{name=\"a\\\"b\\\\c\\nd\",kind=\"x\"} 0.5\n");
}

TEST(Metrics, KnowsItsOwnProcess) {
  EXPECT_GT(process_usage().resident_bytes, 1e6);
  EXPECT_GT(process_usage().cpu_seconds, 0);
}

}  // namespace
}  // namespace kgw::app
