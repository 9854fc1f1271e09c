#include "source/files/names.h"

namespace kgw::source {

bool is_ignored_name(std::string_view name) {
  return name.empty() || name.starts_with('.') || name.starts_with('#') || name.ends_with('~') ||
         name.ends_with(".swp") || name.ends_with(".swx") || name.ends_with(".tmp");
}

bool is_manifest_name(std::string_view name) {
  return !is_ignored_name(name) &&
         (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

}  // namespace kgw::source
