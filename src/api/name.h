// Name: an interned, immutable string, for everything of which a fleet has many alike: names of
// objects, kinds, groups, hostnames, reasons and messages of conditions.
//
// Equal texts share one reference-counted entry, so a Name is one pointer: equality and hashing
// cost one comparison, a key of a table is small, and a text that nobody uses any more is freed.
// Ordering is that of the text, so that everything sorted by Name is deterministic across runs.
// Thread: safe to create, copy and destroy from any thread.
#pragma once

#include <atomic>
#include <compare>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace kgw {

class Name {
 public:
  Name() = default;  // the empty text
  Name(std::string_view text);
  Name(const char* text) : Name(std::string_view(text)) {}
  Name(const std::string& text) : Name(std::string_view(text)) {}
  Name(const Name& other) : entry_(other.entry_) { retain(); }
  Name(Name&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  Name& operator=(Name other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~Name() {
    if (entry_ != nullptr) release();
  }

  const std::string& str() const;
  std::string_view view() const { return str(); }
  bool empty() const { return entry_ == nullptr; }
  operator const std::string&() const { return str(); }
  operator std::string_view() const { return str(); }

  friend bool operator==(const Name& a, const Name& b) { return a.entry_ == b.entry_; }
  // Texts are compared as they are, not interned first.
  template <typename Text>
    requires(!std::same_as<Text, Name> && std::convertible_to<const Text&, std::string_view>)
  friend bool operator==(const Name& a, const Text& b) {
    return a.view() == std::string_view(b);
  }
  friend std::strong_ordering operator<=>(const Name& a, const Name& b) {
    if (a.entry_ == b.entry_) return std::strong_ordering::equal;
    return a.str() <=> b.str();
  }
  template <typename H>
  friend H AbslHashValue(H h, const Name& name) {
    return H::combine(std::move(h), name.entry_);
  }

 private:
  struct Entry {
    std::string text;
    std::size_t hash;
    std::atomic<int> references;
  };
  friend class NameTable;

  void retain() const {
    if (entry_ != nullptr) entry_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void release();

  Entry* entry_ = nullptr;
};

inline std::string to_string(const Name& name) { return name.str(); }
inline std::string operator+(std::string text, const Name& name) {
  return std::move(text) + name.str();
}

}  // namespace kgw
