// Golden tests: tests/deployment/<behaviour>.yaml holds a Gateway and what belongs to it, a line
// "# Output", and the Kubernetes objects of its proxy. A comment such as "# KGW_XDS_TLS=true" sets
// what proxies have in common. UPDATE_GOLDEN=1 writes the outputs anew.
#include "deploy/kube/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/registry.h"
#include "api/yaml_writer.h"
#include "attach/model.h"
#include "deploy/kube/testing.h"

namespace kgw::deploy::kube {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;

constexpr std::string_view kMarker = "# Output\n";

std::string read_file(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// A graph with the objects of `text` and the class `kgateway`.
struct World {
  engine::Graph graph;
  attach::Model model{graph, {.own_ports = {kOwnPorts.begin(), kOwnPorts.end()}}};

  explicit World(const std::string& text) {
    auto gateway_class = std::make_shared<GatewayClass>();
    gateway_class->metadata.name = "kgateway";
    gateway_class->controller_name = attach::kControllerName;
    model.inputs.apply(gateway_class->ref(), gateway_class);
    for (const Decoded& decoded : decode_text(text, "input", DecodeMode::kStrict)) {
      for (const Diagnostic& d : decoded.diagnostics) ADD_FAILURE() << to_string(d);
      if (decoded.object != nullptr) model.inputs.apply(decoded.ref, decoded.object);
    }
    graph.commit();
  }

  const GatewayParameters* parameters(const Name& ns, const std::string& name) const {
    return model.inputs.gateway_parameters.find({ns, name});
  }
};

std::expected<RenderedProxy, std::string> render(const std::string& text,
                                                 const Settings& settings = test_settings()) {
  const World world(text);
  std::expected<RenderedProxy, std::string> rendered;
  world.model.listeners.for_each([&](const ObjectKey&, const attach::GatewayListeners& listeners) {
    const Gateway& gateway = *listeners.gateway;
    ProxyInput input{gateway, proxy_ports(listeners)};
    const GatewayClass* gateway_class =
        world.model.inputs.gateway_classes.find({{}, gateway.gateway_class_name});
    if (gateway_class->parameters_ref) {
      const ParametersRef& ref = *gateway_class->parameters_ref;
      input.class_parameters = world.parameters(*ref.ns, ref.name);
    }
    if (gateway.infrastructure && gateway.infrastructure->parameters_ref) {
      input.parameters =
          world.parameters(gateway.metadata.ns, gateway.infrastructure->parameters_ref->name);
    }
    rendered = render_proxy(input, settings);
  });
  return rendered;
}

std::string output_of(const std::string& text) {
  const auto rendered = render(text, test_settings(settings_in(text)));
  if (!rendered) return to_yaml(Json{{"error", rendered.error()}});
  Json warnings = Json::array();
  for (const Diagnostic& d : rendered->diagnostics) warnings.push_back(to_string(d));
  Json objects = Json::array();
  for (Json object : rendered->objects) {
    // As a tree, to be read in review.
    if (object["kind"] == "ConfigMap") {
      Json& file = object["data"]["envoy.yaml"];
      file = Json::parse(
          doc::to_json(doc::parse(file.get<std::string>(), doc::Format::kYaml).documents.at(0)));
    }
    objects.push_back(std::move(object));
  }
  return to_yaml(Json{{"objects", objects}, {"warnings", warnings}});
}

std::vector<fs::path> golden_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator("tests/deployment")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

class Deployment : public testing::TestWithParam<fs::path> {};

TEST_P(Deployment, IsAsWritten) {
  const std::string text = read_file(GetParam());
  const std::size_t marker = text.find(kMarker);
  const std::string input = text.substr(0, marker);
  const std::string output = output_of(input);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(GetParam()) << input << kMarker << output;
    return;
  }
  ASSERT_NE(marker, std::string::npos) << "no output yet: run with UPDATE_GOLDEN=1";
  EXPECT_EQ(output, text.substr(marker + kMarker.size()));
}

INSTANTIATE_TEST_SUITE_P(Files, Deployment, testing::ValuesIn(golden_files()),
                         [](const auto& info) {
                           std::string name = info.param.stem().string();
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

const Json* find(const RenderedProxy& proxy, std::string_view kind) {
  for (const Json& object : proxy.objects) {
    if (object["kind"] == kind) return &object;
  }
  return nullptr;
}

std::string config_hash(const RenderedProxy& proxy) {
  return (*find(
      proxy,
      "Deployment"))["spec"]["template"]["metadata"]["annotations"]["kgateway.dev/config-hash"];
}

TEST(RenderProxy, AListenerThatComesOrGoesRestartsNothing) {
  const auto one = render(gateway_text("- {name: a, port: 80, protocol: HTTP}"));
  const auto two = render(gateway_text(
      "- {name: a, port: 80, protocol: HTTP}\n  - {name: b, port: 8443, protocol: TLS, tls: {mode: "
      "Passthrough}}"));
  EXPECT_EQ(*find(*one, "Deployment"), *find(*two, "Deployment"));
  EXPECT_NE(*find(*one, "Service"), *find(*two, "Service"));
}

TEST(RenderProxy, AnotherBootstrapRestartsTheProxy) {
  Settings settings = test_settings();
  const std::string text = gateway_text("- {name: a, port: 80, protocol: HTTP}");
  const std::string before = config_hash(*render(text, settings));
  settings.version = "9.9.9";
  EXPECT_EQ(config_hash(*render(text, settings)), before) << "an upgrade alone restarts nothing";
  EXPECT_EQ((*find(*render(text, settings), "Deployment"))["spec"],
            (*find(*render(text), "Deployment"))["spec"]);
  settings.xds_port = 1;
  EXPECT_NE(config_hash(*render(text, settings)), before);
}

TEST(RenderProxy, WithoutUsableListenersTheServiceStays) {
  const auto none = render(gateway_text("- {name: a, port: 80, protocol: SCTP}"));
  EXPECT_TRUE(none->keep_service);
  EXPECT_EQ(find(*none, "Service"), nullptr);
  EXPECT_NE(find(*none, "Deployment"), nullptr);
}

TEST(RenderProxy, PortsOfTheProxyItselfAreNotInTheService) {
  const auto taken = render(gateway_text(
      "- {name: a, port: 9091, protocol: HTTP}\n  - {name: b, port: 80, protocol: HTTP}"));
  const Json& ports = (*find(*taken, "Service"))["spec"]["ports"];
  ASSERT_EQ(ports.size(), 1);
  EXPECT_EQ(ports[0]["port"], 80);
}

// All members of a tree, by their pointers.
void add_members(const Json& tree, const Json::json_pointer& at,
                 std::vector<Json::json_pointer>& out) {
  for (const auto& [name, value] : tree.items()) {
    const auto member =
        tree.is_array() ? at / static_cast<std::size_t>(std::stoul(name)) : at / name;
    out.push_back(member);
    if (value.is_structured()) add_members(value, member, out);
  }
}

// What the schema leaves open (overlays, probes, security contexts, volumes) may hold anything.
TEST(RenderProxy, AnyParametersThatAreAcceptedAreRenderedOrRefused) {
  const std::string text = read_file("tests/deployment/everything.yaml");
  const World world(text.substr(0, text.find(kMarker)));
  const attach::GatewayListeners* listeners = nullptr;
  world.model.listeners.for_each([&](const ObjectKey&, const auto& found) { listeners = &found; });
  int rendered = 0;
  world.model.inputs.gateway_parameters.for_each([&](const ObjectKey&, const auto& parameters) {
    const Json manifest = encode_object(parameters);
    std::vector<Json::json_pointer> members;
    add_members(manifest["spec"]["kube"], Json::json_pointer("/spec/kube"), members);
    for (const Json::json_pointer& member : members) {
      for (const char* odd :
           {"5", "\"x\"", "true", "null", "[]", "{}", "[5]", "[[]]", "[{\"name\": 5}]",
            "{\"$patch\": 5}", "{\"$patch\": \"replace\"}", "{\"name\": []}",
            "[{\"$patch\": \"replace\"}]", "{\"$retainKeys\": 1}"}) {
        Json changed = manifest;
        changed[member] = Json::parse(odd);
        const auto decoded =
            decode_text(changed.dump(), "", DecodeMode::kLenient, doc::Format::kJson).at(0);
        if (decoded.object == nullptr) continue;
        ProxyInput input{*listeners->gateway, proxy_ports(*listeners)};
        input.parameters = static_cast<const GatewayParameters*>(decoded.object.get());
        EXPECT_NO_THROW((void)render_proxy(input, test_settings()))
            << member.to_string() << " = " << odd;
        ++rendered;
      }
    }
  });
  EXPECT_GT(rendered, 500);
}

// A Gateway whose GatewayParameters have this spec.
std::string with_parameters(const std::string& spec) {
  return gateway_text("- {name: a, port: 80, protocol: HTTP}",
                      "infrastructure: {parametersRef: {group: gateway.kgateway.dev, kind: "
                      "GatewayParameters, name: p}}") +
         "---\napiVersion: gateway.kgateway.dev/v1alpha1\nkind: GatewayParameters\n"
         "metadata: {name: p, namespace: shop}\nspec: " +
         spec + "\n";
}

TEST(RenderProxy, TellsWhoThePodsRunAs) {
  EXPECT_EQ(render(gateway_text("- {name: a, port: 80, protocol: HTTP}"))->service_account, "edge");
  const auto other = render(with_parameters(
      "{kube: {deploymentOverlay: {spec: {template: {spec: {serviceAccountName: other}}}}}}"));
  EXPECT_EQ(other->service_account, "other");
}

TEST(RenderProxy, AnOverlayThatCannotBeMergedNamesItsField) {
  const auto refused =
      render(with_parameters("{kube: {deploymentOverlay: {spec: {template: {$patch: 5}}}}}"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(),
            "GatewayParameters shop/p: spec.kube.deploymentOverlay.spec.template.$patch: must be "
            "replace, merge or delete");
}

TEST(RenderProxy, SelfManagedDeploysNothing) {
  const auto none = render(with_parameters("{selfManaged: {}}"));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->objects.empty());
  EXPECT_TRUE(none->self_managed());
}

}  // namespace
}  // namespace kgw::deploy::kube
