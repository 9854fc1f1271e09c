#include "envoy/virtual_host.h"

#include <gmock/gmock.h>

#include <random>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/route_entry.h"
#include "envoy/splice.h"
#include "policy/test_route.h"
#include "policy/test_text.h"

namespace kgw::envoy {
namespace {

using policy::BoundMatch;
using policy::BoundRoute;
using policy::BoundRule;

namespace proto = ::envoy::config::route::v3;

const QuarantineOf kNoQuarantine = [](Version) { return QuarantineVerdict(); };
const HostId kHost{{{"ns", "gw"}, "listener~80"}, "*.example-1.com"};

// A route at a host, with everything that candidates point to.
struct Attached {
  BoundRoute route;
  Name host;
  EncodedRoute encoded;

  explicit Attached(BoundRoute bound, Name host = {}) : route(std::move(bound)), host(host) {
    encoded = encode_route(route, {}, kNoQuarantine);
  }
};

std::vector<Candidate> candidates(const std::vector<Attached>& attached) {
  std::vector<Candidate> result;
  for (const Attached& a : attached) {
    const RouteVariant& variant = a.encoded.variants.front();
    for (const EncodedMatch& match : variant.matches) {
      result.push_back({&a.route.ref, &a.host, &a.encoded, &variant, &match});
    }
  }
  return result;
}

proto::VirtualHost parse(const VirtualHost& host) {
  proto::VirtualHost message;
  EXPECT_TRUE(message.ParseFromString(host.bytes));
  return message;
}

TEST(VirtualHost, NamesAreUniqueAndReadable) {
  const attach::RouteTableId table{{"ns", "gw"}, "listener~80"};
  const auto name = [&](const char* domain) { return virtual_host_name({table, domain}); };
  EXPECT_EQ(name("*"), "listener~80~*");
  EXPECT_EQ(name("*.a.com"), "listener~80~__a_com");
  EXPECT_EQ(name("a-b.com"), "listener~80~a-b_com");
  EXPECT_NE(name("a-b.com"), name("a.b.com"));
}

TEST(VirtualHost, AHeavierRouteComesFirstAmongThoseOfItsHostname) {
  const auto route = [](const char* name, const char* path, std::int32_t weight) {
    BoundRoute bound =
        policy::bind_all({policy::rule({policy::prefix(path)}, {policy::backend(name)})});
    bound.ref = {Kind::kHttpRoute, {"ns", name}};
    bound.weight = weight;
    return bound;
  };
  const std::vector<Attached> attached{
      Attached(route("light", "/long/path", -1), "*.a.com"),
      Attached(route("usual", "/long", 0), "*.a.com"),
      Attached(route("heavy", "/", 5), "*.a.com"),
      Attached(route("narrow", "/", -9), "x.a.com"),
  };
  const proto::VirtualHost host = parse(splice_host(kHost, candidates(attached)));
  std::vector<std::string> clusters;
  for (const auto& entry : host.routes()) {
    clusters.push_back(entry.route().cluster());
  }
  EXPECT_THAT(clusters, testing::ElementsAre("kube_ns_narrow_80", "kube_ns_heavy_80",
                                             "kube_ns_usual_80", "kube_ns_light_80"));
}

TEST(VirtualHost, SplicingEqualsSerializing) {
  auto bound =
      policy::bind_all({policy::rule({policy::prefix("/a"), policy::exact("/b")},
                                     {policy::backend("s", 1), policy::backend("t", 2)}),
                        policy::rule({policy::prefix("/c")}, {policy::backend("u")},
                                     {policy::rewrite_to({}, policy::replace_prefix("/"))})});
  bound.ref = {Kind::kHttpRoute, {"ns", "r"}};
  bound.rules[0].name = "first";
  const std::vector<Attached> attached{Attached(bound)};
  const proto::VirtualHost spliced = parse(splice_host(kHost, candidates(attached)));

  proto::VirtualHost expected;
  expected.set_name("listener~80~__example-1_com");
  expected.add_domains("*.example-1.com");
  expected.mutable_request_body_buffer_limit()->set_value(1048576);
  // The exact path first, then prefixes, both two bytes long, by position.
  for (const auto& [rule, match] : {std::pair{0, 1}, {0, 0}, {1, 0}}) {
    for (const std::string& bytes :
         encode_routes(bound.rules[rule], bound.rules[rule].matches[match], {})) {
      proto::Route& route = *expected.add_routes();
      ASSERT_TRUE(route.ParseFromString(bytes));
      route.set_name(rule == 0
                         ? "HTTPRoute/ns/r/first"
                         : "HTTPRoute/ns/r/" + to_string(attached[0].encoded.rules[1].content));
    }
  }
  EXPECT_EQ(policy::as_text(spliced), policy::as_text(expected));
  EXPECT_EQ(spliced.routes_size(), 4);
}

TEST(VirtualHost, FieldSizesAreExact) {
  for (const std::size_t size : {0u, 1u, 127u, 128u, 16383u, 16384u, 70000u}) {
    for (const int number : {1, 15, 16, 2047, 2048}) {
      std::string bytes;
      append_field(number, std::string(size, 'x'), bytes);
      EXPECT_EQ(bytes.size(), field_size(number, size));
    }
  }
}

TEST(VirtualHost, MisdirectedHostsAnswer421) {
  policy::expect_text(parse(misdirected_host(kHost)), R"(
    name: "listener~80~__example-1_com" domains: "*.example-1.com"
    request_body_buffer_limit { value: 1048576 }
    routes { match { prefix: "/" } direct_response { status: 421 } })");
}

// --- The order, against the words of the specification ---

struct Placed {
  const BoundRoute* route;
  Name host;
  std::size_t rule, match;
  const BoundMatch& spec() const { return route->rules[rule].matches[match]; }
};

int kind_rank(const BoundMatch& m) {
  if (m.path_type == PathMatchType::kExact) return 0;
  return m.path_type == PathMatchType::kRegularExpression ? 1 : 2;
}

// "Exact hostnames before wildcards, longer wildcards before shorter, none last"; then "Exact path
// match; [an expression, which the specification leaves to us]; Prefix path match with largest
// number of characters; Method match; largest number of
// header matches; largest number of query param matches; the oldest Route; the Route appearing
// first in alphabetical order by {namespace}/{name}"; then the first matching rule.
bool wins(const Placed& a, const Placed& b) {
  const bool wild_a = a.host.view().starts_with('*'), wild_b = b.host.view().starts_with('*');
  if (a.host.empty() != b.host.empty()) return b.host.empty();
  if (wild_a != wild_b) return wild_b;
  if (wild_a && a.host.str().size() != b.host.str().size()) {
    return a.host.str().size() > b.host.str().size();
  }
  const BoundMatch &x = a.spec(), &y = b.spec();
  if (kind_rank(x) != kind_rank(y)) return kind_rank(x) < kind_rank(y);
  if (kind_rank(x) == 2 && x.path.size() != y.path.size()) return x.path.size() > y.path.size();
  if (x.method.empty() != y.method.empty()) return y.method.empty();
  if (x.headers.size() != y.headers.size()) return x.headers.size() > y.headers.size();
  if (x.query.size() != y.query.size()) return x.query.size() > y.query.size();
  if (a.route->creation_time != b.route->creation_time) {
    return a.route->creation_time < b.route->creation_time;
  }
  const std::string name_a = to_string(a.route->ref.key), name_b = to_string(b.route->ref.key);
  if (name_a != name_b) return name_a < name_b;
  if (a.route->ref.kind != b.route->ref.kind) return a.route->ref.kind < b.route->ref.kind;
  if (a.rule != b.rule) return a.rule < b.rule;
  return a.match < b.match;
}

class RandomRoutes {
 public:
  explicit RandomRoutes(unsigned seed) : random_(seed) {}

