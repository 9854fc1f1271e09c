// Contract: a model that has seen a history of edits equals one that has seen only the outcome.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "attach/test_certificates.h"

namespace kgw::attach {
namespace {

using Objects = std::map<ObjectRef, std::shared_ptr<const Object>>;

class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  int up_to(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool chance(int one_in) { return up_to(one_in) == 0; }
  template <typename T>
  const T& of(const std::vector<T>& all) {
    return all[static_cast<std::size_t>(up_to(static_cast<int>(all.size())))];
  }

 private:
  std::mt19937 random_;
};

const std::vector<const char*> kNamespaces = {"one", "two", "three"};
const std::vector<const char*> kNames = {"a", "b", "c"};
const std::vector<const char*> kHosts = {"", "*.com", "*.a.com", "x.a.com", "y.a.com", "b.org"};
const std::vector<const char*> kProtocols = {"HTTP", "HTTP", "HTTPS", "TLS", "TCP", "UDP", "X"};
const std::vector<std::int32_t> kPorts = {80, 81, 443, 0, 8082};
const std::vector<FromNamespaces> kFrom = {FromNamespaces::kAll, FromNamespaces::kSame,
                                           FromNamespaces::kNone};

// Random objects of a universe so small that they meet each other all the time.
class Universe {
 public:
  explicit Universe(unsigned seed) : dice_(seed) {}

  std::pair<ObjectRef, std::shared_ptr<const Object>> edit() {
    auto object = make();
    return {object->ref(), dice_.chance(4) ? nullptr : object};
  }
  bool commit_now() { return dice_.chance(3); }

 private:
  template <typename T>
  T some() {
    return named(T(), dice_.of(kNamespaces), dice_.of(kNames));
  }
  template <typename T>
  std::shared_ptr<const Object> done(T object) {
    object.metadata.creation_time = dice_.up_to(3);
    return std::make_shared<const T>(std::move(object));
  }

  NamespacePolicy policy() {
    if (dice_.chance(4)) return selecting("team", dice_.chance(2) ? "red" : "blue");
    return {dice_.of(kFrom), {}};
  }

  std::vector<Listener> listeners() {
    std::vector<Listener> result;
    const int count = 1 + dice_.up_to(3);
    for (int i = 0; i < count; ++i) {
      Listener next = listener(kNames[static_cast<std::size_t>(i)], dice_.of(kProtocols),
                               dice_.of(kPorts), dice_.of(kHosts));
      next.allowed_routes.namespaces = policy();
      if (next.protocol == "HTTPS" || next.protocol == "TLS") {
        next.tls = ListenerTls{};
        if (dice_.chance(3)) next.tls->mode = TlsMode::kPassthrough;
        next.tls->certificate_refs.push_back(
            {.name = dice_.of(kNames), .ns = std::string(dice_.of(kNamespaces))});
      }
      result.push_back(std::move(next));
    }
    return result;
  }

  std::shared_ptr<const Object> make_gateway() {
    auto gw = some<Gateway>();
    gw.gateway_class_name = dice_.chance(5) ? "second" : "kgateway";
    gw.listeners = listeners();
    gw.allowed_listeners = policy();
    if (dice_.chance(8)) gw.addresses = {{"unknown", "x"}};
    if (dice_.chance(3)) gw.default_scope = "All";
    if (dice_.chance(2)) {
      gw.tls = GatewayTls{};
      gw.tls->frontend = GatewayFrontendTls{};
      gw.tls->frontend->default_config.validation =
          FrontendValidation{{{"", "ConfigMap", dice_.of(kNames), dice_.of(kNamespaces)}}};
      gw.tls->backend = GatewayBackendTls{SecretObjectRef{.name = dice_.of(kNames)}};
    }
    return done(gw);
  }

  std::shared_ptr<const Object> make_route() {
    auto r = some<HttpRoute>();
    const int count = 1 + dice_.up_to(2);
    for (int i = 0; i < count; ++i) {
      ParentRef ref = in(parent(dice_.of(kNames)), dice_.of(kNamespaces));
      if (dice_.chance(2)) ref.kind = "ListenerSet";
      if (dice_.chance(3)) ref.section_name = dice_.of(kNames);
      if (dice_.chance(4)) ref.port = dice_.of(kPorts);
      r.parent_refs.push_back(ref);
    }
    if (dice_.chance(4)) r.use_default_gateways = "All";
    while (dice_.chance(2)) r.hostnames.emplace_back(kHosts[1 + dice_.up_to(5)]);
    r.rules.emplace_back().backend_refs.push_back({{.name = dice_.of(kNames), .port = 80}});
    return done(r);
  }

