// Rules that proxies refuse, also in a route table that is cut: in one shard, or, as a wildcard's,
// in all of them. Wherever it is, it alone is held back, and the search for it hurts nobody.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <random>

#include "api/registry.h"
#include "app/builtin.h"
#include "app/offline.h"

namespace kgw::app {
namespace {

// Refuses every shard that has one of the bad paths, in any order, and is late with its verdicts:
// some come when newer versions have been sent.
class PickyProxy {
 public:
  PickyProxy(Translation& translation, std::vector<std::string> bad, unsigned seed)
      : translation_(translation),
        feedback_(translation.delivery,
                  [&](envoy::ResourceType type, const Name& piece, const status::Held* held) {
                    translation_.hold(type, piece, held);
                  }),
        bad_(std::move(bad)),
        random_(seed) {
    // Pauses are over as soon as somebody looks.
    feedback_.clock = [now = status::Feedback::Time()]() mutable {
      return now += status::Suspects::kLongestPause;
    };
  }

  void settle() {
    for (int guard = 0; guard < 10'000; ++guard) {
      if (!step()) return;
    }
    FAIL() << "does not settle";
  }
  // One commit and some answers. False: nothing goes on any more.
  bool step() {
    publish(translation_.commit());
    feedback_.advance();
    const bool moved = translation_.layouts.advance(
        {}, [](const ObjectKey&, const xds::ResourceKey&) { return xds::Delivery{.proxies = 1}; });
    const bool answered = answer_some();
    return feedback_.take_changed() || moved || answered;
  }
  // Hears what is served from now on.
  std::function<void(const std::string& body)> on_accepted = [](const std::string&) {};
  int refusals() const { return refusals_; }

 private:
  struct Sent {
    ObjectKey gateway;
    xds::ResourceKey key;
    xds::Version version;
    envoy::Bytes body;
    bool bad = false;
  };

  void publish(Outcome outcome) {
    feedback_.withdrawn(outcome.withdrawn);
    while (feedback_.published(outcome.pieces)) {
      Outcome later = translation_.commit();
      feedback_.withdrawn(later.withdrawn);
      outcome.pieces = std::move(later.pieces);
      outcome.append(std::move(later));
    }
    for (const auto& [gateway, edit] : outcome.edits) {
      feedback_.sent(gateway, edit);
      for (const auto& [type, resource] : edit.upserts) {
        const xds::ResourceKey key{type, resource.name};
        const bool bad = std::ranges::any_of(bad_, [&](const std::string& path) {
          return type == envoy::ResourceType::kRoute &&
                 resource.body->find(path) != std::string::npos;
        });
        current_[key] = resource.version;
        sent_.push_back({gateway, key, resource.version, resource.body, bad});
      }
    }
  }

  // A proxy's acceptance of an old version is not reported, its refusal may be.
  bool answer_some() {
    if (sent_.empty()) return false;
    std::ranges::shuffle(sent_, random_);
    const std::size_t count = 1 + random_() % sent_.size();
    for (std::size_t i = 0; i < count; ++i) {
      const Sent sent = sent_.back();
      sent_.pop_back();
      refusals_ += sent.bad ? 1 : 0;
      if (sent.bad) {
        feedback_.on_rejected(sent.gateway, sent.key, sent.version, "no such path");
      } else if (current_[sent.key] == sent.version) {
        if (sent.key.type == envoy::ResourceType::kRoute) on_accepted(*sent.body);
        feedback_.on_delivered(sent.gateway, sent.key, sent.version);
      }
    }
    return true;
  }

