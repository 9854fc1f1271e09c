#include "api/registry.h"

#include <set>

#include "api/core.h"
#include "api/kinds_test_util.h"

namespace kgw {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// "severity line reason" and the message of the only diagnostic.
std::pair<std::string, std::string> only_problem(std::string_view text) {
  const Decoded decoded = decode_one(text);
  EXPECT_EQ(decoded.object, nullptr);
  if (decoded.diagnostics.size() != 1) {
    ADD_FAILURE() << decoded.diagnostics.size() << " diagnostics for " << text;
    return {};
  }
  const Diagnostic& d = decoded.diagnostics[0];
  EXPECT_EQ(d.position.file, "file.yaml");
  return {std::string(d.severity == Severity::kError ? "error" : "warning") + " " +
              std::to_string(d.position.line) + " " + d.reason,
          d.message};
}

std::string head(std::string_view api_version, std::string_view kind) {
  return "apiVersion: " + std::string(api_version) + "\nkind: " + std::string(kind) +
         "\nmetadata: {name: x}\n";
}

TEST(Registry, KnowsEveryKind) {
  std::set<Kind> kinds;
  for (const KindInfo& info : known_kinds()) {
    kinds.insert(info.kind);
    EXPECT_EQ(info.versions[0].kind_name, kind_name(info.kind));
    EXPECT_EQ(info.versions[0].group, kind_group(info.kind));
    EXPECT_EQ(kind_info(info.kind).plural, info.plural);
  }
  EXPECT_EQ(kinds.size(), 18);
  EXPECT_FALSE(kind_info(Kind::kGatewayClass).namespaced);
  EXPECT_TRUE(kind_info(Kind::kGateway).namespaced);
}

TEST(Registry, ForeignKindsAreOneWarning) {
  for (const auto& [api_version, kind] : std::vector<std::pair<std::string, std::string>>{
           {"apps/v1", "Deployment"},
           {"v1", "ServiceAccount"},
           {"rbac.authorization.k8s.io/v1", "Role"},
           {"networking.istio.io/v1", "Gateway"},
           {"cert-manager.io/v1", "Certificate"},
           {"apiextensions.k8s.io/v1", "CustomResourceDefinition"},
           {"gateway.networking.x-k8s.io/v1alpha1", "XMesh"}}) {
    const auto [what, message] = only_problem(head(api_version, kind));
    EXPECT_EQ(what, "warning 2 UnsupportedKind") << kind;
    EXPECT_THAT(message, HasSubstr(kind));
  }
}

TEST(Registry, MistakenKindsAreErrorsWithAHint) {
  const std::vector<std::array<std::string, 3>> cases = {
      {"gateway.networking.k8s.io/v1", "HTTPRuote", "did you mean HTTPRoute of"},
      {"gateway.networking.k8s.oi/v1", "HTTPRoute",
       "did you mean HTTPRoute of gateway.networking.k8s.io/v1?"},
      {"v1", "Gateway", "did you mean Gateway of gateway.networking.k8s.io/v1?"},
      {"v1", "Servce", "did you mean Service of v1?"},
      {"v1", "Banana", "unknown kind \"Banana\" of \"v1\""}};
  for (const auto& [api_version, kind, hint] : cases) {
    const auto [what, message] = only_problem(head(api_version, kind));
    EXPECT_EQ(what, "error 2 UnknownKind") << kind;
    EXPECT_THAT(message, HasSubstr(hint));
  }
  EXPECT_EQ(only_problem(head("gateway.kgateway.dev/v1alpha1", "TrafficPolicy")).first,
            "error 2 UnsupportedKind");
}

TEST(Registry, UnknownVersionsAreErrors) {
  const auto [what, message] = only_problem(head("gateway.networking.k8s.io/v9", "HTTPRoute"));
  EXPECT_EQ(what, "error 1 UnknownVersion");
  EXPECT_THAT(message, HasSubstr("known are gateway.networking.k8s.io/v1, "));
}

TEST(Registry, OlderVersionsAreRead) {
  const auto object =
      expect_valid(head("gateway.networking.k8s.io/v1beta1", "HTTPRoute") + "spec: {}\n");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->api_version, "gateway.networking.k8s.io/v1beta1");
}