  Attached attached(int number) {
    BoundRoute route;
    route.ref = {pick(2) == 0 ? Kind::kHttpRoute : Kind::kGrpcRoute,
                 {std::string(1, static_cast<char>('a' + pick(3))), "r" + std::to_string(number)}};
    route.creation_time = pick(3);
    for (int i = 0, n = 1 + pick(3); i < n; ++i) {
      BoundRule rule;
      rule.name = Name(std::to_string(i));
      for (int j = 0, m = 1 + pick(3); j < m; ++j) rule.matches.push_back(match());
      route.rules.push_back(std::move(rule));
    }
    static const char* kHosts[] = {"", "*.com", "*.b.com", "a.b.com", "c.b.com"};
    return Attached(std::move(route), kHosts[pick(5)]);
  }

 private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  BoundMatch match() {
    BoundMatch match;
    static const PathMatchType kTypes[] = {PathMatchType::kExact, PathMatchType::kPathPrefix,
                                           PathMatchType::kRegularExpression};
    match.path_type = kTypes[pick(3)];
    match.path = "/" + std::string(static_cast<std::size_t>(pick(3)), 'x');
    if (pick(2) == 0) match.method = "GET";
    for (int i = 0, n = pick(3); i < n; ++i) match.headers.push_back({{}, "h", "1"});
    for (int i = 0, n = pick(3); i < n; ++i) match.query.push_back({{}, "q", "1"});
    return match;
  }

  std::mt19937 random_;
};

std::string signature(const proto::RouteMatch& match) { return policy::as_text(match); }

TEST(VirtualHost, TheOrderIsThatOfTheSpecification) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    RandomRoutes random(seed);
    std::vector<Attached> attached;
    for (int i = 0; i < 8; ++i) attached.push_back(random.attached(i));

    std::vector<Placed> expected;
    for (const Attached& a : attached) {
      for (std::size_t r = 0; r < a.route.rules.size(); ++r) {
        for (std::size_t m = 0; m < a.route.rules[r].matches.size(); ++m) {
          const Placed placed{&a.route, a.host, r, m};
          auto at = expected.begin();  // insertion by pairwise comparison
          while (at != expected.end() && wins(*at, placed)) ++at;
          expected.insert(at, placed);
        }
      }
    }
    std::vector<Candidate> shuffled = candidates(attached);
    std::ranges::shuffle(shuffled, std::mt19937(seed));
    const proto::VirtualHost host = parse(splice_host(kHost, shuffled));
    ASSERT_EQ(host.routes_size(), static_cast<int>(expected.size()));
    for (int i = 0; i < host.routes_size(); ++i) {
      const Placed& p = expected[static_cast<std::size_t>(i)];
      proto::RouteMatch match;
      policy::encode_match(p.spec(), match);
      EXPECT_EQ(signature(host.routes(i).match()), signature(match)) << "seed " << seed;
      EXPECT_EQ(host.routes(i).name(), std::string(kind_name(p.route->ref.kind)) + "/" +
                                           to_string(p.route->ref.key) + "/" +
                                           std::to_string(p.rule));
    }
  }
}

}  // namespace
}  // namespace kgw::envoy
