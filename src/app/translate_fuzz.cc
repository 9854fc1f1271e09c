// Any manifest through the whole translation: it must end, what it encodes must be readable and
// break no constraint of Envoy, and the order in which objects arrive must make no difference.
// Corpus: tests/fuzz/translate.
#include <cstdlib>
#include <map>

#include "api/registry.h"
#include "app/builtin.h"
#include "app/offline.h"
#include "app/problems.h"
#include "envoy/constraints.h"

namespace {

using namespace kgw;
using Objects = std::vector<source::ObjectEvent>;

// Each object once: with two versions of a Secret, history would count (the last good one).
Objects objects_of(std::string_view text) {
  std::map<ObjectRef, source::ObjectEvent> objects;
  for (Decoded& decoded : decode_text(text, "input", DecodeMode::kLenient)) {
    if (decoded.object == nullptr) continue;
    objects.emplace(decoded.ref, source::ObjectEvent{decoded.ref, std::move(decoded.object)});
  }
  Objects events;
  for (auto& [ref, event] : objects) events.push_back(std::move(event));
  return events;
}

std::string output_of(app::Translation& translation) {
  app::acknowledge_everything(translation);
  return app::output_json(translation, std::nullopt)
      .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

template <typename Table>
void require_sound(const Table& table, kgw::envoy::ResourceType type) {
  table.for_each([&](const auto&, const kgw::envoy::Resource& resource) {
    if (kgw::envoy::broken_constraint(type, *resource.body)) std::abort();
  });
}

void require_sound(const app::Translation& translation) {
  require_sound(translation.routes.route_shards, kgw::envoy::ResourceType::kRoute);
  require_sound(translation.routes.route_scopes, kgw::envoy::ResourceType::kScopedRoute);
  require_sound(translation.resources.gateway_clusters, kgw::envoy::ResourceType::kCluster);
  require_sound(translation.resources.gateway_endpoints, kgw::envoy::ResourceType::kEndpoint);
  require_sound(translation.resources.gateway_listeners, kgw::envoy::ResourceType::kListener);
  require_sound(translation.resources.gateway_secrets, kgw::envoy::ResourceType::kSecret);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Objects objects = objects_of({reinterpret_cast<const char*>(data), size});
  if (objects.empty()) return 0;

  kgw::envoy::Settings settings = app::offline_settings();
  settings.report_unreachable = true;
  app::Translation at_once(std::move(settings));
  at_once.apply(app::builtin_objects());
  at_once.apply(objects);
  const std::string expected = output_of(at_once);
  require_sound(at_once);
  (void)app::translation_problems(at_once);

  app::Translation backwards(app::offline_settings());
  backwards.apply({objects.rbegin(), objects.rbegin() + objects.size() / 2});
  app::acknowledge_everything(backwards);
  backwards.apply({objects.rbegin() + objects.size() / 2, objects.rend()});
  backwards.apply(app::builtin_objects());
  if (output_of(backwards) != expected) std::abort();
  return 0;
}
