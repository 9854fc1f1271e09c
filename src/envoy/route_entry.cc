#include "envoy/route_entry.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "envoy/config/route/v3/route_components.pb.h"
#include "policy/filters.h"
#include "policy/preflight.h"

namespace kgw::envoy {
namespace {

namespace proto = ::envoy::config::route::v3;
using policy::Actions;
using policy::BoundBackend;
using policy::BoundMatch;
using policy::BoundRule;

std::string serialize(const proto::Route& route) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);  // typed_per_filter_config is a map
  route.SerializeToCodedStream(&out);
  out.Trim();
  return bytes;
}

template <class Message>  // Route or ClusterWeight
void encode_edits(const Actions& actions, Message& out) {
  policy::encode_header_edit(actions.request, *out.mutable_request_headers_to_add(),
                             *out.mutable_request_headers_to_remove());
  policy::encode_header_edit(actions.response, *out.mutable_response_headers_to_add(),
                             *out.mutable_response_headers_to_remove());
}

std::optional<policy::PathEdit> path_edit(const Actions& actions) {
  return actions.rewrite ? actions.rewrite->path : std::nullopt;
}

template <class Message>  // RouteAction or ClusterWeight
void encode_host(const Actions& actions, Message& out) {
  if (!actions.rewrite || actions.rewrite->hostname.empty()) return;
  out.set_host_rewrite_literal(actions.rewrite->hostname);
}

// They differ at most in what a weighted cluster can say for itself: headers and host.
bool share_a_route(const Actions& a, const Actions& b) {
  return path_edit(a) == path_edit(b) && a.mirrors == b.mirrors && a.cors == b.cors &&
         a.ext_auth == b.ext_auth;
}

// Of a rule whose backends differ in it, a preflight cannot be told whose it is: the first counts.
const policy::Cors* cors_of(const BoundRule& rule) {
  for (const BoundBackend& backend : rule.backends) {
    const Actions& actions = policy::actions_of(backend.actions);
    if (backend.valid && actions.cors) return &*actions.cors;
  }
  const Actions& actions = policy::actions_of(rule.actions);
  return actions.cors ? &*actions.cors : nullptr;
}

// A backend with what happens on the way to it.
struct Outcome {
  const BoundBackend* backend;
  Actions actions;
};

// Where nothing can be sent to.
const BoundBackend kNoBackend{};

std::vector<Outcome> outcomes_of(const BoundRule& rule) {
  std::vector<Outcome> outcomes;
  for (const BoundBackend& backend : rule.backends) {
    const Actions& actions = policy::actions_of(rule.actions);
    outcomes.push_back(
        {&backend, backend.actions ? policy::combine(actions, *backend.actions) : actions});
  }
  return outcomes;
}

class Encoder {
 public:
  Encoder(const BoundRule& rule, const BoundMatch& match, const policy::ListenerFacts& listener)
      : rule_(rule), match_(match), listener_(listener) {}

  std::vector<std::string> encode() && {
    if (rule_.broken) return {encode_replaced(rule_, match_)};
    if (rule_.redirect) {
      redirect();
    } else {
      forward();
    }
    return std::move(out_);
  }

 private:
  static constexpr std::uint32_t kAll = policy::kWhole;

  void redirect() {
    for (const BoundMatch& match : policy::expand_for(rule_.redirect->path, match_)) {
      if (const auto& cors = policy::actions_of(rule_.actions).cors) {
        add_preflight(match);
        for (const policy::Origin& origin : policy::origins_of(*cors)) add_redirect(match, &origin);
      }
      add_redirect(match, nullptr);
    }
  }

  // The CORS filter answers on a Route that forwards, and this one has nowhere to forward to.
  void add_preflight(const BoundMatch& match) {
    proto::Route route = start_alone({&kNoBackend, policy::actions_of(rule_.actions)}, match, kAll);
    policy::require_preflight(*route.mutable_match());
    out_.push_back(serialize(route));
  }

