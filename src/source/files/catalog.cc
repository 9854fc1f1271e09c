#include "source/files/catalog.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace kgw::source {
namespace {

// A broken file of some megabytes has a mistake in each of its lines.
constexpr std::size_t kMaxDiagnosticsPerFile = 100;

void bound(Diagnostics& diagnostics) {
  if (diagnostics.size() <= kMaxDiagnosticsPerFile) return;
  Diagnostic rest;
  rest.reason = "TooManyErrors";
  rest.message = "... and " + std::to_string(diagnostics.size() - kMaxDiagnosticsPerFile) + " more";
  rest.position = diagnostics[kMaxDiagnosticsPerFile - 1].position;
  diagnostics.resize(kMaxDiagnosticsPerFile);
  diagnostics.push_back(std::move(rest));
}

std::string place_text(const SourcePosition& position) {
  std::string text = position.file;
  if (position.line > 0) text += ":" + std::to_string(position.line);
  return text;
}

bool may_be_among(const std::vector<Unidentified>& documents, const ObjectRef& ref) {
  return std::ranges::any_of(documents, [&](const Unidentified& document) {
    return (document.kind == Kind::kUnknown || document.kind == ref.kind) &&
           (document.name.empty() || document.name == ref.name());
  });
}

Diagnostic duplicate(const Definition& loser, const Definition& winner) {
  return {.object = loser.ref,
          .field = "",
          .reason = "Duplicate",
          .message = "is already defined at " + place_text(winner.position) +
                     "; the definition at " + place_text(loser.position) + " is ignored",
          .position = loser.position};
}

// Each once: a file may define one object any number of times.
std::set<ObjectRef> refs_of(const std::vector<Definition>& definitions) {
  std::set<ObjectRef> refs;
  for (const Definition& definition : definitions) refs.insert(definition.ref);
  return refs;
}

}  // namespace

bool Catalog::before(const Claim& a, const Claim& b) {
  if (a.definition->absent != b.definition->absent) return b.definition->absent;
  if (a.file != b.file) return *a.file < *b.file;
  return a.definition < b.definition;  // both in one vector
}

void Catalog::carry_over(std::vector<Definition>& old, Manifest& manifest) {
  absl::flat_hash_map<ObjectRef, Definition*> last_good;
  for (Definition& definition : old) {
    if (definition.object != nullptr) last_good.try_emplace(definition.ref, &definition);
  }
  std::set<ObjectRef> seen;
  for (Definition& definition : manifest.definitions) {
    seen.insert(definition.ref);
    if (definition.object != nullptr) continue;
    const auto found = last_good.find(definition.ref);
    if (found == last_good.end()) continue;
    const Definition& good = *found->second;
    definition.object = good.object;
    definition.content = good.content;
    definition.spec = good.spec;
    definition.posted = good.posted;
    definition.outdated = true;
  }
  for (Definition& definition : old) {
    if (definition.object == nullptr || seen.contains(definition.ref)) continue;
    if (!may_be_among(manifest.unidentified, definition.ref)) continue;
    seen.insert(definition.ref);
    Definition kept = std::move(definition);
    kept.diagnostics.clear();
    kept.absent = kept.outdated = true;
    manifest.definitions.push_back(std::move(kept));
  }
}

void Catalog::withdraw(const FileKey& key, File& file) {
  for (const ObjectRef& ref : refs_of(file.definitions)) {
    auto& claims = slots_[ref].claims;
    const auto own = [&](const Claim& claim) { return *claim.file == key; };
    claims.erase(std::remove_if(claims.begin(), claims.end(), own), claims.end());
    for (const Claim& claim : claims) changed_files_.insert(*claim.file);
    changed_refs_.insert(ref);
  }
  changed_files_.insert(key);
}

void Catalog::enter(const FileKey& key, File& file) {
  for (Definition& definition : file.definitions) {
    auto& claims = slots_[definition.ref].claims;
    const Claim claim{&key, &definition};
    claims.insert(std::ranges::upper_bound(claims, claim, &Catalog::before), claim);
  }
  for (const ObjectRef& ref : refs_of(file.definitions)) {
    for (const Claim& other : slots_.at(ref).claims) changed_files_.insert(*other.file);
    changed_refs_.insert(ref);
  }
  changed_files_.insert(key);
}

void Catalog::set(const FileKey& key, Manifest manifest) {
  const auto entry = files_.try_emplace(key).first;
  roots_of_path_[key.path].insert(key.root);
  withdraw(entry->first, entry->second);
  carry_over(entry->second.definitions, manifest);
  manifest.definitions.shrink_to_fit();  // kept as long as the file
  entry->second = {std::move(manifest.definitions), std::move(manifest.diagnostics)};
  enter(entry->first, entry->second);
}

void Catalog::keep(const FileKey& key, Diagnostics why) {
  files_[key].diagnostics = std::move(why);
  roots_of_path_[key.path].insert(key.root);
  changed_files_.insert(key);
}

