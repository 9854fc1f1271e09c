#include "app/cluster_counts.h"

namespace kgw::app {

void cluster_metrics(const ClusterCounts& counts, MetricsText& metrics) {
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    metrics.family(name, "counter", help);
    metrics.sample({}, static_cast<double>(value));
  };
  counter("kgateway_status_write_conflicts_total",
          "Status writes that another writer was ahead of; they are repeated.",
          counts.status_conflicts);
  counter("kgateway_status_write_failures_total", "Status writes that the API server refused.",
          counts.status_failures);
  counter("kgateway_proxy_objects_applied_total", "Objects of proxies that were applied.",
          counts.objects_applied);
  counter("kgateway_proxy_objects_deleted_total", "Objects of proxies that were deleted.",
          counts.objects_deleted);
  metrics.family("kgateway_proxy_object_failures_total", "counter",
                 "Attempts on objects of proxies that failed.");
  for (const auto& [what, count] : counts.object_failures) {
    metrics.sample({{"verb", what.first}, {"kind", what.second}}, static_cast<double>(count));
  }
  metrics.family("kgateway_proxy_object_problems", "gauge",
                 "Objects of proxies that are not as they should be now.");
  metrics.sample({}, static_cast<double>(counts.object_problems));
  counter("kgateway_events_total", "Events written on Gateways.", counts.events);
  counter("kgateway_event_failures_total", "Events that the API server refused.",
          counts.event_failures);
}

}  // namespace kgw::app
