#include "deploy/kube/container.h"

namespace kgw::deploy::kube {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kUser = 10101;

Image effective_image(const Image& standard, const ImageParameters& own) {
  Image image = standard;
  if (own.tag && !own.digest) image.digest.clear();
  if (own.registry) image.registry = *own.registry;
  if (own.repository) image.repository = *own.repository;
  if (own.tag) image.tag = *own.tag;
  if (own.digest) image.digest = *own.digest;
  if (own.pull_policy) image.pull_policy = *own.pull_policy;
  return image;
}

// All containers run as the same user, so that what one writes the others may read.
Json security_context(const KubeParameters& parameters, const RawJson& own) {
  Json context = Json::object();
  if (!parameters.omit_default_security_context.value_or(false)) {
    context = {{"allowPrivilegeEscalation", false},
               {"capabilities", {{"drop", {"ALL"}}}},
               {"readOnlyRootFilesystem", true},
               {"runAsNonRoot", true},
               {"runAsUser", kUser},
               {"seccompProfile", {{"type", "RuntimeDefault"}}}};
  }
  context.update(parse(own));
  return context;
}

// So little that it always fits, but enough not to be the first that a node under pressure ends.
Json resources(const RawJson& own) {
  if (!own.empty()) return parse(own);
  return {{"requests", {{"cpu", "10m"}, {"memory", "64Mi"}}}};
}

}  // namespace

Json parse(const RawJson& text) { return text.empty() ? Json::object() : Json::parse(text); }

Json::array_t parse(const std::vector<RawJson>& list) {
  Json::array_t out;
  for (const RawJson& text : list) out.push_back(Json::parse(text));
  return out;
}

void set_unless_empty(Json& object, const char* name, Json value) {
  if (!value.empty()) object[name] = std::move(value);
}

Json field_env(const char* name, const std::string& path) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

Json base_container(const char* name, const ContainerParameters& own, const Image& standard,
                    const KubeParameters& parameters) {
  const Image image = effective_image(standard, own.image ? *own.image : ImageParameters{});
  Json out = {{"name", name}, {"image", to_string(image)}};
  set_unless_empty(out, "imagePullPolicy", image.pull_policy);
  set_unless_empty(out, "securityContext", security_context(parameters, own.security_context));
  set_unless_empty(out, "resources", resources(own.resources));
  return out;
}

}  // namespace kgw::deploy::kube