  std::shared_ptr<const Object> make_policy() {
    auto p = some<BackendTlsPolicy>();
    p.target_refs.push_back({"", "Service", dice_.of(kNames), {}});
    if (dice_.chance(2)) p.target_refs[0].section_name = "tls";
    p.ca_certificate_refs.push_back({"", "ConfigMap", dice_.of(kNames)});
    return done(p);
  }

  std::shared_ptr<const Object> make() {
    switch (dice_.up_to(9)) {
      case 0:
        return make_gateway();
      case 1: {
        auto set = some<ListenerSet>();
        set.parent_ref = in(parent(dice_.of(kNames)), dice_.of(kNamespaces));
        set.listeners = listeners();
        return done(set);
      }
      case 2:
      case 3:
        return make_route();
      case 4: {
        auto ns =
            labelled_namespace(dice_.of(kNamespaces), {{"team", dice_.chance(2) ? "red" : "blue"}});
        return done(ns);
      }
      case 5:
        return done(tls_secret(dice_.of(kNamespaces), dice_.of(kNames), pair_));
      case 6:
        return done(ca_map(dice_.of(kNamespaces), dice_.of(kNames),
                           dice_.chance(3) ? "junk" : pair_.certificate));
      case 7: {
        auto s = some<Service>();
        s.ports = {{.name = dice_.chance(2) ? "tls" : "", .port = 80}};
        return done(s);
      }
      default:
        return dice_.chance(2) ? make_policy() : make_grant();
    }
  }

  std::shared_ptr<const Object> make_grant() {
    auto g = some<ReferenceGrant>();
    g.from = {{kGatewayApi, dice_.chance(2) ? "Gateway" : "ListenerSet", dice_.of(kNamespaces)}};
    g.to = {{"", dice_.chance(2) ? "Secret" : "ConfigMap", {}}};
    return done(g);
  }

  Dice dice_;
  const Pair pair_ = make_pair();
};

template <typename K, typename V>
void expect_same(const engine::Table<K, V>& incremental, const engine::Table<K, V>& fresh) {
  EXPECT_EQ(incremental.size(), fresh.size()) << incremental.name();
  fresh.for_each([&](const K& key, const V& value) {
    const V* found = incremental.find(key);
    ASSERT_NE(found, nullptr) << incremental.name() << " " << engine::key_text(key);
    EXPECT_TRUE(*found == value) << incremental.name() << " " << engine::key_text(key);
  });
}

void expect_same(const Model& a, const Model& b) {
  expect_same(a.listeners, b.listeners);
  expect_same(a.owner_listeners, b.owner_listeners);
  expect_same(a.port_hostnames, b.port_hostnames);
  expect_same(a.certificates, b.certificates);
  expect_same(a.ca_bundles, b.ca_bundles);
  expect_same(a.gateway_facts, b.gateway_facts);
  expect_same(a.listener_tls, b.listener_tls);
  expect_same(a.attachments, b.attachments);
  expect_same(a.target_tls, b.target_tls);
  expect_same(a.backend_tls, b.backend_tls);
  expect_same(a.route_backends, b.route_backends);
  expect_same(a.backend_tls_verdicts, b.backend_tls_verdicts);
}

class History : public testing::TestWithParam<unsigned> {};

TEST_P(History, DoesNotMatter) {
  Universe universe(GetParam());
  const Place place{.own_ports = {8082}, .one_host = GetParam() % 2 == 0};
  World world(place);
  Objects objects;
  for (int step = 0; step < 400; ++step) {
    const auto [ref, object] = universe.edit();
    world.model.inputs.apply(ref, object);
    if (object != nullptr) {
      objects[ref] = object;
    } else {
      objects.erase(ref);
    }
    if (universe.commit_now()) world.commit();
    if (step % 50 != 49) continue;
    world.commit();
    World fresh(place);
    for (const auto& [key, value] : objects) fresh.model.inputs.apply(key, value);
    fresh.commit();
    expect_same(world.model, fresh.model);
    if (HasFailure()) FAIL() << "after step " << step;
  }
  EXPECT_GT(world.model.attachments.size(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, History, testing::Range(1u, 21u));

}  // namespace
}  // namespace kgw::attach
