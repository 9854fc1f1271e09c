// Which names inside a configured directory are manifests.
#pragma once

#include <string_view>

namespace kgw::source {

// Hidden files (".x", Kubernetes' "..data") and what editors leave beside a file: "x~", "x.swp",
// "x.swx", "x.tmp", "#x#".
bool is_ignored_name(std::string_view name);

// *.yaml, *.yml, *.json that is not ignored.
bool is_manifest_name(std::string_view name);

}  // namespace kgw::source
