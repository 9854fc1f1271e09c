#include "app/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace kgw::app {
namespace {

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
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

void MetricsText::sample(const Labels& labels, double value) {
  text_ += name_;
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
