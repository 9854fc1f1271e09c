#include "source/files/manifest.h"

#include <xxhash.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "api/document.h"
#include "api/registry.h"

namespace kgw::source {
namespace {

Digest digest_of(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return {hash.low64, hash.high64};
}

// The document may have been meant as something else than it says: not so if it is of a kind that
// is known not to be supported.
bool is_doubtful(const Diagnostic& diagnostic) {
  return diagnostic.severity == Severity::kError && diagnostic.reason != "UnsupportedKind";
}

class Reader {
 public:
  Reader(const std::string& path, const FilesOptions& options,
         const std::vector<Definition>* previous)
      : path_(path), options_(options) {
    if (previous == nullptr) return;
    for (const Definition& definition : *previous) {
      const bool reusable = definition.object != nullptr && !definition.outdated &&
                            !definition.absent && definition.diagnostics.empty();
      if (reusable) previous_.emplace(definition.content, &definition);
    }
  }

  Manifest read(std::string_view text) {
    doc::Limits limits;
    limits.max_bytes = options_.max_file_bytes;
    const auto format = path_.ends_with(".json") ? doc::Format::kJson : doc::Format::kAuto;
    const doc::Parsed parsed = doc::parse(text, format, limits);
    for (const doc::SyntaxError& error : parsed.errors) {
      manifest_.unidentified.emplace_back();
      manifest_.diagnostics.push_back(
          {.object = {},
           .field = "",
           .reason = "SyntaxError",
           .message = error.message,
           .position = {path_, static_cast<int>(error.line), static_cast<int>(error.column)}});
    }
    for (const doc::Node& document : parsed.documents) read_document(document);
    return std::move(manifest_);
  }

 private:
  void read_document(const doc::Node& document) {
    const doc::Node* kind = document.find("kind");
    const doc::Node* items = document.find("items");
    const bool is_list = kind != nullptr && kind->is_string() &&
                         kind->as_string().ends_with("List") && items != nullptr &&
                         items->is_sequence();
    if (!is_list) return read_object(document);
    for (const doc::Node& item : items->items()) read_object(item);
  }

  void read_object(const doc::Node& node) {
    Definition definition;
    definition.position = {path_, static_cast<int>(node.line()), 0};
    fingerprint(node, definition);
    if (const auto same = previous_.find(definition.content); same != previous_.end()) {
      definition.ref = same->second->ref;
      definition.object = same->second->object;
      definition.posted = same->second->posted;
    } else if (!decode(node, definition)) {
      return;
    }
    manifest_.definitions.push_back(std::move(definition));
  }

  // False: the document defines nothing that could be named.
  bool decode(const doc::Node& node, Definition& definition) {
    Decoded decoded = decode_object(node, path_, DecodeMode::kStrict);
    if (decoded.ref.kind == Kind::kUnknown || decoded.ref.name().empty()) {
      const bool is_mistake = std::ranges::any_of(decoded.diagnostics, is_doubtful);
      if (is_mistake) manifest_.unidentified.push_back({decoded.ref.kind, decoded.ref.name()});
      std::ranges::move(decoded.diagnostics, std::back_inserter(manifest_.diagnostics));
      return false;
    }
    definition.ref = decoded.ref;
    definition.diagnostics = std::move(decoded.diagnostics);
    // Made for us just now, and not shared yet.
    definition.object = std::const_pointer_cast<Object>(decoded.object);
    if (definition.object == nullptr) return true;
    ObjectMeta& metadata = definition.object->metadata;
    // What an export from a cluster carries along means nothing here.
    metadata.deleting = false;
    return true;
  }

  static void fingerprint(const doc::Node& node, Definition& definition) {
    if (!node.is_mapping()) return;
    std::string spec, rest;
    for (const doc::Member& member : node.members()) {
      const std::string_view key = member.key.as_string();
      if (key == "status") continue;
      std::string& text = key == "metadata" || key == "apiVersion" ? rest : spec;
      text.append(key).append("=").append(doc::to_json(member.value)).append("\n");
    }
    definition.spec = digest_of(spec);
    definition.content = digest_of(rest + spec);
  }

  const std::string& path_;
  const FilesOptions& options_;
  std::map<Digest, const Definition*> previous_;
  Manifest manifest_;
};

}  // namespace

Manifest read_manifest(const std::string& path, std::string_view text, const FilesOptions& options,
                       const std::vector<Definition>* previous) {
  return Reader(path, options, previous).read(text);
}

}  // namespace kgw::source
