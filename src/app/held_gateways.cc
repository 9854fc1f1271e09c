#include "app/held_gateways.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "attach/model.h"

namespace kgw::app {

HeldGateways::Events HeldGateways::amend(Events events) {
  Events out;
  std::set<Name> classes;
  std::set<ObjectKey> gateways;
  for (source::ObjectEvent& event : events) {
    if (event.ref.kind == Kind::kGatewayClass) {
      classes.insert(event.ref.name());
      if (event.object == nullptr) {
        classes_.erase(event.ref.name());
        accepted_.erase(event.ref.name());
      } else {
        classes_[event.ref.name()] = std::static_pointer_cast<const GatewayClass>(event.object);
      }
    } else if (event.ref.kind == Kind::kGateway) {
      gateways.insert(event.ref.key);
      Known& known = gateways_[event.ref.key];
      known.now = std::static_pointer_cast<const Gateway>(event.object);
      known.absence = event.absence;
    } else if (event.object != nullptr || event.absence != source::Absence::kUnserved) {
      out.push_back(std::move(event));
    }
  }
  classes.merge(std::exchange(judged_, {}));
  for (const Name& name : classes) {
    const auto found = classes_.find(name);
    if (found == classes_.end()) continue;
    if (is_undecided(*found->second) && is_needed(name)) continue;
    put_class(name, found->second, out);
  }
  if (!classes.empty()) {
    for (const auto& [key, known] : gateways_) {
      if (known.now != nullptr && classes.contains(known.now->gateway_class_name)) {
        gateways.insert(key);
      }
    }
  }
  for (const ObjectKey& gateway : gateways) settle(gateway, out);
  drop_classes(out);
  return out;
}

void HeldGateways::note(const source::StatusEvent& event) {
  if (event.ref.kind != Kind::kGatewayClass) return;
  const auto status = nlohmann::json::parse(event.json, nullptr, false);
  bool accepted = false;
  if (status.is_object() && status.contains("conditions") && status["conditions"].is_array()) {
    accepted = std::ranges::any_of(status["conditions"], [](const nlohmann::json& condition) {
      return condition.is_object() && condition.value("type", nlohmann::json()) == "Accepted" &&
             condition.value("status", nlohmann::json()) == "True";
    });
  }
  const Name name = event.ref.name();
  if (accepted ? accepted_.insert(name).second : accepted_.erase(name) > 0) judged_.insert(name);
}

bool HeldGateways::is_ours(const GatewayClass& of) {
  return of.controller_name == attach::kControllerName;
}

bool HeldGateways::is_undecided(const GatewayClass& of) const {
  return others_accept_ && !is_ours(of) && !accepted_.contains(of.metadata.name);
}

void HeldGateways::settle(const ObjectKey& gateway, Events& out) {
  Known& known = gateways_.at(gateway);
  if (known.now == nullptr) return settle_gone(gateway, known, out);
  const Name name = known.now->gateway_class_name;
  const auto found = classes_.find(name);
  if (found != classes_.end() && known.in_force != nullptr && is_undecided(*found->second)) {
    if (known.withdrawn) return;
    hold(gateway, known,
         fmt::format("Controller \"{}\" of GatewayClass \"{}\" has not accepted it",
                     found->second->controller_name, name.view()));
    return put(gateway, known, known.in_force, out);
  }
  const bool withdrawn = std::exchange(known.withdrawn, false);
  if (found != classes_.end()) {
    const bool ours = is_ours(*found->second);
    if (withdrawn && !ours) ended_.push_back(gateway);
    known.in_force = ours ? known.now : nullptr;
    release(gateway);
    return put(gateway, known, known.now, out);
  }
  if (known.in_force != nullptr) {
    hold(gateway, known, fmt::format("GatewayClass \"{}\" does not exist", name.view()));
    return put(gateway, known, known.in_force, out);
  }
  // A class that is in force for others is not there for a new Gateway.
  put(gateway, known, is_needed(name) ? nullptr : known.now, out);
}

void HeldGateways::settle_gone(const ObjectKey& gateway, Known& known, Events& out) {
  const bool held = known.in_force != nullptr && known.absence != source::Absence::kDeleted;
  if (held && known.absence == source::Absence::kUnserved) {
    if (!known.withdrawn) {
      hold(gateway, known, "the API server does not serve Gateways");
    }
    return;
  }
  release(gateway);
  put(gateway, known, nullptr, out);
  if (held) {
    known.withdrawn = true;
  } else {
    if (known.withdrawn) ended_.push_back(gateway);
    gateways_.erase(gateway);
  }
}

void HeldGateways::put(const ObjectKey& gateway, Known& known, GatewayPtr wanted, Events& out) {
  if (known.in_tables == wanted) return;
  known.in_tables = wanted;
  out.push_back({{Kind::kGateway, gateway}, std::move(wanted)});
}

void HeldGateways::put_class(const Name& name, ClassPtr wanted, Events& out) {
  if (wanted == nullptr) {
    classes_in_tables_.erase(name);
  } else {
    classes_in_tables_[name] = wanted;
  }
  out.push_back({{Kind::kGatewayClass, {{}, name}}, std::move(wanted)});
}

// Whether a Gateway's last readable description names the class.
bool HeldGateways::is_needed(const Name& class_name) const {
  return std::ranges::any_of(gateways_, [&](const auto& entry) {
    const GatewayPtr& in_force = entry.second.in_force;
    return in_force != nullptr && class_name == in_force->gateway_class_name;
  });
}

// Classes that are gone stay in the tables while they are needed.
void HeldGateways::drop_classes(Events& out) {
  if (classes_in_tables_.size() == classes_.size()) return;
  std::vector<Name> dropped;
  for (const auto& [name, in_tables] : classes_in_tables_) {
    if (!classes_.contains(name) && !is_needed(name)) dropped.push_back(name);
  }
  for (const Name& name : dropped) put_class(name, nullptr, out);
}

bool HeldGateways::is_withdrawn(const ObjectKey& gateway) const {
  const auto found = gateways_.find(gateway);
  return found != gateways_.end() && found->second.withdrawn;
}

void HeldGateways::hold(const ObjectKey& gateway, const Known& known, const std::string& why) {
  const GatewayPtr& present = known.now != nullptr ? known.now : known.in_force;
  status::Hold held{fmt::format("{}. The proxies go on with what the Gateway was in generation {}.",
                                why, known.in_force->metadata.generation),
                    present->metadata.generation};
  const auto [entry, fresh] = holds_.try_emplace(gateway);
  if (!fresh && entry->second == held) return;
  entry->second = std::move(held);
  report_(gateway, &entry->second);
}

void HeldGateways::release(const ObjectKey& gateway) {
  if (holds_.erase(gateway) > 0) report_(gateway, nullptr);
}

}  // namespace kgw::app
