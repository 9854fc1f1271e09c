// What the controller says of its proxies, in statuses and metrics.
#include <spdlog/spdlog.h>

#include <utility>

#include "app/controller.h"
#include "app/proxy_report.h"
#include "app/xds_certificate.h"

namespace kgw::app {
namespace {

// How often gRPC reads the files again, too.
constexpr std::chrono::seconds kCertificatePause{10};

}  // namespace

void Controller::report(const ObjectKey& gateway) {
  const auto* bound = core_.translation.model.listeners.find(gateway);
  if (bound == nullptr) return;
  const ProxyFacts facts{.gateway = *bound->gateway,
                         .plan = proxies_.plans.find(gateway),
                         .applier = *applier_,
                         .unconnected = unconnected(gateway)};
  core_.feedback.update_proxies(gateway, [&](status::ProxyState& state) {
    const std::string rival = state.rival;
    report_proxy(facts, state);
    if (state.rival == rival || state.rival.empty()) return;
    spdlog::warn("Gateway {}: {}", to_string(gateway), state.rival);
  });
}

// Why proxies of the Gateway are not connected, as far as their objects do not say it.
std::string Controller::unconnected(const ObjectKey& gateway) {
  const status::ProxyState* state = core_.translation.delivery.proxies.find(gateway);
  if (state != nullptr && state->connected > 0) {
    stuck_pods_->forget(gateway);
    return "";
  }
  const auto now = std::chrono::steady_clock::now();
  if (deploying_ && state != nullptr && !state->problem.empty()) stuck_pods_->ask(gateway, now);
  const std::string pods = stuck_pods_->why(gateway);
  const std::string refused = troubles_->unconnected(gateway, now);
  return pods + (pods.empty() || refused.empty() ? "" : "; ") + refused;
}

// Every Gateway whose proxies run as the ServiceAccount.
void Controller::report_refused(const ObjectKey& account, const std::string& why) {
  const auto now = std::chrono::steady_clock::now();
  core_.translation.model.listeners.for_each([&](const ObjectKey& gateway, const auto&) {
    if (gateway.ns != account.ns || accounts_.of(gateway) != account.name.view()) return;
    troubles_->refused(gateway, why, now);
  });
}

void Controller::check_certificate() {
  const auto now = std::chrono::steady_clock::now();
  if (!settings_.proxies.xds_tls || now < certificate_checked_ + kCertificatePause) return;
  certificate_checked_ = now;
  const std::string problem =
      xds_certificate_problem(options_.xds_tls_dir, settings_.proxies.xds_names);
  if (std::exchange(certificate_problem_, problem) != problem) {
    certificate_checked_ = {};  // the files may be changing just now: looked at again soon
  } else if (troubles_->set_certificate_problem(problem)) {
    core_.sink()(certificate_report(problem));
  }
}

ClusterCounts Controller::counts() const {
  ClusterCounts counts;
  counts.status_writes = writer_->stats().writes;
  counts.status_conflicts = writer_->stats().conflicts;
  counts.status_failures = writer_->stats().failures;
  counts.object_problems = applier_->problems();
  troubles_->count(counts);
  return counts;
}

}  // namespace kgw::app