  Translation& translation_;
  status::Feedback feedback_;
  std::vector<std::string> bad_;
  std::mt19937 random_;
  std::vector<Sent> sent_;
  std::map<xds::ResourceKey, xds::Version> current_;
  int refusals_ = 0;
};

std::string route(int i, const std::string& host, const std::string& path) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r" +
         std::to_string(i) + "}\nspec:\n  parentRefs: [{name: gw}]\n  hostnames: [\"" + host +
         "\"]\n  rules:\n  - matches: [{path: {type: Exact, value: " + path +
         "}}]\n    filters: [{type: RequestRedirect, requestRedirect: {hostname: a.invalid}}]\n";
}

void load(Translation& translation, const std::string& text) {
  for (Decoded& decoded : decode_text(text, "test", DecodeMode::kStrict)) {
    ASSERT_NE(decoded.object, nullptr) << text;
    translation.apply(std::vector<source::ObjectEvent>{{decoded.ref, decoded.object}});
  }
}

// Whether the rules of "/p<i>" are served in each shard where they belong.
int served(const Translation& translation, const std::string& path) {
  int shards = 0;
  translation.routes.route_shards.for_each(
      [&](const attach::ShardId&, const envoy::Resource& resource) {
        shards += resource.body->find(path) != std::string::npos ? 1 : 0;
      });
  return shards;
}

TEST(ShardQuarantine, HoldsTheCulpritBackWhereverItStands) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Translation translation(offline_settings());
    translation.apply(builtin_objects());
    load(translation,
         "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw, "
         "annotations: {kgateway.dev/route-sharding: Always}}\nspec: {gatewayClassName: kgateway, "
         "listeners: [{name: http, port: 80, protocol: HTTP}]}\n");
    for (int i = 0; i < 40; ++i) {
      const std::string host = "h" + std::to_string(i) + ".example.com";
      load(translation,
           route(i, i % 10 == 0 ? "*." + host : host, "/path-" + std::to_string(i) + "-"));
    }
    // One in a shard, one in all of them.
    PickyProxy proxy(translation, {"/path-7-", "/path-20-"}, seed);
    proxy.settle();
    EXPECT_GT(proxy.refusals(), 0);
    for (int i = 0; i < 40; ++i) {
      const int everywhere = i % 10 == 0 ? static_cast<int>(envoy::kShards) : 1;
      const bool bad = i == 7 || i == 20;
      EXPECT_EQ(served(translation, "/path-" + std::to_string(i) + "-"), bad ? 0 : everywhere) << i;
    }
  }
}

std::string victim(int edit) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: shop, "
         "namespace: victim}\nspec:\n  parentRefs: [{name: gw, namespace: default}]\n  hostnames: "
         "[shop.example.com]\n  rules:\n  - filters: [{type: RequestRedirect, requestRedirect: "
         "{hostname: victim-" +
         std::to_string(edit) + ".invalid}}]\n";
}

TEST(Quarantine, ASearchHurtsNobodyElse) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Translation translation(offline_settings());
    translation.apply(builtin_objects());
    load(translation,
         "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw}\nspec: "
         "{gatewayClassName: kgateway, listeners: [{name: http, port: 80, protocol: HTTP, "
         "allowedRoutes: {namespaces: {from: All}}}]}\n");
    load(translation, victim(0));
    PickyProxy proxy(translation, {"/bad-"}, seed);
    proxy.settle();
    int down = 0, last = 0;
    proxy.on_accepted = [&](const std::string& body) {
      const std::size_t at = body.find("victim-");
      down += at == std::string::npos ? 1 : 0;
      if (at != std::string::npos) last = std::atoi(body.c_str() + at + 7);
    };
    constexpr int kEdits = 20;
    for (int edit = 1; edit <= kEdits; ++edit) {
      load(translation, victim(edit));
      for (int i = 0; i < 16; ++i) {
        load(translation, route(i, "h" + std::to_string(i) + ".example.com",
                                "/bad-" + std::to_string(edit) + "-" + std::to_string(i)));
      }
      for (int i = 0; i < 5; ++i) proxy.step();
    }
    EXPECT_EQ(down, 0) << "versions in which the victim's rule was missing";
    proxy.settle();
    EXPECT_GT(proxy.refusals(), 0);
    EXPECT_EQ(last, kEdits);
    EXPECT_EQ(served(translation, "/bad-"), 0);
    translation.commit();
    // Nothing is remembered of what nobody has any more.
    EXPECT_LE(translation.routes.quarantined_rules.size(), 2u * 16);
    EXPECT_EQ(translation.routes.last_accepted.size(), 0u);
  }
}

}  // namespace
}  // namespace kgw::app
