// For the tests of kinds: manifests from a kind and a spec, and what decoding them gives.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/registry.h"

namespace kgw {

// `spec` is YAML in flow style without the outer braces.
inline std::string manifest(std::string_view api_version, std::string_view kind,
                            std::string_view spec) {
  return "apiVersion: " + std::string(api_version) + "\nkind: " + std::string(kind) +
         "\nmetadata: {name: x, namespace: ns}\nspec: {" + std::string(spec) + "}\n";
}

inline Decoded decode_one(std::string_view text, DecodeMode mode = DecodeMode::kStrict) {
  std::vector<Decoded> all = decode_text(text, "file.yaml", mode);
  EXPECT_EQ(all.size(), 1) << text;
  return all.empty() ? Decoded() : std::move(all[0]);
}

// "field: message" of each diagnostic.
inline std::vector<std::string> problems(std::string_view text,
                                         DecodeMode mode = DecodeMode::kStrict) {
  std::vector<std::string> out;
  for (const Diagnostic& d : decode_one(text, mode).diagnostics) {
    out.push_back(d.field + ": " + d.message);
  }
  return out;
}

// Decodes without complaint, and again to the same after encoding.
inline std::shared_ptr<const Object> expect_valid(std::string_view text) {
  EXPECT_THAT(problems(text), ::testing::ElementsAre()) << text;
  const Decoded first = decode_one(text);
  if (first.object == nullptr) return nullptr;
  const std::string encoded = encode_object(*first.object).dump();
  const Decoded second = decode_one(encoded);
  EXPECT_NE(second.object, nullptr)
      << encoded << (second.diagnostics.empty() ? "" : to_string(second.diagnostics[0]));
  if (second.object == nullptr) return nullptr;
  EXPECT_TRUE(equal_objects(*first.object, *second.object)) << encoded;
  EXPECT_EQ(hash_object(*first.object), hash_object(*second.object)) << encoded;
  return first.object;
}

// A spec, and what must be said about it; an empty problem means that it is valid.
struct SpecCase {
  std::string spec;
  std::string problem;  // "field: beginning of the message"
};

inline void check(std::string_view api_version, std::string_view kind,
                  const std::vector<SpecCase>& cases) {
  for (const SpecCase& c : cases) {
    const std::string text = manifest(api_version, kind, c.spec);
    if (c.problem.empty()) {
      expect_valid(text);
    } else {
      EXPECT_THAT(problems(text),
                  ::testing::ElementsAre(::testing::StartsWith(std::string(c.problem))))
          << text;
      EXPECT_EQ(decode_one(text).object, nullptr);
    }
  }
}

}  // namespace kgw