TEST(Registry, NotAnObjectIsAnError) {
  EXPECT_EQ(only_problem("[a]").first, "error 1 InvalidType");
  EXPECT_EQ(only_problem("kind: Service\nmetadata: {name: x}\n").first, "error 1 RequiredField");
  EXPECT_EQ(decode_one("foo: bar").diagnostics.size(), 2);
  EXPECT_THAT(decode_text("", "f", DecodeMode::kStrict), ElementsAre());
}

TEST(Registry, NamespacesAreDefaulted) {
  EXPECT_EQ(to_string(decode_one(head("v1", "Service")).ref), "Service default/x");
  EXPECT_EQ(decode_one(head("v1", "Service")).object->metadata.ns, Name("default"));
  EXPECT_EQ(to_string(decode_one(head("v1", "Namespace")).ref), "Namespace x");
  EXPECT_EQ(to_string(decode_one("{apiVersion: v1, kind: Namespace, metadata: {name: x, namespace: "
                                 "z}}")
                          .ref),
            "Namespace x");
}

TEST(Registry, OnlyLabelsThatAreReadAreKept) {
  const auto labels = [](const std::string& kind, const std::string& version) {
    return decode_one("{apiVersion: " + version + ", kind: " + kind +
                      ", metadata: {name: a, labels: {kubernetes.io/service-name: b, team: c}}}")
        .object->metadata.labels;
  };
  EXPECT_EQ(labels("Secret", "v1"), (StringMap{{"kubernetes.io/service-name", "b"}}));
  EXPECT_EQ(labels("Namespace", "v1"),
            (StringMap{{"kubernetes.io/service-name", "b"}, {"team", "c"}}));
}

TEST(Registry, MetadataIsChecked) {
  const auto meta = [](std::string_view fields) {
    return problems("apiVersion: v1\nkind: Secret\nmetadata: {" + std::string(fields) + "}\n");
  };
  EXPECT_THAT(meta("name: a.b-c, uid: u, resourceVersion: '5', ownerReferences: []"),
              ElementsAre());
  const auto version = [](const std::string& version) {
    return decode_one("{apiVersion: v1, kind: Secret, metadata: {name: a, resourceVersion: '" +
                      version + "'}}")
        .object;
  };
  EXPECT_EQ(hash_object(*version("5")), hash_object(*version("6")));
  EXPECT_THAT(meta("generateName: a-"), ElementsAre("metadata.name: Required value"));
  EXPECT_THAT(meta("name: A"), ElementsAre(StartsWith("metadata.name: Invalid value")));
  EXPECT_THAT(meta("name: a, namespace: a.b"), ElementsAre(StartsWith("metadata.namespace: ")));
  EXPECT_THAT(meta("name: a, labels: {'a b': c}"),
              ElementsAre(StartsWith("metadata.labels[a b]: Invalid value")));
  EXPECT_THAT(meta("name: a, labels: {a: '-'}"),
              ElementsAre(StartsWith("metadata.labels[a]: Invalid value")));
  EXPECT_THAT(meta("name: a, annotations: {kgateway.dev/x: 1}"),
              ElementsAre(StartsWith("metadata.annotations[kgateway.dev/x]: Invalid value: 1")));
  const std::string prefix(253, 'a');
  EXPECT_THAT(meta("name: a, labels: {" + prefix + "/b: c}, annotations: {" + prefix + "/b: c}"),
              ElementsAre());
  EXPECT_THAT(meta("name: a, labels: {a" + prefix + "/b: c}"),
              ElementsAre(HasSubstr("its prefix may not be more than 253 chars")));
  EXPECT_THAT(meta("name: a, lables: {}"), ElementsAre(HasSubstr("did you mean \"labels\"")));
  EXPECT_THAT(problems("apiVersion: v1\nkind: Service\nmetadata: {name: a.b}\n"),
              ElementsAre(StartsWith("metadata.name: Invalid value")));
  EXPECT_THAT(problems("{apiVersion: v1, kind: Secret}"), ElementsAre("metadata: Required value"));
}

