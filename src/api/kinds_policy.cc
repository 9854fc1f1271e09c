// BackendTLSPolicy of Gateway API 1.7.
#include <algorithm>

#include "api/backend.h"
#include "api/kinds_common.h"

namespace kgw {
namespace {

using TargetRefs = std::vector<PolicyTargetRef>;

template <typename Holds>
bool for_same_targets(const TargetRefs& refs, Holds holds) {
  for (std::size_t i = 0; i < refs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const PolicyTargetRef &a = refs[i], &b = refs[j];
      const bool same = a.group == b.group && a.kind == b.kind && a.name == b.name;
      if (same && !holds(a, b)) return false;
    }
  }
  return true;
}

}  // namespace

void describe(Schema<PolicyTargetRef>& s) {
  s.field("group", &PolicyTargetRef::group).required().with(shape::group());
  s.field("kind", &PolicyTargetRef::kind).required().with(shape::kind());
  s.field("name", &PolicyTargetRef::name).required().with(shape::object_name());
  s.field("sectionName", &PolicyTargetRef::section_name).with(shape::section_name());
}

void describe(Schema<SubjectAltName>& s) {
  s.field("type", &SubjectAltName::type).required().one_of({"Hostname", "URI"});
  s.field("hostname", &SubjectAltName::hostname).with(shape::hostname());
  s.field("uri", &SubjectAltName::uri)
      .length(1, 253)
      .pattern("^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\?([^#]*))?(#(.*))?");
  s.rule("SubjectAltName element must contain Hostname, if Type is set to Hostname",
         [](const SubjectAltName& n) { return n.type != "Hostname" || !n.hostname.empty(); });
  s.rule("SubjectAltName element must not contain Hostname, if Type is not set to Hostname",
         [](const SubjectAltName& n) { return n.type == "Hostname" || n.hostname.empty(); });
  s.rule("SubjectAltName element must contain URI, if Type is set to URI",
         [](const SubjectAltName& n) { return n.type != "URI" || !n.uri.empty(); });
  s.rule("SubjectAltName element must not contain URI, if Type is not set to URI",
         [](const SubjectAltName& n) { return n.type == "URI" || n.uri.empty(); });
}

namespace {

void describe_validation(Schema<BackendTlsPolicy>& s) {
  s.field("caCertificateRefs", &BackendTlsPolicy::ca_certificate_refs).size(1, 8);
  s.field("wellKnownCACertificates", &BackendTlsPolicy::well_known_ca_certificates)
      .length(1, 253)
      .pattern(
          "^(System|([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/"
          "([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$");
  s.field("hostname", &BackendTlsPolicy::hostname).required().with(shape::precise_hostname());
  s.field("subjectAltNames", &BackendTlsPolicy::subject_alt_names).max_size(5);
  s.rule("exactly one of the fields in [caCertificateRefs wellKnownCACertificates] must be set",
         [](const BackendTlsPolicy& p) {
           return p.ca_certificate_refs.empty() == p.well_known_ca_certificates.has_value();
         });
}

void describe_backend_tls_policy(Schema<BackendTlsPolicy>& s) {
  describe_object(s);
  s.group("spec", [](Schema<BackendTlsPolicy>& spec) {
     spec.field("targetRefs", &BackendTlsPolicy::target_refs)
         .required()
         .size(1, 16)
         .rule(
             "sectionName must be specified when targetRefs includes 2 or more references to the "
             "same target",
             [](const TargetRefs& refs) {
               return for_same_targets(refs, [](const auto& a, const auto& b) {
                 return a.section_name.has_value() == b.section_name.has_value();
               });
             })
         .rule(
             "sectionName must be unique when targetRefs includes 2 or more references to the same "
             "target",
             [](const TargetRefs& refs) {
               return for_same_targets(refs, [](const auto& a, const auto& b) {
                 return a.section_name != b.section_name;
               });
             });
     spec.group("validation", describe_validation).required();
     spec.field("options", &BackendTlsPolicy::options).with(shape::annotation_map(16));
   }).required();
}

}  // namespace

void add_policy_kinds(std::vector<KindDefinition>& kinds) {
  const auto* type = &schema::struct_type<BackendTlsPolicy>(describe_backend_tls_policy);
  kinds.push_back(define<BackendTlsPolicy, Kind::kBackendTlsPolicy>(
      "backendtlspolicies", {{{kGatewayGroup, "v1", "BackendTLSPolicy"}, type},
                             {{kGatewayGroup, "v1alpha3", "BackendTLSPolicy"}, type}}));
}

}  // namespace kgw
