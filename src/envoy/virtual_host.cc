#include "envoy/virtual_host.h"

#include <xxhash.h>

#include <algorithm>
#include <tuple>

#include "attach/hostname.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/edge.h"
#include "envoy/splice.h"

namespace kgw::envoy {
namespace {

namespace proto = ::envoy::config::route::v3;
using attach::BoundListener;
using attach::Protocol;

void sort_unique(std::vector<HostId>& hosts) {
  std::ranges::sort(hosts);
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
}

// Exact names, then wildcards by falling length, then none.
std::pair<int, std::size_t> host_rank(const Name& host) {
  if (host.empty()) return {2, 0};
  if (host.view().starts_with('*')) return {1, SIZE_MAX - host.view().size()};
  return {0, 0};
}

auto precedence(const Candidate& c) {
  return std::tuple(host_rank(*c.route_host), -std::int64_t{c.encoded->weight},
                    c.match->specificity, c.encoded->creation_time, c.route->ns().view(),
                    c.route->name().view(), c.route->kind, c.encoded->rules[c.match->rule].index,
                    c.match->match);
}

std::string limits_of_hosts() {
  proto::VirtualHost host;
  allow_request_buffers(host);
  return host.SerializeAsString();
}

std::string header_of(const HostId& host) {
  static const std::string limits = limits_of_hosts();
  std::string bytes = limits;
  append_field(proto::VirtualHost::kNameFieldNumber, virtual_host_name(host), bytes);
  append_field(proto::VirtualHost::kDomainsFieldNumber, host.domain.view(), bytes);
  return bytes;
}

void seal(VirtualHost& host) { host.version = {XXH3_64bits(host.bytes.data(), host.bytes.size())}; }

// Hosts that other listeners of the port own although `listener`'s table would serve them.
void misdirect(const BoundListener& listener, const attach::PortHostnames& port,
               const attach::RouteTableId& table, HostClaims& claims) {
  if (!listener.hostname.empty()) claims.misdirected.push_back({table, "*"});
  for (const Name& other : port.hostnames) {
    if (other != listener.hostname && attach::covers(listener.hostname.view(), other.view())) {
      claims.misdirected.push_back({table, attach::domain_of(other)});
    }
  }
}

}  // namespace

HostClaims claims_of(const attach::RouteAttachment& attachment,
                     const std::function<bool(const ObjectKey& gateway)>& refused) {
  HostClaims claims;
  for (const attach::ParentBinding& parent : attachment.parents) {
    if (!parent.listeners.empty() && refused(parent.gateway)) continue;
    for (const attach::ListenerAttachment& listener : parent.listeners) {
      if (listener.table.name.empty()) continue;
      for (const attach::AttachedHost& host : listener.hosts) {
        claims.served.push_back({listener.table, host.domain});
      }
    }
  }
  sort_unique(claims.served);
  return claims;
}

HostClaims claims_of(const attach::OwnerListeners& owner, const attach::Model& model,
                     engine::Read& read) {
  HostClaims claims;
  for (const BoundListener& listener : owner.listeners) {
    const attach::RouteTableId table = attach::route_table_of(listener);
    if (table.name.empty()) continue;
    claims.served.push_back({table, attach::domain_of(listener.hostname)});
    if (listener.protocol != Protocol::kHttps) continue;
    const auto* port = read.get(model.port_hostnames, {owner.gateway, listener.port});
    if (port != nullptr) misdirect(listener, *port, table, claims);
  }
  sort_unique(claims.served);
  sort_unique(claims.misdirected);
  return claims;
}

bool precedes(const Candidate& a, const Candidate& b) { return precedence(a) < precedence(b); }

std::string virtual_host_name(const HostId& host) {
  std::string domain = host.domain.str();
  if (domain != "*")
    std::ranges::replace_if(domain, [](char c) { return c == '.' || c == '*'; }, '_');
  return host.table.name.str() + "~" + domain;
}

VirtualHost splice_host(const HostId& host, std::vector<Candidate> candidates) {
  std::ranges::sort(candidates, precedes);
  VirtualHost result{header_of(host), {}, {}};
  std::size_t size = result.bytes.size();
  for (const Candidate& c : candidates) size += c.match->end - c.match->begin;
  result.bytes.reserve(size);
  for (const Candidate& c : candidates) {
    result.bytes += c.variant->bytes_of(*c.match);
    const EncodedRule& rule = c.encoded->rules[c.match->rule];
    result.sources.push_back({*c.route, rule.index, rule.content});
  }
  std::ranges::sort(result.sources);
  result.sources.erase(std::unique(result.sources.begin(), result.sources.end()),
                       result.sources.end());
  result.sources.shrink_to_fit();
  seal(result);
  return result;
}

VirtualHost misdirected_host(const HostId& host) {
  proto::Route route;
  route.mutable_match()->set_prefix("/");
  route.mutable_direct_response()->set_status(421);
  VirtualHost result{header_of(host), {}, {}};
  append_field(proto::VirtualHost::kRoutesFieldNumber, route.SerializeAsString(), result.bytes);
  seal(result);
  return result;
}

}  // namespace kgw::envoy
