// One definition per kind. A struct is described once, and from that come decoding, defaults,
// validation, encoding, hashing, and for our own kinds the CRD and the reference documentation:
//
//   void describe(Schema<PathMatch>& s) {
//     s.enumeration("type", &PathMatch::type, {{"Exact", PathMatchType::kExact}, ...})
//         .default_value(PathMatchType::kPathPrefix);
//     s.field("value", &PathMatch::value).default_value("/").max_length(1024);
//     s.rule("value must start with '/'", [](const PathMatch& m) { return ...; });
//   }
//
// describe() is found by argument-dependent lookup; a struct that is described in more than one way
// (a filter of HTTPRoute or of GRPCRoute) passes the function to use to field().
// C++ initializers are the values of absent fields; default_value() must agree with them where the
// member is not optional. Order of checks for one struct: fields, then (when all of them are
// right) its rules.
// Include this only in the .cc files that describe kinds: it is all templates.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "api/name.h"
#include "api/route.h"
#include "api/schema_value.h"

namespace kgw::schema {

template <typename T>
class Schema;
template <typename T>
using Describe = void (*)(Schema<T>&);

namespace internal {

template <typename M>
struct Leaf {
  using type = M;
};
template <typename M>
struct Leaf<std::optional<M>> : Leaf<M> {};
template <typename M>
struct Leaf<Box<M>> : Leaf<M> {};
template <typename M>
struct Leaf<std::vector<M>> : Leaf<M> {};
template <typename M>
struct Leaf<std::map<std::string, M>> : Leaf<M> {};
template <>
struct Leaf<StringMap> : Leaf<std::string> {};

template <template <typename...> class, typename>
inline constexpr bool is_a = false;
template <template <typename...> class Template, typename... Arguments>
inline constexpr bool is_a<Template, Template<Arguments...>> = true;

// A value with every member as initialized; lives for the whole process.
template <typename T>
const T& probe() {
  static const T* value = [] {
    if constexpr (std::is_default_constructible_v<T>) {
      return new T();
    } else {
      return new T(Kind::kUnknown);
    }
  }();
  return *value;
}

template <typename M, typename C>
std::uint32_t offset_of(M C::* member) {
  const C& value = probe<C>();
  return static_cast<std::uint32_t>(reinterpret_cast<const char*>(&(value.*member)) -
                                    reinterpret_cast<const char*>(&value));
}

// A predicate over an M, or over an M and the node it was read from, as a Rule has it.
template <typename M, typename Predicate>
std::function<bool(const void*, const doc::Node&)> holds_of(Predicate holds) {
  return [holds](const void* value, const doc::Node& node) {
    const M& typed = *static_cast<const M*>(value);
    if constexpr (std::is_invocable_v<Predicate, const M&, const doc::Node&>) {
      return static_cast<bool>(holds(typed, node));
    } else {
      return static_cast<bool>(holds(typed));
    }
  };
}

// Described structs, by the function that describes them. Types live for the whole process.
std::recursive_mutex& types_mutex();
StructType* find_struct(const void* describe);
void keep_struct(const void* describe, StructType* type);

}  // namespace internal

template <typename T>
const StructType& struct_type(Describe<T> describe_function);

// The Type of M; structs inside it are described by `describe_function`, or by ADL when null.
template <typename M, typename Function = std::nullptr_t>
const Type& type_of(Function describe_function = nullptr) {
  if constexpr (std::is_same_v<M, std::string> || std::is_same_v<M, Name>) {
    static const Type* type = new StringOf<M>();
    return *type;
  } else if constexpr (std::is_same_v<M, bool>) {
    static const Type* type = new NumberOf<bool, BoolType>();
    return *type;
  } else if constexpr (std::is_same_v<M, std::int32_t> || std::is_same_v<M, std::int64_t>) {
    static const Type* type = new NumberOf<M, IntType>(static_cast<int>(sizeof(M) * 8));
    return *type;
  } else if constexpr (std::is_same_v<M, double>) {
    static const Type* type = new DoubleType();
    return *type;
  } else if constexpr (std::is_same_v<M, Duration>) {
    // A Duration is its one member.
    static_assert(sizeof(Duration) == sizeof(std::int64_t));
    static const Type* type = new NumberOf<std::int64_t, DurationType>();
    return *type;
  } else if constexpr (internal::is_a<std::optional, M> || internal::is_a<Box, M>) {
    using Inner = std::remove_cvref_t<decltype(*std::declval<M&>())>;
    return *new OptionalOf<M>(type_of<Inner>(describe_function));
  } else if constexpr (internal::is_a<std::vector, M>) {
    return *new ListOf<M>(type_of<typename M::value_type>(describe_function));
  } else if constexpr (internal::is_a<std::map, M> || std::is_same_v<M, StringMap>) {
    return *new MapOf<M>(type_of<typename M::mapped_type>(describe_function));
  } else {
    static_assert(std::is_class_v<M>, "an enum is described with enumeration()");
    if constexpr (std::is_null_pointer_v<Function>) {
      return struct_type<M>([](Schema<M>& s) { describe(s); });
    } else {
      return struct_type<M>(describe_function);
    }
  }
}

// Returned by Schema::field(): what is allowed in a field holding an M. Chainable.
template <typename M>
class FieldRef {
 public:
  FieldRef(Field& field) : field_(field) {}