  // `origin`: for requests of an origin that CORS allows.
  void add_redirect(const BoundMatch& match, const policy::Origin* origin) {
    const policy::Redirect& redirect = *rule_.redirect;
    const policy::LocationPort port = policy::location_port(redirect, listener_);
    if (policy::depends_on_host_port(redirect, listener_)) {
      proto::Route route = start_redirect(match, port.number, origin);
      policy::require_host_port(*route.mutable_match());
      out_.push_back(serialize(route));
    }
    out_.push_back(serialize(start_redirect(match, port.implied ? 0 : port.number, origin)));
  }

  proto::Route start_redirect(const BoundMatch& match, std::uint32_t port,
                              const policy::Origin* origin) const {
    proto::Route route = start(match, kAll);
    const Actions& actions = policy::actions_of(rule_.actions);
    if (origin != nullptr) {
      policy::require_origin(*origin, *route.mutable_match());
      policy::add_cors_headers(*actions.cors, route);
    }
    encode_edits(actions, route);
    if (actions.ext_auth) policy::encode_ext_auth(*actions.ext_auth, route);
    policy::encode_redirect(*rule_.redirect, match, port, *route.mutable_redirect());
    return route;
  }

  void forward() {
    std::vector<Outcome> outcomes = outcomes_of(rule_);
    pins_ = rule_.session && policy::pins_backends(*rule_.session) && outcomes.size() > 1;
    if (pins_) pinned(outcomes);
    std::erase_if(outcomes, [](const Outcome& outcome) { return outcome.backend->weight == 0; });
    if (outcomes.empty()) outcomes.push_back({&kNoBackend, policy::actions_of(rule_.actions)});
    const Outcome& first = outcomes.front();
    const bool together = std::ranges::all_of(outcomes, [&](const Outcome& outcome) {
      return share_a_route(first.actions, outcome.actions);
    });
    if (!together) return split(outcomes);
    for (const BoundMatch& match : policy::expand_for(path_edit(first.actions), match_)) {
      out_.push_back(one_route(outcomes, match));
    }
  }

  // A Route per backend for the requests of the sessions that it has.
  void pinned(const std::vector<Outcome>& outcomes) {
    for (const Outcome& outcome : outcomes) {
      if (!outcome.backend->valid) continue;
      for (const BoundMatch& match : policy::expand_for(path_edit(outcome.actions), match_)) {
        proto::Route route = start_alone(outcome, match, kAll);
        policy::require_pin(*rule_.session, cluster_of(*outcome.backend), *route.mutable_match());
        out_.push_back(serialize(route));
      }
    }
  }

  // A Route per backend; each takes what is below its threshold and was not taken before.
  void split(const std::vector<Outcome>& outcomes) {
    std::uint64_t total = 0, sum = 0;
    for (const Outcome& outcome : outcomes) total += outcome.backend->weight;
    for (const Outcome& outcome : outcomes) {
      sum += outcome.backend->weight;
      const auto threshold = static_cast<std::uint32_t>((sum * kAll + total / 2) / total);
      for (const BoundMatch& match : policy::expand_for(path_edit(outcome.actions), match_)) {
        proto::Route route = start_alone(outcome, match, threshold);
        pin(outcome, route);
        out_.push_back(serialize(route));
      }
    }
  }

  // A Route to one backend only.
  proto::Route start_alone(const Outcome& outcome, const BoundMatch& match,
                           std::uint32_t threshold) const {
    proto::Route route = start_forward(outcome.actions, match, threshold);
    encode_edits(outcome.actions, route);
    encode_host(outcome.actions, *route.mutable_route());
    route.mutable_route()->set_cluster(cluster_of(*outcome.backend));
    return route;
  }

  template <class Message>  // Route or ClusterWeight
  void pin(const Outcome& outcome, Message& out) const {
    if (!pins_ || !outcome.backend->valid) return;
    policy::add_pin(*rule_.session, cluster_of(*outcome.backend),
                    *out.mutable_response_headers_to_add()->Add());
  }

