#include "deploy/kube/applier.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "deploy/kube/account_mark.h"
#include "deploy/kube/live.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

constexpr std::array<OwnedKind, 7> kOwnedKinds = {{
    {"v1", "ServiceAccount", "serviceaccounts"},
    {"v1", "ConfigMap", "configmaps"},
    {"v1", "Service", "services"},
    {"apps/v1", "Deployment", "deployments"},
    {"autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true},
    {"policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true},
    {"autoscaling.k8s.io/v1", "VerticalPodAutoscaler", "verticalpodautoscalers", true},
}};

std::optional<OwnedRef> ref_of(const Json& object) {
  if (!object.is_object()) return std::nullopt;
  const std::string kind = object.value("kind", "");
  const auto row =
      std::ranges::find_if(kOwnedKinds, [&](const OwnedKind& k) { return kind == k.kind; });
  if (row == kOwnedKinds.end()) return std::nullopt;
  return OwnedRef{row->api_version,
                  row->kind,
                  {metadata_text(object, "namespace"), metadata_text(object, "name")}};
}

}  // namespace

std::string to_string(const OwnedRef& ref) { return ref.kind + " " + to_string(ref.key); }

std::span<const OwnedKind> owned_kinds() { return kOwnedKinds; }

struct Applier::Entry {
  ObjectKey gateway;
  Json desired;          // with the hash; null when not wanted
  std::string hash;      // of what is desired
  bool keep = false;     // stays although it is not wanted at present
  Json live;             // null: not known to exist
  bool absent = false;   // it was looked for, and is not there
  std::string accepted;  // hash of the live content that our last apply led to
  std::string applied;   // `hash` of our last apply
  int repairs = 0;       // in a row: applied again although nothing else is wanted
  Clock::time_point repaired_at;
  bool waited = false;             // for the pause before the next one
  bool busy = false;               // a request is under way
  bool replicas_are_ours = false;  // in `live`
  bool replicas_handed_over = false;
  bool outdated = false;  // the object vanished meanwhile: the answer may be older than that
  std::string problem;
  std::optional<Clock::time_point> retry_at;
  std::chrono::milliseconds pause{0};

  void take(Json object) {
    if (live.is_null() || is_current(object, live)) {
      replicas_are_ours = owns_replicas(object);
      object["metadata"].erase("managedFields");
      live = std::move(object);
    }
    absent = false;
    outdated = false;
  }
  // As take(); what vanished since it was asked for is to be looked for again.
  void take_answer(Json object) {
    if (std::exchange(outdated, false)) return;
    take(std::move(object));
  }
  bool wanted() const { return !desired.is_null(); }
  bool is_deleting() const { return !metadata_text(live, "deletionTimestamp").empty(); }

  bool must_hand_over_replicas() const {
    return replicas_are_ours && !replicas_handed_over && desired.contains("spec") &&
           !desired["spec"].contains("replicas");
  }

  bool differs() const {
    if (metadata_annotation(live, kAppliedHash) != hash) return true;
    if (satisfies(live, desired)) return false;
    // Whoever writes a quantity in another way than the API server is not to be corrected for ever.
    return hash_json(content_of(live)) != accepted;
  }
};

Applier::Applier(ObjectApi& api, ApplierOptions options)
    : api_(api), options_(std::move(options)) {}

Applier::~Applier() = default;

void Applier::begin() {
  begun_ = true;
  for (const auto& [gateway, state] : gateways_) settle_gateway(gateway);
}

void Applier::halt() { begun_ = false; }

// The object is that Gateway's from now on.
Applier::Entry& Applier::assign(const OwnedRef& ref, const ObjectKey& gateway) {
  Entry& entry = entries_[ref];
  const auto previous = gateways_.find(entry.gateway);
  if (previous != gateways_.end()) previous->second.refs.erase(ref);
  entry.gateway = gateway;
  gateways_[gateway].refs.insert(ref);
  return entry;
}

// Whether another Gateway's proxy consists of that object: names can be made to collide.
bool Applier::is_taken(const OwnedRef& ref, const ObjectKey& gateway) const {
  const auto found = entries_.find(ref);
  return found != entries_.end() && found->second.wanted() && found->second.gateway != gateway;
}

std::string Applier::taken_text(const OwnedRef& ref) const {
  return to_string(ref) + " belongs to Gateway " + to_string(entries_.at(ref).gateway) +
         ", whose objects have the same name";
}

void Applier::want(const ObjectKey& gateway, const RenderedProxy& proxy) {
  GatewayState& state = gateways_[gateway];
  state.rendered = true;
  const bool was_refused = state.refused.has_value();
  state.refused.reset();
  std::set<OwnedRef> wanted;
  for (Json object : proxy.objects) {
    const OwnedRef ref = *ref_of(object);
    if (is_taken(ref, gateway)) {
      if (!state.refused) state.refused = proxy;
      continue;
    }
    wanted.insert(ref);
    Entry& entry = assign(ref, gateway);
    entry.keep = false;
    const std::string hash = hash_json(object);
    if (entry.wanted() && entry.hash == hash) continue;
    object["metadata"]["annotations"][kAppliedHash] = hash;
    entry.desired = std::move(object);
    entry.hash = hash;
    entry.replicas_handed_over = false;
    entry.waited = false;
    entry.retry_at.reset();
    entry.pause = {};
  }
  for (const OwnedRef& ref : state.refs) {
    if (wanted.contains(ref)) continue;
    Entry& entry = entries_[ref];
    entry.desired = nullptr;
    entry.problem.clear();
    entry.retry_at.reset();
    entry.keep = ref.kind == "Service" && proxy.keep_service;
  }
  if (state.refused && !was_refused) report_taken(gateway, proxy);
  settle_gateway(gateway);
}

void Applier::report_taken(const ObjectKey& gateway, const RenderedProxy& proxy) {
  for (const Json& object : proxy.objects) {
    const OwnedRef ref = *ref_of(object);
    if (is_taken(ref, gateway)) options_.report({gateway, ref, "", taken_text(ref), true});
  }
}

void Applier::leave_alone(const ObjectKey& gateway) {
  const auto found = gateways_.find(gateway);
  if (found != gateways_.end()) found->second.rendered = false;
}

void Applier::forget(const ObjectKey& gateway, Leave leave) {
  if (leave == Leave::kDelete) return want(gateway, {});
  const auto found = gateways_.find(gateway);
  if (found == gateways_.end()) return;
  for (const OwnedRef& ref : found->second.refs) entries_.erase(ref);
  gateways_.erase(found);
  want_again();
}

// What was another Gateway's is gone.
void Applier::want_again() {
  std::vector<std::pair<ObjectKey, RenderedProxy>> refused;
  for (const auto& [gateway, state] : gateways_) {
    if (!state.refused) continue;
    const bool free = std::ranges::none_of(state.refused->objects, [&](const Json& object) {
      const auto found = entries_.find(*ref_of(object));
      return found != entries_.end() && found->second.gateway != gateway;
    });
    if (free) refused.emplace_back(gateway, *state.refused);
  }
  for (const auto& [gateway, proxy] : refused) want(gateway, proxy);
}

void Applier::observe(const Json& live) {
  const std::optional<OwnedRef> ref = ref_of(live);
  const std::optional<Owner> owner = owner_of(live);
  if (!ref) return;
  const auto found = entries_.find(*ref);
  const bool orphan =
      !owner && found != entries_.end() && is_orphan_of(live, found->second.desired);
  if (!owner && !orphan) return;
  Entry& entry = found == entries_.end() ? assign(*ref, owner->gateway) : found->second;
  const std::optional<std::string> other = applied_by_other(live, options_.installation);
  const bool news = entry.live.is_null() || is_current(live, entry.live);
  if (other && news && !entry.applied.empty()) {
    note_rival(*ref, entry, "is also applied by " + *other);
  }
  entry.take(live);
  settle(*ref);
}

void Applier::vanished(const OwnedRef& ref) {
  const auto found = entries_.find(ref);
  if (found == entries_.end()) return;
  found->second.live = nullptr;
  found->second.absent = false;
  found->second.outdated = found->second.busy;
  settle(ref);
}

void Applier::settle_gateway(const ObjectKey& gateway) {
  const std::set<OwnedRef> refs = gateways_.at(gateway).refs;  // settling may remove some
  for (const OwnedRef& ref : refs) settle(ref);
}

// To be called after every change and every answer.
void Applier::settle(const OwnedRef& ref) {
  step(ref);
  if (ref.kind == kAccountKind) step({"apps/v1", "Deployment", ref.key});  // it may have waited
}

// Lets the Deployment of a proxy follow its ServiceAccount. False: that is not there yet.
bool Applier::follow_account(const OwnedRef& ref, Entry& entry) {
  if (ref.kind != "Deployment" || !entry.wanted()) return true;
  const auto found = entries_.find({"v1", kAccountKind, ref.key});
  if (found == entries_.end() || !found->second.wanted()) return true;
  const Entry& account = found->second;
  if (account.live.is_null() && account.problem.empty()) return false;
  if (mark_account(entry.desired, entry.live, account.live)) entry.accepted.clear();
  return true;
}

// One step towards what is wanted.
void Applier::step(const OwnedRef& ref) {
  const auto found = entries_.find(ref);
  if (!begun_ || found == entries_.end()) return;
  Entry& entry = found->second;
  GatewayState& gateway = gateways_.at(entry.gateway);
  if (entry.busy || entry.retry_at || !gateway.rendered) return;
  if (!follow_account(ref, entry)) return;
  if (entry.live.is_null()) {
    if (entry.wanted()) {
      if (!entry.absent) return look(ref);
      if (!is_undone_again(ref, entry)) apply(ref, entry);
    } else {
      gateway.refs.erase(ref);
      entries_.erase(found);
    }
  } else if (entry.is_deleting()) {  // it will vanish
    if (entry.wanted())
      report(ref, entry, "", "is being deleted; it is made again when it is gone");
  } else if (!entry.wanted()) {
    if (!entry.keep) remove(ref, entry);
  } else if (entry.differs()) {
    if (entry.must_hand_over_replicas()) return hand_over_replicas(ref, entry);
    if (!is_undone_again(ref, entry)) apply(ref, entry);
  } else {
    if (!entry.problem.empty()) succeed(ref, entry, "");
    entry.pause = {};
  }
}

ObjectApi::Done Applier::answer(const OwnedRef& ref,
                                void (Applier::*answered)(const OwnedRef&, Result)) {
  entries_.at(ref).busy = true;
  return [this, ref, answered, alive = std::weak_ptr(alive_)](Result result) {
    if (alive.expired()) return;
    const auto found = entries_.find(ref);
    if (found == entries_.end()) return;
    found->second.busy = false;
    (this->*answered)(ref, std::move(result));
    settle(ref);
  };
}

// Before an object is created: is there one of that name that belongs to somebody else?
void Applier::look(const OwnedRef& ref) { api_.get(ref, answer(ref, &Applier::on_look)); }

void Applier::on_look(const OwnedRef& ref, Result result) {
  Entry& entry = entries_.at(ref);
  if (!result && result.error().status == 404) {
    entry.absent = true;
    return;
  }
  if (!result) return fail(ref, entry, "get", "cannot be read", result.error().message);
  const std::optional<Owner> owner = owner_of(*result);
  const bool ours = entry.wanted() && (owner ? owner->uid == owner_of(entry.desired)->uid
                                             : is_orphan_of(*result, entry.desired));
  if (!ours) {
    return fail(ref, entry, "get", "exists and is not owned by the Gateway; it is left alone");
  }
  entry.take_answer(std::move(*result));
}

// Not part of what is wanted: two installations that want the same do not contend for the mark.
void Applier::apply(const OwnedRef& ref, const Entry& entry) {
  spdlog::debug("{} {}", to_string(ref),
                entry.live.is_null() ? "is not there" : "differs from what is wanted");
  Json object = entry.desired;
  object["metadata"]["annotations"][kAppliedBy] = options_.installation;
  api_.apply(ref, object, answer(ref, &Applier::on_apply));
}

// True if what is to be applied once more has to wait, because it was undone too often.
bool Applier::is_undone_again(const OwnedRef& ref, Entry& entry) {
  if (entry.applied != entry.hash) return false;
  if (now_ - entry.repaired_at > 2 * options_.longest_pause) entry.repairs = 0;
  if (entry.repairs >= options_.free_repairs && !std::exchange(entry.waited, true)) {
    const int doublings = std::min(entry.repairs - options_.free_repairs, 10);
    entry.retry_at =
        now_ + std::min(options_.repair_pause * (1 << doublings), options_.longest_pause);
    if (gateways_.at(entry.gateway).rival.empty()) {
      note_rival(ref, entry, "is changed again and again by somebody else");
    }
    return true;
  }
  entry.waited = false;
  ++entry.repairs;
  entry.repaired_at = now_;
  return false;
}

void Applier::note_rival(const OwnedRef& ref, const Entry& entry, const std::string& does) {
  GatewayState& gateway = gateways_.at(entry.gateway);
  gateway.rival = to_string(ref) + " " + does;
  gateway.rival_seen = Clock::now();
}

std::string Applier::rival(const ObjectKey& gateway) const {
  const auto found = gateways_.find(gateway);
  if (found == gateways_.end()) return "";
  const bool recent = Clock::now() - found->second.rival_seen < 10 * options_.longest_pause;
  return recent ? found->second.rival : "";
}

// The object that the server made of an apply; null: it was not applied, and that is told.
Json* Applier::applied(const OwnedRef& ref, Entry& entry, Result& result) {
  if (result && result->is_object() && result->contains("metadata")) return &*result;
  fail(ref, entry, "apply", "cannot be applied",
       result ? "the answer is no object" : result.error().message);
  return nullptr;
}

void Applier::on_apply(const OwnedRef& ref, Result result) {
  Entry& entry = entries_.at(ref);
  Json* object = applied(ref, entry, result);
  if (object == nullptr) return;
  // Of the answer: a newer version that was observed meanwhile may have drifted.
  entry.accepted = hash_json(content_of(*object));
  entry.applied = metadata_annotation(*object, kAppliedHash);
  entry.take_answer(std::move(*object));
  succeed(ref, entry, "apply");
}

void Applier::hand_over_replicas(const OwnedRef& ref, const Entry& entry) {
  const Json fields = {
      {"apiVersion", ref.api_version},
      {"kind", ref.kind},
      {"metadata", {{"name", ref.key.name.str()}, {"namespace", ref.key.ns.str()}}},
      {"spec", {{"replicas", entry.live["spec"].value("replicas", Json(1))}}}};
  api_.hand_over(ref, fields, answer(ref, &Applier::on_hand_over));
}

void Applier::on_hand_over(const OwnedRef& ref, Result result) {
  Entry& entry = entries_.at(ref);
  if (result) entry.replicas_handed_over = true;
  if (Json* object = applied(ref, entry, result)) entry.take_answer(std::move(*object));
}

void Applier::remove(const OwnedRef& ref, const Entry& entry) {
  api_.remove(ref, metadata_text(entry.live, "uid"), answer(ref, &Applier::on_remove));
}

void Applier::on_remove(const OwnedRef& ref, Result result) {
  Entry& entry = entries_.at(ref);
  if (!result && result.error().status != 404 && result.error().status != 409) {
    return fail(ref, entry, "delete", "cannot be deleted", result.error().message);
  }
  succeed(ref, entry, "delete");
  // With 409 another object of that name stands there now; a look will tell.
  entry.live = nullptr;
  entry.absent = false;
}

void Applier::report(const OwnedRef& ref, Entry& entry, const char* verb, std::string problem) {
  if (!problem.empty()) problem = to_string(ref) + " " + problem;
  const bool news = problem != entry.problem;
  entry.problem = std::move(problem);
  if (*verb != '\0' || news) options_.report({entry.gateway, ref, verb, entry.problem, news});
}

void Applier::succeed(const OwnedRef& ref, Entry& entry, const char* verb) {
  report(ref, entry, verb, {});
  entry.pause = {};
}

void Applier::fail(const OwnedRef& ref, Entry& entry, const char* verb, const std::string& what,
                   const std::string& why) {
  report(ref, entry, verb, what + (why.empty() ? "" : ": " + why));
  entry.absent = false;
  entry.pause = entry.pause.count() == 0 ? options_.first_pause
                                         : std::min(entry.pause * 2, options_.longest_pause);
  entry.retry_at = Clock::now() + entry.pause;
}

std::optional<Applier::Clock::time_point> Applier::next_retry() const {
  std::optional<Clock::time_point> next;
  for (const auto& [ref, entry] : entries_) {
    if (entry.retry_at && (!next || *entry.retry_at < *next)) next = entry.retry_at;
  }
  return next;
}

void Applier::retry(Clock::time_point now) {
  now_ = now;
  std::vector<OwnedRef> due;
  for (auto& [ref, entry] : entries_) {
    if (!entry.retry_at || *entry.retry_at > now) continue;
    entry.retry_at.reset();
    due.push_back(ref);
  }
  for (const OwnedRef& ref : due) settle(ref);
  want_again();
}

std::string Applier::problem(const ObjectKey& gateway) const {
  std::string all;
  const auto found = gateways_.find(gateway);
  if (found == gateways_.end()) return all;
  const auto add = [&](const std::string& problem) {
    if (!problem.empty()) all += (all.empty() ? "" : "; ") + problem;
  };
  for (const OwnedRef& ref : found->second.refs) add(entries_.at(ref).problem);
  if (!found->second.refused) return all;
  for (const Json& object : found->second.refused->objects) {
    const OwnedRef ref = *ref_of(object);
    if (is_taken(ref, gateway)) add(taken_text(ref));
  }
  return all;
}

std::string Applier::problem(const ObjectKey& gateway, const OwnedRef& ref) const {
  if (is_taken(ref, gateway)) return taken_text(ref);
  const auto found = entries_.find(ref);
  return found == entries_.end() ? "" : found->second.problem;
}

std::size_t Applier::problems() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      entries_, [](const auto& entry) { return !entry.second.problem.empty(); }));
}

const Json* Applier::live(const OwnedRef& ref) const {
  const auto found = entries_.find(ref);
  return found == entries_.end() || found->second.live.is_null() ? nullptr : &found->second.live;
}

const Json* Applier::live(const ObjectKey& gateway, const OwnedRef& ref) const {
  return is_taken(ref, gateway) ? nullptr : live(ref);
}

}  // namespace kgw::deploy::kube
