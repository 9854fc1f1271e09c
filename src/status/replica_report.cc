#include "status/replica_report.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "xds/refusal_text.h"

namespace kgw::status {
namespace {

using envoy::ResourceKey;
using envoy::ResourceType;
using nlohmann::json;
using State = ReportedResource::State;

constexpr std::size_t kMaxProxies = 1'000'000;

// Nothing if nobody of them wants it.
std::optional<ReportedResource> resource_of(const xds::Ledger& ledger, const Feedback& feedback,
                                            const ObjectKey& gateway, const ResourceKey& key) {
  const xds::Delivery delivery = ledger.delivery(gateway, key);
  if (!delivery.current || delivery.subscribed == 0) return std::nullopt;
  if (feedback.is_searching({gateway, key})) return ReportedResource{};
  if (delivery.nack) {
    return ReportedResource{State::kRefused, *delivery.current, delivery.nack->message};
  }
  const bool accepted = delivery.delivered || delivery.accepted == delivery.subscribed;
  return accepted ? ReportedResource{State::kAccepted, *delivery.current, {}} : ReportedResource{};
}

// What is wrong with a text is thrown by whoever finds it, and caught in decode_report().
[[noreturn]] void fail(const std::string& problem) { throw std::invalid_argument(problem); }

ResourceType type_of(const std::string& name) {
  for (const ResourceType type : envoy::kResourceTypes) {
    if (envoy::type_name(type) == name) return type;
  }
  fail("\"" + name + "\" is no type of resource");
}

envoy::Version version_of(const json& value) {
  const auto text = value.is_string() ? value.get<std::string>() : value.dump();
  envoy::Version version;
  const char* end = text.data() + text.size();
  const auto [at, problem] = std::from_chars(text.data(), end, version.hash, 16);
  if (!value.is_string() || problem != std::errc() || at != end)
    fail("\"" + text + "\" is no version");
  return version;
}

// {"Listener": {"listener~80": VALUE}}; visit(key, VALUE).
template <typename Visit>
void each_resource(const json& types, const Visit& visit) {
  if (!types.is_object()) fail("resources must be an object by type");
  for (const auto& [type_name, entries] : types.items()) {
    const ResourceType type = type_of(type_name);
    if (!entries.is_object()) fail("resources of type " + type_name + " must be an object by name");
    for (const auto& [name, value] : entries.items()) visit(ResourceKey{type, name}, value);
  }
}

void decode_field(const std::string& name, const json& value, DecodedReport& out) {
  GatewayReport& report = out.report;
  if (name == "gateway") {
    out.gateway = {value.at("namespace").get<std::string>(), value.at("name").get<std::string>()};
  } else if (name == "proxies") {
    const bool sane = value.is_number_unsigned() && value.get<std::size_t>() <= kMaxProxies;
    if (!sane) fail(value.dump() + " is no number of proxies");
    report.proxies = value.get<std::size_t>();
  } else if (name == "accepted") {
    each_resource(value, [&](const ResourceKey& key, const json& version) {
      report.resources[key] = {State::kAccepted, version_of(version), {}};
    });
  } else if (name == "pending") {
    each_resource(value, [&](const ResourceKey& key, const json&) { report.resources[key] = {}; });
  } else if (name == "refused") {
    each_resource(value, [&](const ResourceKey& key, const json& refusal) {
      report.resources[key] = {State::kRefused, version_of(refusal.at("version")),
                               xds::reason_of(refusal.at("message").get<std::string>())};
    });
  } else if (name == "held") {
    each_resource(value, [&](const ResourceKey& unit, const json& pieces) {
      for (const auto& [piece, message] : pieces.items()) {
        report.held[unit][piece] = xds::reason_of(message.get<std::string>());
      }
    });
  } else {
    out.unknown.push_back(name);
  }
}

}  // namespace

GatewayReport report_of(const xds::Ledger& ledger, const Feedback& feedback,
                        const ObjectKey& gateway) {
  GatewayReport report{.proxies = ledger.proxies(gateway), .resources = {}, .held = {}};
  const xds::Snapshot* snapshot = ledger.snapshot(gateway);
  if (report.proxies == 0 || snapshot == nullptr) return {};
  for (const ResourceType type : envoy::kResourceTypes) {
    if (!is_reported(type)) continue;
    for (const auto& [name, entry] : snapshot->table(type)) {
      auto resource = resource_of(ledger, feedback, gateway, {type, name});
      if (resource) report.resources.emplace(ResourceKey{type, name}, std::move(*resource));
    }
  }
  for (const auto& [key, nack] : ledger.nacks(gateway)) {
    if (key.type != ResourceType::kCluster && key.type != ResourceType::kEndpoint) continue;
    report.resources[key] = {State::kRefused, nack.version, nack.message};
  }
  for (auto& [unit, pieces] : feedback.convictions(gateway)) {
    report.held[unit.resource] = pieces;
  }
  return report;
}

std::string encode_report(const ObjectKey& gateway, const GatewayReport& report) {
  json out = {{"gateway", {{"namespace", gateway.ns.str()}, {"name", gateway.name.str()}}},
              {"proxies", report.proxies}};
  for (const auto& [key, resource] : report.resources) {
    const std::string type(envoy::type_name(key.type));
    const std::string version = envoy::to_string(resource.version);
    switch (resource.state) {
      case State::kPending:
        out["pending"][type][key.name.str()] = json::object();
        break;
      case State::kAccepted:
        out["accepted"][type][key.name.str()] = version;
        break;
      case State::kRefused:
        out["refused"][type][key.name.str()] = {{"version", version},
                                                {"message", resource.message}};
        break;
    }
  }
  for (const auto& [unit, pieces] : report.held) {
    json& held = out["held"][std::string(envoy::type_name(unit.type))][unit.name.str()];
    for (const auto& [piece, message] : pieces) held[piece.str()] = message;
  }
  // Envoy's words may quote anything.
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::expected<DecodedReport, std::string> decode_report(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return std::unexpected("it is no JSON object");
  DecodedReport out;
  try {
    for (const auto& [name, value] : object.items()) decode_field(name, value, out);
  } catch (const std::exception& problem) {
    return std::unexpected(problem.what());
  }
  if (out.gateway.name.empty()) return std::unexpected("it names no Gateway");
  return out;
}

}  // namespace kgw::status
