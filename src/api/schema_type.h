// The runtime side of a schema: one Type per C++ type, built once, walking values through void
// pointers. Types know the shape (how to decode, encode, hash); Constraints know what is allowed
// at one place (bounds, pattern, keys). The typed builder over this is schema.h.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/decode_context.h"
#include "api/document.h"

namespace re2 {
class RE2;
}

namespace kgw::schema {

using Json = nlohmann::json;

// Reasons of the diagnostics that decoding gives.
namespace reason {
inline constexpr std::string_view kRequired = "RequiredField";
inline constexpr std::string_view kUnknownField = "UnknownField";
inline constexpr std::string_view kInvalidType = "InvalidType";
inline constexpr std::string_view kInvalidValue = "InvalidValue";
inline constexpr std::string_view kUnsupportedValue = "UnsupportedValue";
inline constexpr std::string_view kTooLong = "TooLong";
inline constexpr std::string_view kTooMany = "TooMany";
inline constexpr std::string_view kDuplicateValue = "DuplicateValue";
}  // namespace reason

// A condition over a whole value that types cannot express: a CRD's x-kubernetes-validations rule,
// written in C++ (`holds`) and, for our own CRDs, also in CEL.
struct Rule {
  std::string message;
  // Takes the value and what it was read from, where alone an empty list differs from none.
  std::function<bool(const void*, const doc::Node&)> holds;
  std::string cel;
  std::string field;         // reported below the value's own path
  std::uint32_t offset = 0;  // of the value that `holds` takes
};

// What is allowed at one place. A chainable value: presets are functions that return one.
class Constraints {
 public:
  // Code points, as the API server counts.
  Constraints& length(std::uint32_t min, std::optional<std::uint32_t> max);
  Constraints& max_length(std::uint32_t max) { return length(0, max); }
  // RE2, matched anywhere unless anchored. REQUIRES: the pattern compiles.
  Constraints& pattern(std::string_view regex);
  // Of what stands before the first '/', in characters.
  Constraints& prefix_length(std::uint32_t max);
  // Inclusive bounds of a number.
  Constraints& range(std::optional<std::int64_t> min, std::optional<std::int64_t> max);
  Constraints& one_of(std::vector<std::string> allowed);
  Constraints& one_of_numbers(std::vector<std::int64_t> allowed);
  // Entries of a list or map.
  Constraints& size(std::uint32_t min, std::optional<std::uint32_t> max);
  Constraints& max_size(std::uint32_t max) { return size(0, max); }
  // What each entry of a list or map must satisfy, and each key of a map.
  Constraints& items(Constraints each);
  Constraints& keys(Constraints each);
  // List semantics: entries are unique (set), or unique by these fields (map).
  Constraints& unique();
  Constraints& unique_by(std::vector<std::string> fields);
  // The manifest wraps each string of the list: `[{field: "a"}]` for ["a"].
  Constraints& wrapped_in(std::string_view field);
  // Values of a map are base64 in the manifest and bytes here.
  Constraints& base64();
  // ConfigMap's split: this field holds the values that are (not) text.
  Constraints& text_only();
  Constraints& binary_only();
  // Keys of a map of strings that start with none of these are dropped while decoding. In files
  // they are checked all the same, as the API server checks them.
  Constraints& keep_keys(std::vector<std::string> prefixes);
  // Of all keys and values of a map of strings together, as the API server limits annotations.
  Constraints& total_bytes(std::size_t max);

  enum class Codec : std::uint8_t { kPlain, kText, kBase64, kBase64Binary };