void Catalog::remove(const FileKey& key) {
  const auto entry = files_.find(key);
  if (entry == files_.end()) return;
  withdraw(entry->first, entry->second);
  const auto roots = roots_of_path_.find(key.path);
  roots->second.erase(key.root);
  if (roots->second.empty()) roots_of_path_.erase(roots);
  files_.erase(entry);
}

void Catalog::set_problems(const std::string& place, Diagnostics diagnostics) {
  places_[place] = std::move(diagnostics);
  changed_places_.insert(place);
}

const std::vector<Definition>* Catalog::definitions(const FileKey& key) const {
  const auto entry = files_.find(key);
  return entry == files_.end() ? nullptr : &entry->second.definitions;
}

std::map<ObjectRef, SourcePosition> Catalog::positions() const {
  std::map<ObjectRef, SourcePosition> all;
  for (const auto& [ref, slot] : slots_) {
    const auto winner = std::ranges::find_if(
        slot.claims, [](const Claim& claim) { return claim.definition->object != nullptr; });
    if (winner != slot.claims.end()) all.emplace(ref, winner->definition->position);
  }
  return all;
}

std::shared_ptr<const Object> Catalog::post(Definition& definition, std::int64_t generation) {
  if (definition.posted && definition.object->metadata.generation != generation) {
    definition.object = copy_of(*definition.object);
    definition.posted = false;
  }
  if (!definition.posted) {
    definition.object->metadata.generation = generation;
    definition.posted = true;
  }
  return definition.object;
}

void Catalog::settle(const ObjectRef& ref, std::vector<ObjectEvent>& events) {
  const auto found = slots_.find(ref);
  if (found == slots_.end()) return;
  auto& [claims, now] = found->second;
  if (claims.empty()) {
    if (now.object != nullptr) events.push_back({ref, nullptr});
    slots_.erase(found);
    return;
  }
  const auto usable = std::ranges::find_if(
      claims, [](const Claim& claim) { return claim.definition->object != nullptr; });
  // Nothing but invalid documents: what is in force stays until one of them is mended.
  if (usable == claims.end()) return;
  Definition& winner = *usable->definition;
  std::int64_t generation = 1;
  if (now.object != nullptr) {
    if (now.content == winner.content) return;
    generation = now.object->metadata.generation + (now.spec == winner.spec ? 0 : 1);
  }
  const auto object = post(winner, generation);
  now = {object, winner.content, winner.spec};
  events.push_back({ref, object});
}

Diagnostics Catalog::diagnose(const FileKey& key, const File& file) const {
  Diagnostics all = file.diagnostics;
  absl::flat_hash_map<ObjectRef, const Definition*> winners;
  const auto winner_of = [&](const ObjectRef& ref) {
    const auto [entry, fresh] = winners.try_emplace(ref, nullptr);
    if (fresh) {
      const auto usable = std::ranges::find_if(slots_.at(ref).claims, [](const Claim& claim) {
        return claim.definition->object != nullptr;
      });
      entry->second = usable->definition;
    }
    return entry->second;
  };
  for (const Definition& definition : file.definitions) {
    all.insert(all.end(), definition.diagnostics.begin(), definition.diagnostics.end());
    if (definition.object == nullptr || definition.absent) continue;
    const Definition* winner = winner_of(definition.ref);
    if (winner != &definition) all.push_back(duplicate(definition, *winner));
  }
  for (Diagnostic& diagnostic : all) {
    if (diagnostic.position.file.empty()) diagnostic.position.file = key.path;
  }
  std::ranges::stable_sort(
      all, {}, [](const Diagnostic& d) { return std::tuple(d.position.line, d.position.column); });
  bound(all);
  return all;
}

Diagnostics Catalog::diagnose_place(const std::string& place) {
  Diagnostics all;
  if (const auto own = places_.find(place); own != places_.end()) {
    all = own->second;
    if (all.empty()) places_.erase(own);
  }
  const auto roots = roots_of_path_.find(place);
  if (roots == roots_of_path_.end()) return all;
  for (const std::size_t root : roots->second) {
    const auto file = files_.find(FileKey{root, place});
    const Diagnostics of_file = diagnose(file->first, file->second);
    all.insert(all.end(), of_file.begin(), of_file.end());
  }
  return all;
}

Batch Catalog::take() {
  Batch batch;
  for (const ObjectRef& ref : changed_refs_) settle(ref, batch.events);
  changed_refs_.clear();

  for (const FileKey& key : changed_files_) changed_places_.insert(key.path);
  changed_files_.clear();
  for (const std::string& place : changed_places_) {
    Diagnostics now = diagnose_place(place);
    const auto before = posted_problems_.find(place);
    if (before == posted_problems_.end() ? now.empty() : before->second == now) continue;
    if (now.empty()) {
      posted_problems_.erase(place);
    } else {
      posted_problems_[place] = now;
    }
    batch.problems.push_back({place, std::move(now)});
  }
  changed_places_.clear();
  return batch;
}

}  // namespace kgw::source
