#include "api/kinds_common.h"

#include <arpa/inet.h>
#include <re2/re2.h>

#include <algorithm>

#include "api/core.h"
#include "api/ineffective.h"

namespace kgw {
namespace {

#define KGW_LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define KGW_SUBDOMAIN KGW_LABEL "(\\." KGW_LABEL ")*"
#define KGW_KEY_NAME "([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]"

constexpr std::string_view kLabelValue = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";
constexpr std::string_view kQualifiedName = "^(" KGW_SUBDOMAIN "/)?" KGW_KEY_NAME "$";
// Annotation keys may have capitals in their prefix.
#define KGW_ANY_LABEL "[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?"
constexpr std::string_view kAnnotationKey =
    "^(" KGW_ANY_LABEL "(\\." KGW_ANY_LABEL ")*/)?" KGW_KEY_NAME "$";
constexpr std::uint32_t kMaxKeyPrefix = 253;
constexpr std::size_t kMaxAnnotationBytes = 256 * 1024;

std::vector<std::string> with_own_prefixes(std::vector<std::string> keys) {
  keys.insert(keys.end(), kOwnMetadataPrefixes.begin(), kOwnMetadataPrefixes.end());
  return keys;
}

// Annotations that any part of this product reads; all others are dropped while decoding.
std::vector<std::string> annotations_of_interest() {
  return with_own_prefixes({"gateway.networking.k8s.io/", "service.kubernetes.io/",
                            "networking.istio.io/", "ambient.istio.io/", "internal.kgateway.dev/"});
}

Constraints label_value() { return Constraints().length(0, 63).pattern(kLabelValue); }
Constraints qualified_name() {
  return Constraints().length(1, 317).pattern(kQualifiedName).prefix_length(kMaxKeyPrefix);
}

// The same for labels, but for those of Namespaces, which selectors may ask for. Keys of kgateway's
// groups are kept so that it can be said that they have no effect (ineffective.h).
std::vector<std::string> labels_of_interest() {
  return with_own_prefixes({EndpointSlice::kServiceName, EndpointSlice::kManagedBy});
}

// The fields of metadata; `name` says what a name must look like. No `kept_labels`: all.
void describe_metadata_fields(Schema<ObjectMeta>& s, const Constraints& name,
                              std::vector<std::string> kept_labels) {
  s.field("name", &ObjectMeta::name).required().with(name);
  s.field("namespace", &ObjectMeta::ns).with(shape::namespace_name());
  s.field("labels", &ObjectMeta::labels)
      .with(Constraints()
                .keep_keys(std::move(kept_labels))
                .keys(qualified_name())
                .items(label_value()));
  s.field("annotations", &ObjectMeta::annotations)
      .with(Constraints()
                .keep_keys(annotations_of_interest())
                .total_bytes(kMaxAnnotationBytes)
                .keys(Constraints()
                          .length(1, 317)
                          .pattern(kAnnotationKey)
                          .prefix_length(kMaxKeyPrefix)));
  s.field("uid", &ObjectMeta::uid);
  s.field("generation", &ObjectMeta::generation);
  s.custom("creationTimestamp", &ObjectMeta::creation_time,
           *new schema::NumberOf<std::int64_t, schema::TimeType>());
  s.custom("deletionTimestamp", &ObjectMeta::deleting,
           *new schema::NumberOf<bool, schema::PresenceType>());
  s.ignore("managedFields", "ownerReferences", "finalizers", "generateName", "selfLink",
           "deletionGracePeriodSeconds", "clusterName", "initializers", "resourceVersion");
}

// Both kinds of reference to a backend carry the same rules.
bool service_has_port(const BackendObjectRef& ref) {
  return !(ref.group.empty() && ref.kind == "Service") || ref.port.has_value();
}
bool xbackend_has_no_port(const BackendObjectRef& ref) {
  return !(ref.group == kGatewayExperimentalGroup && ref.kind == "XBackend") ||
         !ref.port.has_value();
}

}  // namespace

namespace shape {

Constraints group() { return Constraints().length(0, 253).pattern("^$|^" KGW_SUBDOMAIN "$"); }
Constraints kind() {
  return Constraints().length(1, 63).pattern("^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$");
}
Constraints object_name() { return Constraints().length(1, 253); }
Constraints namespace_name() { return Constraints().length(1, 63).pattern("^" KGW_LABEL "$"); }
Constraints section_name() { return Constraints().length(1, 253).pattern("^" KGW_SUBDOMAIN "$"); }
Constraints hostname() {
  return Constraints().length(1, 253).pattern("^(\\*\\.)?" KGW_SUBDOMAIN "$");
}
Constraints precise_hostname() {
  return Constraints().length(1, 253).pattern("^" KGW_SUBDOMAIN "$");
}
Constraints header_name() {
  return Constraints().length(1, 256).pattern("^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$");
}
Constraints header_value() {
  return Constraints().length(1, 4096).pattern("^[!-~]+([\\t ]?[!-~]+)*$");
}
Constraints controller_name() {
  return Constraints().length(1, 253).pattern("^" KGW_SUBDOMAIN
                                              "\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$");
}
Constraints port() { return Constraints().range(1, 65535); }
Constraints annotation_value() { return Constraints().max_length(4096); }
Constraints label_map(std::uint32_t max_entries) {
  return Constraints().max_size(max_entries).items(label_value());
}
Constraints annotation_map(std::uint32_t max_entries) {
  return Constraints().max_size(max_entries).items(annotation_value());
}

}  // namespace shape

bool is_qualified_name(std::string_view key) {
  static const re2::RE2* regex =
      new re2::RE2(re2::StringPiece(kQualifiedName.data(), kQualifiedName.size()));
  return re2::RE2::PartialMatch(re2::StringPiece(key.data(), key.size()), *regex);
}

bool has_short_prefixes(const StringMap& map) {
  return std::ranges::all_of(map, [](const auto& entry) {
    return std::string_view(entry.first).substr(0, entry.first.find('/')).size() < 253;
  });
}

bool is_given(const doc::Node& object, std::string_view field) {
  const doc::Node* found = object.find(field);
  return found != nullptr && !found->is_null();
}

bool is_ip(std::string_view text) {
  const std::string zero_terminated(text);
  unsigned char address[16];
  return inet_pton(AF_INET, zero_terminated.c_str(), address) == 1 ||
         inet_pton(AF_INET6, zero_terminated.c_str(), address) == 1;
}

void describe_metadata(Schema<ObjectMeta>& s) {
  describe_metadata_fields(s, shape::section_name(), labels_of_interest());
}

void describe_service_metadata(Schema<ObjectMeta>& s) {
  describe_metadata_fields(s, shape::namespace_name(), labels_of_interest());
}

void describe_namespace_metadata(Schema<ObjectMeta>& s) {
  describe_metadata_fields(s, shape::namespace_name(), {});
}

void describe_name_and_label(Schema<ObjectMeta>& s, const std::string& label) {
  s.field("name", &ObjectMeta::name).required().with(shape::section_name());
  s.field("namespace", &ObjectMeta::ns).with(shape::namespace_name());
  s.field("labels", &ObjectMeta::labels).with(Constraints().keep_keys({label}));
  s.ignore_unknown();
}

void describe(Schema<LabelSelectorRequirement>& s) {
  s.field("key", &LabelSelectorRequirement::key).required();
  s.field("operator", &LabelSelectorRequirement::op).required();
  s.field("values", &LabelSelectorRequirement::values);
}

void describe(Schema<LabelSelector>& s) {
  s.field("matchLabels", &LabelSelector::match_labels);
  s.field("matchExpressions", &LabelSelector::match_expressions);
}

void describe(Schema<ParentRef>& s) {
  s.field("group", &ParentRef::group)
      .default_value(std::string(kGatewayGroup))
      .with(shape::group());
  s.field("kind", &ParentRef::kind).default_value("Gateway").with(shape::kind());
  s.field("namespace", &ParentRef::ns).with(shape::namespace_name());
  s.field("name", &ParentRef::name).required().with(shape::object_name());
  s.field("sectionName", &ParentRef::section_name).with(shape::section_name());
  s.field("port", &ParentRef::port).with(shape::port());
}

void describe(Schema<BackendObjectRef>& s) {
  s.field("group", &BackendObjectRef::group).default_value("").with(shape::group());
  s.field("kind", &BackendObjectRef::kind).default_value("Service").with(shape::kind());
  s.field("namespace", &BackendObjectRef::ns).with(shape::namespace_name());
  s.field("name", &BackendObjectRef::name).required().with(shape::object_name());
  s.field("port", &BackendObjectRef::port).with(shape::port());
  s.rule("Must have port for Service reference", service_has_port,
         "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true");
  s.rule("Must not have port for Backend reference", xbackend_has_no_port);
}

void describe(Schema<SecretObjectRef>& s) {
  s.field("group", &SecretObjectRef::group).default_value("").with(shape::group());
  s.field("kind", &SecretObjectRef::kind).default_value("Secret").with(shape::kind());
  s.field("name", &SecretObjectRef::name).required().with(shape::object_name());
  s.field("namespace", &SecretObjectRef::ns).with(shape::namespace_name());
}

void describe(Schema<AnyObjectRef>& s) {
  s.field("group", &AnyObjectRef::group).required().with(shape::group());
  s.field("kind", &AnyObjectRef::kind).required().with(shape::kind());
  s.field("name", &AnyObjectRef::name).required().with(shape::object_name());
  s.field("namespace", &AnyObjectRef::ns).with(shape::namespace_name());
}

void describe(Schema<LocalObjectRef>& s) {
  s.field("group", &LocalObjectRef::group).required().with(shape::group());
  s.field("kind", &LocalObjectRef::kind).required().with(shape::kind());
  s.field("name", &LocalObjectRef::name).required().with(shape::object_name());
}

}  // namespace kgw