// As the API server does, also those that are dropped; what comes from there is checked already.
TEST(Registry, AnnotationsOfOthersAreCheckedInFiles) {
  const auto annotated = [](const std::string& entries, DecodeMode mode = DecodeMode::kStrict) {
    return problems(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, annotations: {" + entries + "}}\n",
        mode);
  };
  EXPECT_THAT(annotated("Up.io/x: '', a: null, other.io/y_Z: 'free text'"), ElementsAre());
  for (const std::string key : {"a/", "/a", "a/b/c", "'-'", "a..b/c"}) {
    EXPECT_THAT(annotated(key + ": ''"), ElementsAre(HasSubstr("Invalid value"))) << key;
    EXPECT_THAT(annotated(key + ": ''", DecodeMode::kLenient), ElementsAre()) << key;
  }
  EXPECT_THAT(annotated(std::string(254, 'a') + "/b: ''"), ElementsAre(HasSubstr("its prefix")));
  EXPECT_THAT(annotated(std::string(64, 'a') + ": ''"), ElementsAre(HasSubstr("Invalid value")));
  EXPECT_THAT(annotated("a: 1"), ElementsAre(StartsWith("metadata.annotations[a]: Invalid value")));
  EXPECT_THAT(annotated("a: " + std::string(std::size_t{256} << 10, 'x')),
              ElementsAre(HasSubstr("more than 262144 bytes")));
}

TEST(Registry, ListsAreExpanded) {
  const auto all = decode_text(R"(
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: a}}
- {apiVersion: v1, kind: Service, metadata: {name: A}}
- apiVersion: v1
  kind: ConfigMapList
  items: [{metadata: {name: c}}, {metadata: {name: d}}]
)",
                               "f", DecodeMode::kStrict);
  ASSERT_EQ(all.size(), 4);
  EXPECT_NE(all[0].object, nullptr);
  EXPECT_EQ(all[1].object, nullptr);
  EXPECT_EQ(all[1].diagnostics[0].position.line, 6);
  EXPECT_EQ(to_string(all[3].ref), "ConfigMap default/d");
}

TEST(Registry, OneBadDocumentHarmsNoOther) {
  const auto all = decode_text(head("v1", "Service") + "---\nkind: [\n---\n" + head("v1", "Secret"),
                               "f.yaml", DecodeMode::kStrict);
  ASSERT_EQ(all.size(), 3);
  EXPECT_NE(all[0].object, nullptr);
  EXPECT_NE(all[1].object, nullptr);
  EXPECT_EQ(all[2].diagnostics[0].reason, "SyntaxError");
  EXPECT_EQ(all[2].diagnostics[0].position.file, "f.yaml");
  EXPECT_GE(all[2].diagnostics[0].position.line, 5);
}

TEST(Registry, ItemsOfAnApiServerNeedNoKind) {
  const doc::Parsed parsed = doc::parse(R"({"metadata":{"name":"a","namespace":"n"},"new":1})");
  const Decoded decoded =
      decode_object(parsed.documents[0], Kind::kService, "v1", "", DecodeMode::kLenient);
  ASSERT_NE(decoded.object, nullptr);
  EXPECT_EQ(to_string(decoded.ref), "Service n/a");
  EXPECT_EQ(decoded.object->api_version, "v1");
}

TEST(Registry, HashAndEqualityTellObjectsApart) {
  const auto a = decode_one(head("v1", "ConfigMap") + "data: {k: a}\n").object;
  const auto b = decode_one(head("v1", "ConfigMap") + "data: {k: b}\n").object;
  const auto c = decode_one(head("v1", "Secret") + "stringData: {k: a}\n").object;
  EXPECT_FALSE(equal_objects(*a, *b));
  EXPECT_FALSE(equal_objects(*a, *c));
  EXPECT_NE(hash_object(*a), hash_object(*b));
  EXPECT_NE(hash_object(*a), hash_object(*c));
}

}  // namespace
}  // namespace kgw
