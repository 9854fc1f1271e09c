#include "app/proxy_troubles.h"

#include <spdlog/spdlog.h>

#include <string_view>
#include <utility>

namespace kgw::app {

void ProxyTroubles::reported(const deploy::kube::ObjectReport& report, Clock::time_point now) {
  const std::string_view verb = report.verb;
  if (report.problem.empty()) {
    if (verb == "apply") ++counts_.objects_applied;
    if (verb == "delete") ++counts_.objects_deleted;
    spdlog::info("Gateway {}: {} {}", to_string(report.gateway), to_string(report.ref),
                 verb == "apply"    ? "is applied"
                 : verb == "delete" ? "is deleted"
                                    : "is as it should be");
    return;
  }
  if (!verb.empty()) ++counts_.object_failures[{std::string(verb), report.ref.kind}];
  if (report.news) spdlog::warn("Gateway {}: {}", to_string(report.gateway), report.problem);
  if (const Gateway* gateway = find_(report.gateway)) {
    events_.warn(*gateway, "ProxyNotDeployed", report.problem, now);
  }
}

void ProxyTroubles::refused(const ObjectKey& gateway, const std::string& why,
                            Clock::time_point now) {
  if (find_(gateway) == nullptr || !refused_.note(gateway, why, now)) return;
  if (refusals_.take(now)) {
    spdlog::warn("Gateway {}: a proxy is refused: {}", to_string(gateway), why);
  }
}

bool ProxyTroubles::set_certificate_problem(const std::string& problem) {
  return std::exchange(certificate_problem_, problem) != problem;
}

void ProxyTroubles::forget(const ObjectKey& gateway) {
  refused_.forget(gateway);
  events_.forget(gateway);
}

std::string ProxyTroubles::unconnected(const ObjectKey& gateway, Clock::time_point now) const {
  std::string all = refused_.why(gateway, now);
  if (!all.empty()) all = "the controller refuses a proxy: " + all;
  if (certificate_problem_.empty()) return all;
  return all + (all.empty() ? "" : "; ") + "xDS certificate: " + certificate_problem_;
}

void ProxyTroubles::count(ClusterCounts& counts) const {
  counts.object_failures = counts_.object_failures;
  counts.objects_applied = counts_.objects_applied;
  counts.objects_deleted = counts_.objects_deleted;
  counts.events = events_.stats().sent;
  counts.event_failures = events_.stats().failed;
}

source::Batch certificate_report(const std::string& problem) {
  source::Problems problems{"xds certificate", {}};
  if (!problem.empty()) {
    Diagnostic diagnostic;
    diagnostic.reason = "InvalidCertificate";
    diagnostic.message = "no proxy can connect: the certificate of the xDS port: " + problem;
    problems.diagnostics.push_back(std::move(diagnostic));
  }
  source::Batch batch;
  batch.problems.push_back(std::move(problems));
  return batch;
}

}  // namespace kgw::app
