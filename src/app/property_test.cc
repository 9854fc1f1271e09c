// Contract 2, "incremental equals from scratch": after any sequence of edits every resource and
// status is what a fresh translation of the final objects gives.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>

#include "api/registry.h"
#include "app/builtin.h"
#include "app/offline.h"
#include "app/problems.h"
#include "app/random_objects.h"

namespace kgw::app {
namespace {

using test::Random;

envoy::Settings settings() {
  envoy::Settings settings = offline_settings();
  settings.report_unreachable = true;
  settings.sharding = {.cut = 6, .join = 3, .repeated = 2};
  settings.istio_mtls = envoy::IstioMtls{{"certificate", "/c"}, {"authority", "/a"}, "/w"};
  return settings;
}

// Which layout a table has depends on its past (envoy/table_layout.h); that is an input too.
void share_past(Translation& from, Translation& to) {
  from.commit();
  from.routes.layouts.history.for_each(
      [&](const attach::RouteTableId& table, const envoy::LayoutHistory& history) {
        to.routes.layouts.history.set(table, history);
      });
}

std::multiset<std::string> texts(const Diagnostics& problems) {
  std::multiset<std::string> texts;
  for (const Diagnostic& problem : problems) texts.insert(to_string(problem));
  return texts;
}

TEST(Incremental, EqualsFromScratchAfterRandomEdits) {
  const char* given = std::getenv("KGW_SEED");
  const unsigned first = given == nullptr ? 1 : static_cast<unsigned>(std::atoi(given));
  for (unsigned seed = first; seed < first + (given == nullptr ? 30 : 1); ++seed) {
    SCOPED_TRACE("KGW_SEED=" + std::to_string(seed));
    Random random(seed);
    std::map<ObjectRef, std::shared_ptr<const Object>> objects;
    Translation incremental(settings());
    incremental.apply(builtin_objects());
    for (int step = 0; step < 40; ++step) {
      std::vector<source::ObjectEvent> events;
      for (unsigned edit = 0; edit <= random() % 4; ++edit) {
        auto decoded = decode_text(test::random_object(random), "random", DecodeMode::kStrict);
        ASSERT_EQ(decoded.size(), 1u);
        if (decoded[0].object == nullptr)
          continue;  // e.g. two listeners with equal protocol, port and hostname
        const bool erase = random() % 4 == 0;
        events.push_back({decoded[0].ref, erase ? nullptr : decoded[0].object});
        if (erase) {
          objects.erase(decoded[0].ref);
        } else {
          objects[decoded[0].ref] = decoded[0].object;
        }
      }
      incremental.apply(events);
      acknowledge_everything(incremental);

      Translation fresh(settings());
      share_past(incremental, fresh);
      fresh.apply(builtin_objects());
      events.clear();
      for (const auto& [ref, object] : objects) events.push_back({ref, object});
      fresh.apply(events);
      acknowledge_everything(fresh);
      ASSERT_EQ(output_json(incremental, std::nullopt).dump(1),
                output_json(fresh, std::nullopt).dump(1))
          << "after step " << step;
      ASSERT_EQ(texts(translation_problems(incremental)), texts(translation_problems(fresh)))
          << "after step " << step;
    }
  }
}

}  // namespace
}  // namespace kgw::app
