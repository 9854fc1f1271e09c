#include "app/metrics.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "api/text.h"

namespace kgw::app {
namespace {

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : one_line(value)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void MetricsText::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " +
           std::string(type) + "\n";
}

void MetricsText::sample(const Labels& labels, const xds::Latency& latency) {
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket < latency.counts().size(); ++bucket) {
    below += latency.counts()[bucket];
    const std::string bound = bucket < xds::Latency::kBounds.size()
                                  ? fmt::format("{}", xds::Latency::kBounds[bucket])
                                  : "+Inf";
    LabelList with_bound = labels;
    with_bound.emplace_back("le", bound);
    line(name_ + "_bucket", with_bound, static_cast<double>(below));
  }
  line(name_ + "_sum", labels, latency.sum());
  line(name_ + "_count", labels, static_cast<double>(latency.count()));
}

void MetricsText::line(std::string_view name, const LabelList& labels, double value) {
  text_ += name;
  char separator = '{';
  for (const auto& [key, label] : labels) {
    text_ += separator + std::string(key) + "=\"" + escaped(label) + "\"";
    separator = ',';
  }
  if (separator == ',') text_ += '}';
  char number[32];
  std::snprintf(number, sizeof number, " %.15g\n", value);
  text_ += number;
}

ProcessUsage process_usage() {
  ProcessUsage usage;
  long pages = 0;
  if (std::ifstream statm("/proc/self/statm"); statm >> pages >> pages) {
    usage.resident_bytes = static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
  }
  rusage times{};
  if (getrusage(RUSAGE_SELF, &times) == 0) {
    usage.cpu_seconds = seconds(times.ru_utime) + seconds(times.ru_stime);
  }
  return usage;
}

}  // namespace kgw::app