  std::string one_route(const std::vector<Outcome>& outcomes, const BoundMatch& match) const {
    const Outcome& first = outcomes.front();
    if (outcomes.size() == 1) {
      proto::Route route = start_alone(first, match, kAll);
      pin(first, route);
      return serialize(route);
    }
    proto::Route route = start_forward(first.actions, match, kAll);
    proto::RouteAction& action = *route.mutable_route();
    const bool same = std::ranges::all_of(
        outcomes, [&](const Outcome& outcome) { return outcome.actions == first.actions; });
    if (same) {
      encode_edits(first.actions, route);
      encode_host(first.actions, action);
    }
    for (const Outcome& outcome : outcomes) {
      auto& cluster = *action.mutable_weighted_clusters()->add_clusters();
      cluster.set_name(cluster_of(*outcome.backend));
      cluster.mutable_weight()->set_value(outcome.backend->weight);
      pin(outcome, cluster);
      if (same) continue;
      encode_edits(outcome.actions, cluster);
      encode_host(outcome.actions, cluster);
    }
    return serialize(route);
  }

  static proto::Route start(const BoundMatch& match, std::uint32_t threshold) {
    proto::Route route;
    policy::encode_match(match, *route.mutable_match());
    if (threshold < kAll) {
      auto& fraction = *route.mutable_match()->mutable_runtime_fraction()->mutable_default_value();
      fraction.set_numerator(threshold);
      fraction.set_denominator(::envoy::type::v3::FractionalPercent::MILLION);
    }
    return route;
  }

  // Everything but the cluster, the header edits and the host.
  proto::Route start_forward(const Actions& actions, const BoundMatch& match,
                             std::uint32_t threshold) const {
    proto::Route route = start(match, threshold);
    proto::RouteAction& action = *route.mutable_route();
    // Envoy's own answer is 503, which is UNAVAILABLE to a gRPC client.
    if (!rule_.grpc) {
      action.set_cluster_not_found_response_code(proto::RouteAction::INTERNAL_SERVER_ERROR);
    }
    policy::encode_timeouts_and_retry(rule_.timeouts ? *rule_.timeouts : policy::Timeouts(),
                                      rule_.retry ? &*rule_.retry : nullptr, rule_.grpc, action);
    if (const auto edit = path_edit(actions)) policy::encode_path_rewrite(*edit, match, action);
    for (const policy::Mirror& mirror : actions.mirrors) policy::encode_mirror(mirror, action);
    if (actions.cors) policy::encode_cors(*actions.cors, route);
    if (actions.ext_auth) policy::encode_ext_auth(*actions.ext_auth, route);
    if (rule_.session) policy::encode_session(*rule_.session, route);
    return route;
  }

  static std::string cluster_of(const BoundBackend& backend) {
    return backend.valid ? attach::cluster_name(backend.cluster).str() : kBlackholeCluster;
  }

  const BoundRule& rule_;
  const BoundMatch& match_;
  const policy::ListenerFacts& listener_;
  bool pins_ = false;  // a session also keeps its backend
  std::vector<std::string> out_;
};

}  // namespace

std::vector<std::string> encode_routes(const BoundRule& rule, const BoundMatch& match,
                                       const policy::ListenerFacts& listener) {
  return Encoder(rule, match, listener).encode();
}

std::vector<std::string> encode_preflights(const BoundRule& rule, const BoundMatch& match) {
  std::vector<std::string> out;
  const policy::Cors* cors = cors_of(rule);
  if (cors == nullptr) return out;
  for (const BoundMatch& preflight : policy::preflights_of(match)) {
    proto::Route route;
    policy::encode_match(preflight, *route.mutable_match());
    route.mutable_route()->set_cluster(kBlackholeCluster);
    route.mutable_route()->set_cluster_not_found_response_code(
        proto::RouteAction::INTERNAL_SERVER_ERROR);
    policy::encode_cors(*cors, route);
    out.push_back(serialize(route));
  }
  return out;
}

std::string encode_replaced(const BoundRule& rule, const BoundMatch& match) {
  proto::Route route;
  policy::encode_match(match, *route.mutable_match());
  route.mutable_direct_response()->set_status(rule.grpc ? 503 : 500);
  route.mutable_direct_response()->mutable_body()->set_inline_string(kReplacedBody);
  return serialize(route);
}

}  // namespace kgw::envoy
