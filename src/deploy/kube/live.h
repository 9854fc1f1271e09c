// Objects as the API server has them, compared with what is wanted.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "api/ref.h"

namespace kgw::deploy::kube {

// Carries hash_json() of what was applied, so that after a restart nothing is applied again.
inline constexpr const char* kAppliedHash = "kgateway.dev/applied-hash";
// Carries the namespace of the controller that applied it last.
inline constexpr const char* kAppliedBy = "kgateway.dev/applied-by";

// True if spec.replicas is a field of ours: to apply the object without it would take it away, and
// the API server would make it 1.
bool owns_replicas(const nlohmann::json& live);

// 16 hexadecimal digits over all of it.
std::string hash_json(const nlohmann::json& value);

// The object without what changes by itself: status, managedFields, resourceVersion, generation.
nlohmann::json content_of(nlohmann::json live);

struct Owner {
  ObjectKey gateway;
  std::string uid;
};
// The Gateway that owns the object, as its ownerReferences tell.
std::optional<Owner> owner_of(const nlohmann::json& live);

// True if kgateway made the object for a Gateway of the same name as that of `wanted`, as labels
// say, and nobody owns it now: the Gateway was deleted without it, or came back from a backup.
bool is_orphan_of(const nlohmann::json& live, const nlohmann::json& wanted);

// True if `live` says everything that `wanted` says; it may say more, as after defaulting. Entries
// of lists may come in another order and among others.
bool satisfies(const nlohmann::json& live, const nlohmann::json& wanted);

// False if `live` is certainly an older version than `known`.
bool is_current(const nlohmann::json& live, const nlohmann::json& known);

// metadata.<name> where it is a string, else empty.
std::string metadata_text(const nlohmann::json& object, const char* name);
// Likewise metadata.annotations.<name>.
std::string metadata_annotation(const nlohmann::json& object, const char* name);

// Who, if not `installation`, applied the object last in the name of our field manager, in words.
std::optional<std::string> applied_by_other(const nlohmann::json& live,
                                            const std::string& installation);

}  // namespace kgw::deploy::kube
