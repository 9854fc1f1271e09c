// The kinds that this product reads: their names and versions, and everything that can be done
// with an object of any kind: decode it from a document, encode it, hash and compare it, print its
// CRD and its reference documentation.
//
// Thread: all functions may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/decode_context.h"
#include "api/diagnostic.h"
#include "api/document.h"
#include "api/meta.h"

namespace kgw {

// One form in which a kind may be written: `apiVersion: <group>/<version>`, `kind: <kind_name>`.
struct ServedVersion {
  std::string_view group;  // empty for core
  std::string_view version;
  std::string_view kind_name;

  std::string api_version() const;  // "group/version", or "version" for core
};

struct KindInfo {
  Kind kind = Kind::kUnknown;
  std::string_view plural;  // "httproutes"
  bool namespaced = true;
  // Every cluster is full of them: an API server is asked only where a setting needs them.
  bool on_demand = false;
  // The preferred version first; older and legacy ones that are still read after it.
  std::vector<ServedVersion> versions;
};

// Every kind, in the order of the enum.
std::span<const KindInfo> known_kinds();
// REQUIRES: kind is not kUnknown.
const KindInfo& kind_info(Kind kind);

// What became of one object of the input.
struct Decoded {
  ObjectRef ref;  // as far as it could be read
  // Null when there is at least one error: an object is used whole or not at all.
  std::shared_ptr<const Object> object;
  Diagnostics diagnostics;  // all errors, and warnings
};

// Decodes, defaults and validates one object. In files, a namespaced object without a namespace is
// put into "default", as kubectl does. A kind that is no business of ours (Deployment, ...) gives
// no object and one warning; one that looks like a mistake, or a kgateway kind that this version
// does not know, gives an error.
Decoded decode_object(const doc::Node& node, std::string_view file, DecodeMode mode);

// The same for an object whose kind is known from outside: items of an API server's list carry
// neither apiVersion nor kind. REQUIRES: `api_version` is one of the kind's.
Decoded decode_object(const doc::Node& node, Kind kind, std::string_view api_version,
                      std::string_view file, DecodeMode mode);

// All objects of a document: `kind: List` and typed lists are expanded.
std::vector<Decoded> decode_document(const doc::Node& node, std::string_view file, DecodeMode mode);

// All objects of a file. A syntax error is an entry without object; other documents are unaffected.
std::vector<Decoded> decode_text(std::string_view text, std::string_view file, DecodeMode mode,
                                 doc::Format format = doc::Format::kAuto);

// The object as a manifest (without status). Decoding it again gives an equal object.
nlohmann::json encode_object(const Object& object);
// Content hash over all fields, the same on every run.
std::uint64_t hash_object(const Object& object);
// Equal in kind and in every field.
bool equal_objects(const Object& a, const Object& b);

// Our own kinds, for which crd_yaml() and reference_doc() exist.
std::span<const Kind> own_kinds();
// The CustomResourceDefinition. REQUIRES: an own kind.
std::string crd_yaml(Kind kind);
// What is checked of each kind at each version, without the rules that are not written in CEL:
// {"<apiVersion>/<Kind>": OpenAPI schema}. For tests and editors.
nlohmann::json schemas_json();
// Markdown: one table of all fields with type, default and what is allowed. Any kind.
std::string reference_doc(Kind kind);

}  // namespace kgw
