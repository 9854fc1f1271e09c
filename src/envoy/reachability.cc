#include "envoy/reachability.h"

#include <algorithm>
#include <map>
#include <utility>

#include "policy/match_cover.h"

namespace kgw::envoy {
namespace {

using engine::Read;
using policy::BoundMatch;

RulePlace place_of(const Candidate& candidate) {
  return {*candidate.route, candidate.encoded->rules[candidate.match->rule].index};
}

bool is_for_preflights(const EncodedMatch& match) {
  return match.specificity.method == policy::MethodRank::kPreflight ||
         match.specificity.method == policy::MethodRank::kPreflightOfMethod;
}

const BoundMatch* match_of(const policy::Rules& rules, Read& read, const Candidate& candidate) {
  const policy::BoundRoute* route = read.get(rules.rules, *candidate.route);
  const std::uint32_t index = candidate.encoded->rules[candidate.match->rule].index;
  if (route == nullptr || index >= route->rules.size()) return nullptr;
  const std::vector<BoundMatch>& matches = route->rules[index].matches;
  return candidate.match->match < matches.size() ? &matches[candidate.match->match] : nullptr;
}

std::vector<MatchPlace> places_at(const policy::Rules& rules, std::vector<Candidate> candidates,
                                  Read& read) {
  std::ranges::sort(candidates, precedes);
  std::vector<MatchPlace> places;
  policy::MatchCover cover;
  for (const Candidate& candidate : candidates) {
    if (is_for_preflights(*candidate.match)) continue;
    const BoundMatch* match = match_of(rules, read, candidate);
    if (match == nullptr) continue;
    MatchPlace place{place_of(candidate), candidate.match->match, {}};
    // The indexes of `cover` are those of `places`.
    if (const auto by = cover.add(*match)) place.covered_by = places[*by].rule;
    places.push_back(std::move(place));
  }
  return places;
}

std::string rule_text(const policy::BoundRule& rule, std::uint32_t index) {
  return rule.name.empty() ? std::to_string(index) : rule.name.str();
}

std::string field_of(const policy::BoundRule& rule, std::uint32_t index, std::uint32_t match) {
  const std::string field = "spec.rules[" + std::to_string(index) + "]";
  const bool by_default = rule.matches.size() == 1 && rule.matches[0] == BoundMatch();
  return by_default ? field : field + ".matches[" + std::to_string(match) + "]";
}

}  // namespace

Reachability::Reachability(engine::Graph& graph, const attach::Model& model,
                           const policy::Rules& rules, const Routes& routes)
    : rules_(rules),
      places_(graph.derived<HostId, std::vector<MatchPlace>>("match places")
                  .from(routes.claims_by_host,
                        [&model, &rules, &routes](const HostId& host, Read& read) {
                          return std::optional(
                              places_at(rules, candidates_of(model, routes, read, host), read));
                        })) {}

Diagnostics Reachability::warnings() const {
  // By match: what covers it at the hosts seen so far; empty when it can be reached at one.
  std::map<std::pair<RulePlace, std::uint32_t>, std::optional<RulePlace>> matches;
  places_.for_each([&](const HostId&, const std::vector<MatchPlace>& places) {
    for (const MatchPlace& place : places) {
      const auto [known, first] = matches.try_emplace({place.rule, place.match}, place.covered_by);
      if (!first && !place.covered_by) known->second.reset();
    }
  });
  Diagnostics warnings;
  for (const auto& [match, by] : matches) {
    const RulePlace& place = match.first;
    if (!by || *by == place) continue;
    const policy::BoundRule& rule = rules_.rules.find(place.route)->rules[place.rule];
    const policy::BoundRule& other = rules_.rules.find(by->route)->rules[by->rule];
    warnings.push_back({place.route,
                        field_of(rule, place.rule, match.second),
                        "Unreachable",
                        "no request gets here: rule " + rule_text(other, by->rule) + " of " +
                            to_string(by->route) + " comes first and takes all of them",
                        Severity::kWarning,
                        {}});
  }
  return warnings;
}

}  // namespace kgw::envoy
