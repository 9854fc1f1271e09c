#include "api/backend.h"
#include "api/kinds_test_util.h"

namespace kgw {
namespace {

constexpr std::string_view kV1 = "gateway.networking.k8s.io/v1";
constexpr std::string_view kOwn = "gateway.kgateway.dev/v1alpha1";

TEST(BackendTlsPolicyKind, IsChecked) {
  const std::string target = "targetRefs: [{group: '', kind: Service, name: a}], ";
  const auto validation = [&](std::string_view text) {
    return target + "validation: {" + std::string(text) + "}";
  };
  const auto targets = [](std::string_view text) {
    return "targetRefs: [" + std::string(text) +
           "], validation: {hostname: a.b, wellKnownCACertificates: System}";
  };
  const std::string a = "{group: '', kind: Service, name: a}";
  const std::string a_http = "{group: '', kind: Service, name: a, sectionName: http}";
  const std::string san = "hostname: a.b, wellKnownCACertificates: System, subjectAltNames: ";
  check(kV1, "BackendTLSPolicy",
        {{validation("hostname: a.b, wellKnownCACertificates: System") + ", options: {a: b}", ""},
         {validation("hostname: a.b, caCertificateRefs: [{group: '', kind: ConfigMap, name: c}]"),
          ""},
         {targets(a + ", " + a_http), "spec.targetRefs: sectionName must be specified"},
         {targets(a_http + ", " + a_http), "spec.targetRefs: sectionName must be unique"},
         {targets(""), "spec.targetRefs: Invalid value: 0"},
         {target, "spec.validation: Required value"},
         {validation("wellKnownCACertificates: System"), "spec.validation.hostname: Required"},
         {validation("hostname: '*.b', wellKnownCACertificates: System"),
          "spec.validation.hostname: Invalid value"},
         {validation("hostname: a.b"), "spec.validation: exactly one of the fields"},
         {validation("hostname: a.b, wellKnownCACertificates: System, caCertificateRefs: "
                     "[{group: '', kind: ConfigMap, name: c}]"),
          "spec.validation: exactly one of the fields"},
         {validation("hostname: a.b, wellKnownCACertificates: Other"),
          "spec.validation.wellKnownCACertificates: Invalid value"},
         {validation(san + "[{type: Hostname, hostname: c.d}, {type: URI, uri: 'spiffe://a/b'}]"),
          ""},
         {validation(san + "[{type: Hostname}]"),
          "spec.validation.subjectAltNames[0]: SubjectAltName element must contain Hostname"},
         {validation(san + "[{type: URI, uri: 'a://b', hostname: c}]"),
          "spec.validation.subjectAltNames[0]: SubjectAltName element must not contain Hostname"},
         {validation(san + "[{type: URI}]"),
          "spec.validation.subjectAltNames[0]: SubjectAltName element must contain URI"},
         {validation(san + "[{type: Hostname, hostname: c, uri: 'a://b'}]"),
          "spec.validation.subjectAltNames[0]: SubjectAltName element must not contain URI"}});
  check("gateway.networking.k8s.io/v1alpha3", "BackendTLSPolicy",
        {{validation("hostname: a.b, wellKnownCACertificates: System"), ""}});
}

TEST(BackendKind, ItsTypeFollowsFromTheMember) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"static: {hosts: [{host: 1.2.3.4, port: 80}, {host: a.b, port: 81}], appProtocol: grpc}",
       "Static"},
      {"dynamicForwardProxy: {enableTls: true}", "DynamicForwardProxy"},
      {"gcp: {host: a.run.app}", "GCP"},
      {"priorityGroups: [{backendRefs: [{name: a}, {name: b}]}, {backendRefs: [{name: c}]}]",
       "PriorityGroups"},
      {"aws: {lambda: {functionName: f, accountId: '123456789012'}, auth: {type: Secret, "
       "secretRef: {name: s}}}",
       "AWS"},
      {"aws: {ec2: {filters: [{key: a}, {keyValue: {key: a, value: b}}]}, auth: {type: AssumeRole, "
       "assumeRole: {roleArn: 'arn:aws:iam::123456789012:role/r'}}}",
       "AWS"}};
  for (const auto& [spec, type] : cases) {
    const auto object = expect_valid(manifest(kOwn, "Backend", spec));
    ASSERT_NE(object, nullptr);
    EXPECT_EQ(static_cast<const Backend&>(*object).type, type);
    expect_valid(manifest(kOwn, "Backend", "type: " + type + ", " + spec));
  }
}

TEST(BackendKind, IsChecked) {
  check(kOwn, "Backend",
        {{"", "spec: exactly one of the fields in [aws static dynamicForwardProxy"},
         {"gcp: {host: a}, dynamicForwardProxy: {}", "spec: exactly one of the fields"},
         {"type: AWS, gcp: {host: a}", "spec.type: type must match the field that is set"},
         {"static: {hosts: []}", "spec.static.hosts: Invalid value: 0"},
         {"static: {hosts: [{host: '', port: 1}]}", "spec.static.hosts[0].host: Invalid value"},
         {"static: {hosts: [{host: a, port: 0}]}", "spec.static.hosts[0].port: Invalid value: 0"},
         {"static: {hosts: [{host: a, port: 1}], appProtocol: h3}",
          "spec.static.appProtocol: Unsupported value"},
         {"aws: {}", "spec.aws: exactly one of the fields in [lambda ec2]"},
         {"aws: {lambda: {functionName: f}}", "spec.aws: accountId must be set in lambda"},
         {"aws: {lambda: {functionName: 'f!'}}", "spec.aws.lambda.functionName: Invalid value"},
         {"aws: {ec2: {}, auth: {type: Secret}}", "spec.aws.auth: secretRef must be set exactly"},
         {"aws: {ec2: {}, auth: {type: AssumeRole}}", "spec.aws.auth: assumeRole must be set"},
         {"aws: {ec2: {filters: [{}]}}", "spec.aws.ec2.filters[0]: exactly one of the fields"},
         {"priorityGroups: [{backendRefs: [{name: a}, {name: a}]}]",
          "spec.priorityGroups[0].backendRefs[1]: Duplicate value: {\"name\":\"a\"}"},
         {"priorityGroups: [{backendRefs: [{name: ''}]}]",
          "spec.priorityGroups[0].backendRefs[0]: Invalid value"}});
}

}  // namespace
}  // namespace kgw
