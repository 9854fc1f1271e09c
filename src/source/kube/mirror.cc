#include "source/kube/mirror.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <utility>

#include "api/registry.h"
#include "source/kube/interest.h"

namespace kgw::kube {
namespace {

std::string_view text_at(const doc::Node& node, std::initializer_list<std::string_view> path) {
  const doc::Node* found = node.find(path);
  return found != nullptr && found->is_string() ? found->as_string() : std::string_view();
}

std::uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

// Content of an entry whose object was withdrawn: whatever comes is new.
constexpr std::uint64_t kWithdrawn = 1;

// Neither 0 nor kWithdrawn.
std::uint64_t content_of(const Object& object) {
  const std::uint64_t hash = hash_object(object);
  return hash <= kWithdrawn ? kWithdrawn + 1 : hash;
}

}  // namespace

ObjectKey Mirror::key_of(const doc::Node& object) const {
  ObjectKey key;
  key.name = text_at(object, {"metadata", "name"});
  if (!kind_info(kind_).namespaced) return key;
  key.ns = text_at(object, {"metadata", "namespace"});
  return key.ns.empty() ? ObjectKey() : key;
}

void Mirror::note_unidentified(std::string message) {
  Diagnostic diagnostic;
  diagnostic.object.kind = kind_;
  diagnostic.reason = "InvalidAnswer";
  diagnostic.message = "the API server gave an object that " + std::move(message);
  if (unidentified_.empty()) unidentified_.push_back(std::move(diagnostic));
}

void Mirror::note_unreadable(std::string message) {
  unidentified_.clear();
  note_unidentified(std::move(message));
  had_unidentified_ = true;
  batch_.problems.push_back({fmt::format("{} list", kind_name(kind_)), unidentified_});
}

void Mirror::put_json(std::string_view json) {
  const doc::Parsed parsed = doc::parse(json, doc::Format::kJson);
  if (!parsed.documents.empty()) return put(parsed.documents[0]);
  note_unidentified("is not JSON: " +
                    (parsed.errors.empty() ? std::string("empty") : parsed.errors[0].message));
}

void Mirror::put(const doc::Node& node) {
  const ObjectKey key = key_of(node);
  if (key.name.empty()) return note_unidentified("has no name or namespace");
  Entry& entry = entries_[key];
  entry.pass = pass_;
  const std::uint64_t version = hash_of(text_at(node, {"metadata", "resourceVersion"}));
  if (std::exchange(entry.version, version) == version) return;
  if (has_reported_status(kind_)) note_status(key, node, entry);

  Decoded decoded = decode_object(node, kind_, api_version_, "", DecodeMode::kLenient);
  note_problems(key, std::move(decoded.diagnostics), entry);
  if (decoded.object == nullptr) return;
  // Ours alone until it is posted.
  const auto object = std::const_pointer_cast<Object>(decoded.object);
  trim(*object, with_pods_);
  const std::uint64_t content = content_of(*object);
  if (std::exchange(entry.content, content) == content) return;
  batch_.events.push_back({{kind_, key}, object});
}

void Mirror::note_status(const ObjectKey& key, const doc::Node& object, Entry& entry) {
  const doc::Node* status = object.find("status");
  std::string json = status == nullptr ? "" : doc::to_json(*status);
  const std::uint64_t hash = json.empty() ? 0 : hash_of(json);
  if (std::exchange(entry.status, hash) == hash) return;
  batch_.statuses.push_back({{kind_, key},
                             std::string(text_at(object, {"metadata", "resourceVersion"})),
                             std::move(json)});
}

void Mirror::note_problems(const ObjectKey& key, Diagnostics diagnostics, Entry& entry) {
  if (diagnostics.empty() && !entry.has_problems) return;
  entry.has_problems = !diagnostics.empty();
  batch_.problems.push_back({to_string(ObjectRef{kind_, key}), std::move(diagnostics)});
}

void Mirror::forget(const ObjectKey& key, const Entry& entry) {
  if (entry.content != 0) batch_.events.push_back({{kind_, key}, nullptr});
  if (entry.has_problems) batch_.problems.push_back({to_string(ObjectRef{kind_, key}), {}});
}

void Mirror::remove(const doc::Node& object) {
  const auto found = entries_.find(key_of(object));
  if (found == entries_.end()) return;
  forget(found->first, found->second);
  entries_.erase(found);
}

void Mirror::begin_list() {
  ++pass_;
  unidentified_.clear();
}

void Mirror::end_list() {
  if (!unidentified_.empty() || had_unidentified_) {
    had_unidentified_ = !unidentified_.empty();
    batch_.problems.push_back({fmt::format("{} list", kind_name(kind_)), unidentified_});
  }
  if (had_unidentified_) return;
  absl::erase_if(entries_, [this](const auto& known) {
    const auto& [key, entry] = known;
    if (entry.pass == pass_) return false;
    forget(key, entry);
    return true;
  });
}

void Mirror::withdraw() {
  for (auto& [key, entry] : entries_) {
    if (entry.content != 0) {
      batch_.events.push_back({{kind_, key}, nullptr, source::Absence::kUnserved});
      entry.content = kWithdrawn;
    }
    note_problems(key, {}, entry);
    entry.version = entry.status = 0;
  }
}

void Mirror::set_api_version(std::string api_version) {
  if (api_version == api_version_) return;
  api_version_ = std::move(api_version);
  for (auto& [key, entry] : entries_) entry.version = 0;
}

}  // namespace kgw::kube
