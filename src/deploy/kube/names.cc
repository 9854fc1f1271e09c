#include "deploy/kube/names.h"

#include <fmt/format.h>
#include <openssl/sha.h>
#include <xxhash.h>

#include <algorithm>
#include <array>

#include "deploy/kube/settings.h"

namespace kgw::deploy::kube {
namespace {

constexpr std::size_t kMaxName = 63;
constexpr std::size_t kKept = 50;  // of a name that is cut: 50 + "-" + 12 digits = 63
constexpr std::size_t kMaxPortName = 15;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Lower case, every other character a dash, none of them at an end or doubled.
std::string as_label(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    const char lower = static_cast<char>(std::tolower(c));
    if (is_alphanumeric(lower)) {
      out += lower;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

}  // namespace

std::string to_string(const Image& image) {
  std::string out =
      image.registry.empty() ? image.repository : image.registry + "/" + image.repository;
  if (!image.digest.empty()) return out + "@" + image.digest;
  return image.tag.empty() ? out : out + ":" + image.tag;
}

std::string object_name(const std::string& gateway_name) {
  if (gateway_name.size() <= kMaxName && gateway_name.find('.') == std::string::npos) {
    return gateway_name;
  }
  const std::uint64_t hash = XXH3_64bits(gateway_name.data(), gateway_name.size());
  return fmt::format("{}-{:012x}", as_label(gateway_name.substr(0, kKept)), hash & 0xffffffffffff);
}

std::string label_value(const std::string& name) {
  if (name.size() <= kMaxName) return name;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(name.data()), name.size(), digest.data());
  std::string out = name.substr(0, kKept);
  if (out.back() != '-') out += '-';
  for (std::size_t i = 0; i < 6; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

std::string port_name(const std::string& listener_name, std::int32_t port,
                      std::set<std::string>& taken) {
  std::string name = as_label(as_label(listener_name).substr(0, kMaxPortName));
  // A port's name must hold a letter.
  const bool has_letter = std::ranges::any_of(name, [](char c) { return c >= 'a' && c <= 'z'; });
  if (!has_letter || taken.contains(name)) name = fmt::format("port-{}", port);
  while (taken.contains(name)) name += "x";
  taken.insert(name);
  return name;
}

StringMap selector_labels(const Gateway& gateway) {
  const std::string name = object_name(gateway.metadata.name.str());
  return {{"app.kubernetes.io/name", name},
          {"app.kubernetes.io/instance", name},
          {kGatewayNameLabel, name}};
}

StringMap pod_labels(const Gateway& gateway) {
  StringMap labels = selector_labels(gateway);
  labels["kgateway"] = "kube-gateway";
  labels["app.kubernetes.io/component"] = "proxy";
  labels[kManagedByLabel] = kManagedBy;
  labels["gateway.networking.k8s.io/gateway-class-name"] = label_value(gateway.gateway_class_name);
  return labels;
}

}  // namespace kgw::deploy::kube
