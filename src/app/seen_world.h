// A translation of manifests whose every resource is acknowledged, as `check`, `status` and
// `explain` show it, for tests of what they say.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/registry.h"
#include "app/admin.h"
#include "app/builtin.h"
#include "app/explain.h"
#include "app/offline.h"
#include "app/problems.h"
#include "app/status_table.h"

namespace kgw::app {

// One proxy that has accepted everything.
class AgreeableLedger final : public xds::Ledger {
 public:
  std::size_t proxies(const ObjectKey&) const override { return 1; }
  xds::Delivery delivery(const ObjectKey&, const xds::ResourceKey&) const override {
    return {.current = xds::Version{1},
            .proxies = 1,
            .subscribed = 1,
            .accepted = 1,
            .rejected = 0,
            .delivered = true,
            .nack = {}};
  }
  std::optional<xds::Nack> nack(const ObjectKey&, const xds::ResourceKey&) const override {
    return {};
  }
  std::vector<std::pair<xds::ResourceKey, xds::Nack>> nacks(const ObjectKey&) const override {
    return {};
  }
  std::vector<xds::ProxyView> proxies_of(const ObjectKey&, const xds::ResourceKey&) const override {
    return {};
  }
  const xds::Snapshot* snapshot(const ObjectKey&) const override { return nullptr; }
  std::vector<ObjectKey> groups() const override { return {}; }
};

class SeenWorld {
 public:
  explicit SeenWorld(const std::string& manifests) : translation_(offline_settings()) {
    translation_.apply(builtin_objects());
    apply(manifests);
  }

  void apply(const std::string& manifests) {
    std::vector<source::ObjectEvent> events;
    for (Decoded& decoded : decode_text(manifests, "file.yaml", DecodeMode::kStrict)) {
      std::ranges::copy(decoded.diagnostics, std::back_inserter(read_["file.yaml"]));
      if (decoded.object != nullptr) events.push_back({decoded.ref, decoded.object});
    }
    translation_.apply(events);
    settle();
  }

  void erase(const ObjectRef& ref) {
    translation_.apply({{ref, nullptr}});
    settle();
  }

  // The problems of `check`, as lines.
  std::vector<std::string> check() const {
    std::vector<std::string> lines;
    for (const auto& [place, diagnostics] : read_) {
      for (const Diagnostic& diagnostic : diagnostics) lines.push_back(to_string(diagnostic));
    }
    for (const Diagnostic& problem : translation_problems(translation_)) {
      lines.push_back(to_string(problem));
    }
    return lines;
  }

  nlohmann::ordered_json status_json() const {
    return kgw::app::status_json(store_, translation_, read_);
  }
  std::string status() const { return status_table(status_json()); }

  nlohmann::ordered_json explain(const ObjectRef& ref) const {
    const auto json = kgw::app::explain(std::string(kind_name(ref.kind)), ref.key, view());
    return json ? *json : nlohmann::ordered_json(json.error());
  }

  std::map<ObjectRef, status::ObjectStatus> statuses() const {
    std::map<ObjectRef, status::ObjectStatus> all;
    store_.for_each([&](const ObjectRef& ref, const status::ObjectStatus& status) {
      all.emplace(ref, status);
    });
    return all;
  }

 private:
  AdminView view() const {
    return {translation_, ledger_, stats_, until_sent_, store_, read_, true, nullptr};
  }

  void settle() {
    acknowledge_everything(translation_);
    store_ = {};
    translation_.statuses.table.for_each(
        [&](const ObjectRef& ref, const status::ObjectStatus& status) {
          store_.update(ref, std::make_shared<const status::ObjectStatus>(status), 0);
        });
  }

  Translation translation_;
  AgreeableLedger ledger_;
  xds::Stats stats_;
  xds::Latency until_sent_;
  status::StatusStore store_;
  std::map<std::string, Diagnostics> read_;
};

}  // namespace kgw::app
