// The Types other than structs: scalars, optionals, lists and maps. Each is an untyped class with
// the logic and a thin template that knows the C++ type.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/box.h"
#include "api/name.h"
#include "api/schema_type.h"

namespace kgw::schema {

// ---- scalars ----

class StringType : public Type {
 public:
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  void hash(Hasher& hasher, const void* value) const override { hasher.add(view(value)); }
  bool equal(const void* a, const void* b) const override { return view(a) == view(b); }
  Json openapi(const Constraints&) const override;

 protected:
  virtual std::string_view view(const void*) const = 0;
  virtual void assign(void*, std::string_view) const = 0;
};

template <typename T>
class StringOf : public StringType {
 protected:
  std::string_view view(const void* value) const override {
    if constexpr (std::is_same_v<T, std::string>) {
      return *static_cast<const T*>(value);
    } else {
      return static_cast<const T*>(value)->view();
    }
  }
  void assign(void* value, std::string_view text) const override {
    *static_cast<T*>(value) = T(text);
  }
};

// An integer or a string in the manifest, kept as text (targetPort of a Service).
class IntOrStringType : public StringOf<Name> {
 public:
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  Json openapi(const Constraints&) const override;
};

// A resource quantity ("64Ki", 65535, 0.5), kept as text.
class QuantityType : public StringOf<std::string> {
 public:
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json openapi(const Constraints&) const override;
};

// Any object, kept as compact JSON text (a CRD's x-kubernetes-preserve-unknown-fields).
class RawObjectType : public StringOf<std::string> {
 public:
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  Json openapi(const Constraints&) const override;
};

// Anything that is kept as one 64-bit number.
class NumberType : public Type {
 public:
  void hash(Hasher& hasher, const void* value) const override {
    hasher.add(static_cast<std::uint64_t>(get(value)));
  }
  bool equal(const void* a, const void* b) const override { return get(a) == get(b); }

 protected:
  virtual std::int64_t get(const void*) const = 0;
  virtual void set(void*, std::int64_t) const = 0;
};

// `Base` (a NumberType) over a T.
template <typename T, typename Base>
class NumberOf : public Base {
 public:
  using Base::Base;

 private:
  std::int64_t get(const void* value) const override {
    return static_cast<std::int64_t>(*static_cast<const T*>(value));
  }
  void set(void* out, std::int64_t value) const override {
    *static_cast<T*>(out) = static_cast<T>(value);
  }
};

class BoolType : public NumberType {
 public:
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  Json openapi(const Constraints&) const override;
};

class IntType : public NumberType {
 public:
  explicit IntType(int bits) : bits_(bits) {}
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  Json openapi(const Constraints&) const override;

 private:
  int bits_;
};

// Names for the values of an enum (or bool).
class EnumType : public NumberType {
 public:
  using Names = std::vector<std::pair<std::string, std::int64_t>>;
  explicit EnumType(Names names) : names_(std::move(names)) {}
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  Json openapi(const Constraints&) const override;

 private:
  Names names_;
};

// A GEP-2257 duration in milliseconds: at most 99999h, so that it can always be written again.
class DurationType : public NumberType {
 public:
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  Json openapi(const Constraints&) const override;
};

// metav1.Time (RFC 3339), seconds since the epoch.
class TimeType : public NumberType {
 public:
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  Json openapi(const Constraints&) const override;
};

// A bool that says whether the field is there at all; its value is a time that nobody needs.
class PresenceType : public NumberType {
 public:
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  Json openapi(const Constraints&) const override;
};

class DoubleType : public Type {
 public:
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  void hash(Hasher&, const void*) const override;
  bool equal(const void*, const void*) const override;
  Json openapi(const Constraints&) const override;
};

// ---- optional, list, map ----

class OptionalType : public Type {
 public:
  explicit OptionalType(const Type& inner) : inner_(inner) {}
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  void hash(Hasher&, const void*) const override;
  bool equal(const void*, const void*) const override;
  bool present(const void* value) const override { return get(value) != nullptr; }
  Json openapi(const Constraints&) const override;

 protected:
  virtual const void* get(const void*) const = 0;  // null when empty
  virtual void* emplace(void*) const = 0;
  const Type& inner_;
};

// std::optional or Box.
template <typename O>
class OptionalOf : public OptionalType {
  using OptionalType::OptionalType;
  const void* get(const void* value) const override {
    const O& optional = *static_cast<const O*>(value);
    return optional.has_value() ? &*optional : nullptr;
  }
  void* emplace(void* out) const override { return &static_cast<O*>(out)->emplace(); }
};

class ListType : public Type {
 public:
  explicit ListType(const Type& item) : item_(item) {}
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  void hash(Hasher&, const void*) const override;
  bool equal(const void*, const void*) const override;
  Json openapi(const Constraints&) const override;

 protected:
  virtual void clear(void*, std::size_t reserve) const = 0;
  virtual void* append(void*) const = 0;
  virtual std::size_t size(const void*) const = 0;
  virtual const void* at(const void*, std::size_t) const = 0;

 private:
  void check_unique(Context&, const doc::Node&, const Constraints&) const;
  const Type& item_;
};

template <typename V>
class ListOf : public ListType {
  using ListType::ListType;
  void clear(void* list, std::size_t reserve) const override {
    static_cast<V*>(list)->clear();
    static_cast<V*>(list)->reserve(reserve);
  }
  void* append(void* list) const override { return &static_cast<V*>(list)->emplace_back(); }
  std::size_t size(const void* list) const override { return static_cast<const V*>(list)->size(); }
  const void* at(const void* list, std::size_t index) const override {
    return &(*static_cast<const V*>(list))[index];
  }
};

// Decoding adds to what the map holds already, so that two fields can share one map.
class MapType : public Type {
 public:
  explicit MapType(const Type& value) : value_(value) {}
  void decode(Context&, const doc::Node&, void*, const Constraints&) const override;
  Json encode(const void*, const Constraints&) const override;
  void hash(Hasher&, const void*) const override;
  bool equal(const void*, const void*) const override;
  Json openapi(const Constraints&) const override;

 protected:
  using Visit = std::function<void(std::string_view key, const void* value)>;
  virtual void* insert(void* map, std::string_view key) const = 0;
  virtual std::size_t size(const void* map) const = 0;
  virtual const void* find(const void* map, std::string_view key) const = 0;
  virtual void each(const void* map, const Visit& visit) const = 0;

 private:
  void decode_bytes(Context&, const doc::Node&, void*) const;
  const Type& value_;
};

template <typename M>
class MapOf : public MapType {
  using MapType::MapType;
  void* insert(void* map, std::string_view key) const override {
    auto& value = (*static_cast<M*>(map))[std::string(key)];
    value = {};
    return &value;
  }
  std::size_t size(const void* map) const override { return static_cast<const M*>(map)->size(); }
  const void* find(const void* map, std::string_view key) const override {
    const auto found = static_cast<const M*>(map)->find(std::string(key));
    return found == static_cast<const M*>(map)->end() ? nullptr : &found->second;
  }
  void each(const void* map, const Visit& visit) const override {
    for (const auto& [key, value] : *static_cast<const M*>(map)) visit(key, &value);
  }
};

}  // namespace kgw::schema
