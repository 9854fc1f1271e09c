// Backend (gateway.kgateway.dev/v1alpha1): our own kind, so its rules carry CEL for the CRD.
#include <algorithm>
#include <string>
#include <vector>

#include "api/backend.h"
#include "api/kinds_common.h"

namespace kgw {
namespace {

constexpr std::string_view kAccountId = "^[0-9]{12}$";

// The type that the set member implies; empty unless exactly one is set.
std::string implied_type(const Backend& b) {
  std::vector<std::string> types;
  if (b.aws) types.emplace_back("AWS");
  if (b.static_backend) types.emplace_back("Static");
  if (b.dynamic_forward_proxy) types.emplace_back("DynamicForwardProxy");
  if (b.gcp) types.emplace_back("GCP");
  if (!b.priority_groups.empty()) types.emplace_back("PriorityGroups");
  return types.size() == 1 ? types[0] : "";
}

}  // namespace

void describe(Schema<BackendHost>& s) {
  s.field("host", &BackendHost::host)
      .required()
      .length(1, {})
      .doc("IP address or DNS name. A DNS name is also the SNI and the Host of health checks.");
  s.field("port", &BackendHost::port).required().range(1, 65535);
}

void describe(Schema<StaticBackend>& s) {
  s.field("hosts", &StaticBackend::hosts)
      .required()
      .size(1, {})
      .doc("Where requests go. With IP addresses only, no DNS is asked.");
  s.field("appProtocol", &StaticBackend::app_protocol)
      .one_of({"http2", "grpc", "grpc-web", "kubernetes.io/h2c", "kubernetes.io/ws"})
      .doc("Application protocol of the hosts; HTTP/1.1 when absent.");
}

void describe(Schema<DynamicForwardProxyBackend>& s) {
  s.field("enableTls", &DynamicForwardProxyBackend::enable_tls)
      .doc("Connect with TLS; SNI and the expected name come from the Host header.");
}

void describe(Schema<GcpBackend>& s) {
  s.field("host", &GcpBackend::host).required().length(1, {}).doc("Host of the Google service.");
  s.field("audience", &GcpBackend::audience)
      .length(1, {})
      .doc("Audience of the identity token; https://<host> when absent.");
}

void describe(Schema<AwsAuth>& s) {
  s.field("type", &AwsAuth::type).required().one_of({"Secret", "AssumeRole"});
  s.group("secretRef", [](Schema<AwsAuth>& ref) {
     ref.field("name", &AwsAuth::secret_ref).default_value("");
   }).doc("Secret with the keys accessKey, secretKey and optionally sessionToken.");
  s.group("assumeRole", [](Schema<AwsAuth>& role) {
    role.field("roleArn", &AwsAuth::role_arn)
        .required()
        .length(1, 2048)
        .pattern("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$");
  });
  s.rule(
      "secretRef must be set exactly when type is Secret",
      [](const AwsAuth& a) { return (a.type == "Secret") == a.secret_ref.has_value(); },
      "(self.type == 'Secret') == has(self.secretRef)");
  s.rule(
      "assumeRole must be set exactly when type is AssumeRole",
      [](const AwsAuth& a) { return (a.type == "AssumeRole") == a.role_arn.has_value(); },
      "(self.type == 'AssumeRole') == has(self.assumeRole)");
}

void describe(Schema<AwsLambda>& s) {
  s.field("functionName", &AwsLambda::function_name).required().pattern("^[A-Za-z0-9-_]{1,140}$");
  s.field("accountId", &AwsLambda::account_id).length(1, 12).pattern(kAccountId);
  s.field("endpointURL", &AwsLambda::endpoint_url)
      .max_length(2048)
      .pattern("^https?://[-a-zA-Z0-9@:%.+~#?&/=]+$");
  s.field("invocationMode", &AwsLambda::invocation_mode)
      .default_value("Sync")
      .one_of({"Sync", "Async"});
  s.field("qualifier", &AwsLambda::qualifier)
      .default_value("$LATEST")
      .pattern("^(\\$LATEST|[0-9]+|[A-Za-z0-9-_]{1,128})$")
      .doc("Version number or alias of the function.");
  s.field("payloadTransformMode", &AwsLambda::payload_transform_mode)
      .default_value("Envoy")
      .one_of({"None", "Envoy"});
}

void describe(Schema<AwsTag>& s) {
  s.field("key", &AwsTag::key).required().length(1, 128);
  s.field("value", &AwsTag::value).required().length(1, 256);
}

void describe(Schema<AwsTagFilter>& s) {
  s.field("key", &AwsTagFilter::key).length(1, 128);
  s.field("keyValue", &AwsTagFilter::key_value);
  s.rule(
      "exactly one of the fields in [key keyValue] must be set",
      [](const AwsTagFilter& f) { return f.key.has_value() != f.key_value.has_value(); },
      "has(self.key) != has(self.keyValue)");
}

void describe(Schema<AwsEc2>& s) {
  s.field("port", &AwsEc2::port).default_value(80).range(1, 65535);
  s.field("addressType", &AwsEc2::address_type)
      .default_value("PrivateIP")
      .one_of({"PrivateIP", "PublicIP"});
  s.field("filters", &AwsEc2::filters)
      .max_size(16)
      .doc("All must match; without any, every running instance of the region is taken.");
}

void describe(Schema<AwsBackend>& s) {
  s.field("region", &AwsBackend::region)
      .default_value("us-east-1")
      .length(1, 63)
      .pattern("^[a-z0-9-]+$");
  s.field("accountId", &AwsBackend::account_id)
      .length(1, 12)
      .pattern(kAccountId)
      .doc("Deprecated: set lambda.accountId.");
  s.field("auth", &AwsBackend::auth);
  s.field("lambda", &AwsBackend::lambda);
  s.field("ec2", &AwsBackend::ec2);
  s.rule(
      "exactly one of the fields in [lambda ec2] must be set",
      [](const AwsBackend& a) { return a.lambda.has_value() != a.ec2.has_value(); },
      "has(self.lambda) != has(self.ec2)");
  s.rule(
      "accountId must be set in lambda",
      [](const AwsBackend& a) {
        return !a.lambda || a.lambda->account_id.has_value() || a.account_id.has_value();
      },
      "!has(self.lambda) || has(self.lambda.accountId) || has(self.accountId)");
}

void describe(Schema<PriorityGroup>& s) {
  s.field("backendRefs", &PriorityGroup::backend_refs)
      .required()
      .with(Constraints().size(1, 16).unique_by({"name"}).wrapped_in("name").items(
          Constraints().length(1, 253)))
      .doc("Static Backends of the same namespace.");
}

namespace {

void describe_backend(Schema<Backend>& s) {
  describe_object(s);
  s.group("spec", [](Schema<Backend>& spec) {
     spec.field("type", &Backend::type)
         .one_of({"AWS", "Static", "DynamicForwardProxy", "GCP", "PriorityGroups"})
         .doc("Deprecated: follows from the member that is set, and must agree with it.");
     spec.field("aws", &Backend::aws).doc("An AWS Lambda function or EC2 instances.");
     spec.field("static", &Backend::static_backend).doc("A fixed list of hosts.");
     spec.field("dynamicForwardProxy", &Backend::dynamic_forward_proxy)
         .doc("Whatever host the request names.");
     spec.field("gcp", &Backend::gcp).doc("A Google service that wants an identity token.");
     spec.field("priorityGroups", &Backend::priority_groups)
         .size(1, 16)
         .doc("Groups of Backends, the first of which is preferred while it is healthy.");
     spec.rule(
         "exactly one of the fields in [aws static dynamicForwardProxy gcp priorityGroups] must be "
         "set",
         [](const Backend& b) { return !implied_type(b).empty(); },
         "[has(self.aws), has(self.static), has(self.dynamicForwardProxy), has(self.gcp), "
         "has(self.priorityGroups)].filter(x, x).size() == 1");
     spec.rule(
         "type must match the field that is set",
         [](const Backend& b) {
           const std::string implied = implied_type(b);
           return b.type.empty() || implied.empty() || b.type == implied;
         },
         "!has(self.type) || (self.type == 'AWS' ? has(self.aws) : self.type == 'Static' ? "
         "has(self.static) : self.type == 'DynamicForwardProxy' ? "
         "has(self.dynamicForwardProxy) : self.type == 'GCP' ? has(self.gcp) : "
         "has(self.priorityGroups))",
         "type");
   }).required();
  s.finish([](Backend& b) { b.type = implied_type(b); });
}

}  // namespace

void add_backend_kinds(std::vector<KindDefinition>& kinds) {
  kinds.push_back(define<Backend, Kind::kBackend>(
      "backends", {{{"gateway.kgateway.dev", "v1alpha1", "Backend"},
                    &schema::struct_type<Backend>(describe_backend)}}));
}

}  // namespace kgw