  FieldRef& required() {
    field_.is_required = true;
    return *this;
  }
  FieldRef& default_value(M value) {
    auto shared = std::make_shared<const M>(std::move(value));
    field_.default_value = shared;
    field_.apply_default = [shared](void* out) { *static_cast<M*>(out) = *shared; };
    return *this;
  }
  // Replaces all constraints.
  FieldRef& with(Constraints constraints) {
    field_.constraints = std::move(constraints);
    return *this;
  }
  FieldRef& length(std::uint32_t min, std::optional<std::uint32_t> max) {
    field_.constraints.length(min, max);
    return *this;
  }
  FieldRef& max_length(std::uint32_t max) { return length(0, max); }
  FieldRef& pattern(std::string_view regex) {
    field_.constraints.pattern(regex);
    return *this;
  }
  FieldRef& range(std::optional<std::int64_t> min, std::optional<std::int64_t> max) {
    field_.constraints.range(min, max);
    return *this;
  }
  FieldRef& one_of(std::vector<std::string> allowed) {
    field_.constraints.one_of(std::move(allowed));
    return *this;
  }
  FieldRef& one_of_numbers(std::vector<std::int64_t> allowed) {
    field_.constraints.one_of_numbers(std::move(allowed));
    return *this;
  }
  FieldRef& size(std::uint32_t min, std::optional<std::uint32_t> max) {
    field_.constraints.size(min, max);
    return *this;
  }
  FieldRef& max_size(std::uint32_t max) { return size(0, max); }
  FieldRef& items(Constraints each) {
    field_.constraints.items(std::move(each));
    return *this;
  }
  FieldRef& unique() {
    field_.constraints.unique();
    return *this;
  }
  FieldRef& unique_by(std::vector<std::string> fields) {
    field_.constraints.unique_by(std::move(fields));
    return *this;
  }
  FieldRef& decode_only() {
    field_.is_decode_only = true;
    return *this;
  }
  FieldRef& doc(std::string_view text) {
    field_.doc = text;
    return *this;
  }
  // `holds` takes a const M&, and may take the const doc::Node& that it was read from.
  template <typename Predicate>
  FieldRef& rule(std::string_view message, Predicate holds, std::string_view cel = {}) {
    field_.rules.push_back(
        {std::string(message), internal::holds_of<M>(holds), std::string(cel), {}});
    return *this;
  }

 private:
  Field& field_;
};

// The description of T under construction.
template <typename T>
class Schema {
 public:
  explicit Schema(StructType& type) : type_(type) {}

  template <typename M, typename C>
    requires std::derived_from<T, C>
  FieldRef<M> field(std::string_view name, M C::* member) {
    return add<M>(name, internal::offset_of(member), type_of<M>());
  }
  template <typename M, typename C>
    requires std::derived_from<T, C>
  FieldRef<M> field(std::string_view name, M C::* member,
                    Describe<typename internal::Leaf<M>::type> describe_function) {
    return add<M>(name, internal::offset_of(member), type_of<M>(describe_function));
  }

  // A member whose values have names in the manifest.
  template <typename M, typename C>
    requires std::derived_from<T, C>
  FieldRef<M> enumeration(std::string_view name, M C::* member,
                          std::vector<std::pair<std::string, M>> names) {
    EnumType::Names numbered;
    for (auto& [text, value] : names) {
      numbered.emplace_back(std::move(text), static_cast<std::int64_t>(value));
    }
    return add<M>(name, internal::offset_of(member), *new NumberOf<M, EnumType>(numbered));
  }

  // A member with a Type of its own, such as IntOrStringType.
  template <typename M, typename C>
    requires std::derived_from<T, C>
  FieldRef<M> custom(std::string_view name, M C::* member, const Type& type) {
    return add<M>(name, internal::offset_of(member), type);
  }

  // A level of the manifest that the C++ struct does not have: its fields are members of T too.
  template <typename Fill>
  FieldRef<T> group(std::string_view name, Fill fill) {
    auto* nested = new StructType(&internal::probe<T>());
    Schema<T> schema(*nested);
    fill(schema);
    return add<T>(name, 0, *nested);
  }

  // The opposite: a member struct whose fields stand at this level in the manifest.
  template <typename M, typename C>
    requires std::derived_from<T, C>
  void inlined(M C::* member) {
    const Type& type = type_of<M>();
    type_.inline_struct(static_cast<const StructType&>(type), internal::offset_of(member));
  }

  // Runs over each T that decoded without error, for what follows from its fields.
  template <typename Finish>
  void finish(Finish change) {
    type_.finish_with([change](void* value) { change(*static_cast<T*>(value)); });
  }

  // Known fields that are accepted and not read.
  template <typename... Names>
  void ignore(Names... names) {
    (type_.ignore(names), ...);
  }
  // Everything not described is accepted and not read.
  void ignore_unknown() { type_.ignore_unknown(); }

  // `holds` takes a const T&, and if it likes its const doc::Node&. Reported here, or at `field`.
  template <typename Predicate>
  void rule(std::string_view message, Predicate holds, std::string_view cel = {},
            std::string_view field = {}) {
    type_.add(Rule{std::string(message), internal::holds_of<T>(holds), std::string(cel),
                   std::string(field)});
  }

 private:
  template <typename M>
  FieldRef<M> add(std::string_view name, std::uint32_t offset, const Type& type) {
    Field field;
    field.name = name;
    field.offset = offset;
    field.type = &type;
    return FieldRef<M>(type_.add(std::move(field)));
  }

  StructType& type_;
};

template <typename T>
const StructType& struct_type(Describe<T> describe_function) {
  std::lock_guard lock(internal::types_mutex());
  const void* key = reinterpret_cast<const void*>(describe_function);
  if (const StructType* known = internal::find_struct(key)) return *known;
  auto* type = new StructType(&internal::probe<T>());
  internal::keep_struct(key, type);
  Schema<T> schema(*type);
  describe_function(schema);
  return *type;
}

}  // namespace kgw::schema
