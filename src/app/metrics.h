// Metrics in the Prometheus text format, built per scrape from what the parts count anyway.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xds/latency.h"

namespace kgw::app {

class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Opens a family; its samples follow. `type`: "counter", "gauge" or "histogram".
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(const Labels& labels, double value) { line(name_, labels, value); }
  // The samples of a histogram, in seconds.
  void sample(const Labels& labels, const xds::Latency& latency);

  const std::string& text() const { return text_; }

 private:
  using LabelList = std::vector<std::pair<std::string_view, std::string_view>>;

  void line(std::string_view name, const LabelList& labels, double value);

  std::string name_;
  std::string text_;
};

// Resident memory and CPU seconds of this process, from /proc/self; 0 where it cannot be read.
struct ProcessUsage {
  double resident_bytes = 0;
  double cpu_seconds = 0;
};
ProcessUsage process_usage();

}  // namespace kgw::app