  std::optional<std::int64_t> minimum, maximum;
  std::uint32_t min_length = 0, min_size = 0;
  std::optional<std::uint32_t> longest, longest_prefix, largest;
  std::string regex;
  const re2::RE2* compiled = nullptr;
  std::vector<std::string> allowed;
  std::vector<std::int64_t> allowed_numbers;
  bool is_set = false;
  std::vector<std::string> map_keys;
  std::string wrapper;
  Codec codec = Codec::kPlain;
  std::vector<std::string> kept_prefixes;
  std::size_t max_total_bytes = 0;  // 0: any
  std::shared_ptr<const Constraints> item, key;
};

// Checks shared by several types; each reports at the context's path.
bool check_string(Context& context, std::uint32_t line, std::string_view value,
                  const Constraints& constraints);
bool check_size(Context& context, std::uint32_t line, std::size_t size,
                const Constraints& constraints);
void wrong_type(Context& context, const doc::Node& node, std::string_view expected);

// Mixes values into one 64-bit hash that is the same on every run and machine.
class Hasher {
 public:
  void add(std::uint64_t value);
  void add(std::string_view text);
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0x9e3779b97f4a7c15;
};

// All `void*` point to a value of the C++ type that this Type was built for.
class Type {
 public:
  virtual ~Type() = default;
  // Reads `node` over the value and checks it; what is wrong goes to the context.
  // REQUIRES: node is not null.
  virtual void decode(Context& context, const doc::Node& node, void* out,
                      const Constraints& constraints) const = 0;
  virtual Json encode(const void* value, const Constraints& constraints) const = 0;
  virtual void hash(Hasher& hasher, const void* value) const = 0;
  virtual bool equal(const void* a, const void* b) const = 0;
  // False for an optional without value.
  virtual bool present(const void*) const { return true; }
  // OpenAPI v3 structural schema of a CRD.
  virtual Json openapi(const Constraints& constraints) const = 0;
};

struct Field {
  std::string name;
  std::uint32_t offset = 0;
  const Type* type = nullptr;
  Constraints constraints;
  bool is_required = false;
  bool is_decode_only = false;  // read after all others, never written (Secret.stringData)
  std::function<void(void*)> apply_default;   // to the field's value
  std::shared_ptr<const void> default_value;  // for the CRD
  std::vector<Rule> rules;                    // over the field's value
  std::string doc;
};

class StructType : public Type {
 public:
  // `probe` is a default-constructed value: it tells which field values need not be written.
  explicit StructType(const void* probe) : probe_(probe) {}

  Field& add(Field field) { return fields_.emplace_back(std::move(field)); }
  void add(Rule rule) { rules_.push_back(std::move(rule)); }
  // Runs over a value that decoded without error, last of all.
  void finish_with(std::function<void(void*)> finish) { finish_ = std::move(finish); }
  // Known fields that are never read.
  void ignore(std::string_view name) { ignored_.emplace_back(name); }
  void ignore_unknown() { ignore_unknown_ = true; }
  // Takes over the fields and rules of a struct that the manifest does not nest.
  void inline_struct(const StructType& other, std::uint32_t offset);
  const std::deque<Field>& fields() const { return fields_; }

  void decode(Context& context, const doc::Node& node, void* out,
              const Constraints& constraints) const override;
  Json encode(const void* value, const Constraints& constraints) const override;
  void hash(Hasher& hasher, const void* value) const override;
  bool equal(const void* a, const void* b) const override;
  Json openapi(const Constraints& constraints) const override;

 private:
  std::size_t find(std::string_view name, std::size_t hint) const;
  void unknown_field(Context& context, const doc::Node& key) const;
  void decode_field(Context& context, const Field& field, const doc::Node& node, void* out) const;
  void decode_absent(Context& context, const doc::Node& node, void* out,
                     const std::vector<bool>& seen) const;

  const void* probe_;
  std::deque<Field> fields_;
  std::vector<Rule> rules_;
  std::function<void(void*)> finish_;
  std::vector<std::string> ignored_;
  bool ignore_unknown_ = false;
};

// x-kubernetes-validations of the rules that have CEL.
void add_validations(Json& schema, const std::vector<Rule>& rules);

}  // namespace kgw::schema
