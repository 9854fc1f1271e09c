#include "app/delivery_log.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace kgw::app {
namespace {

std::string more(std::uint64_t left_out) {
  return left_out == 0 ? "" : fmt::format(" ({} such lines were left out)", left_out);
}

}  // namespace

void DeliveryLog::on_delivered(const ObjectKey& group, const xds::ResourceKey& key,
                               xds::Version version) {
  if (spdlog::should_log(spdlog::level::debug)) {
    spdlog::debug("Gateway {}: every proxy has {} in version {}", to_string(group),
                  envoy::to_string(key), to_string(version));
  }
  next_.on_delivered(group, key, version);
}

void DeliveryLog::on_rejected(const ObjectKey& group, const xds::ResourceKey& key,
                              xds::Version version, const std::string& message) {
  if (const auto left_out = refusals_.take()) {
    spdlog::warn("Gateway {}: a proxy refuses {} in version {}; statuses report the reason{}",
                 to_string(group), envoy::to_string(key), to_string(version), more(*left_out));
  }
  next_.on_rejected(group, key, version, message);
}

void DeliveryLog::on_proxies_changed(const ObjectKey& group, std::size_t proxies) {
  const std::size_t before = std::exchange(proxies_[group], proxies);
  if (proxies == 0) proxies_.erase(group);
  if (proxies != before) {
    if (const auto left_out = coming_and_going_.take()) {
      spdlog::info("Gateway {}: a proxy {}, {} connected{}", to_string(group),
                   proxies > before ? "has connected" : "is gone", proxies, more(*left_out));
    }
  }
  next_.on_proxies_changed(group, proxies);
}

}  // namespace kgw::app
