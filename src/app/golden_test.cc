// Golden tests: tests/golden/<topic>/<behaviour>.yaml holds input objects, a line "# Output", and
// what they are translated to. The objects of <topic>/_defaults.yaml are added to each; an object
// of the file replaces one of the defaults. A comment "# KGW_NAME=value" sets what the controller
// reads from its environment. UPDATE_GOLDEN=1 writes the outputs anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "api/registry.h"
#include "api/yaml_writer.h"
#include "app/builtin.h"
#include "app/offline.h"
#include "app/problems.h"
#include "app/translation_settings.h"
#include "deploy/kube/testing.h"

namespace kgw::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMarker = "# Output\n";

std::string read_file(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> golden_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator("tests/golden")) {
    const fs::path& path = entry.path();
    if (path.extension() == ".yaml" && path.filename() != "_defaults.yaml") files.push_back(path);
  }
  std::ranges::sort(files);
  return files;
}

void add_objects(const std::string& text, const std::string& name,
                 std::map<ObjectRef, std::shared_ptr<const Object>>& objects,
                 Diagnostics& problems) {
  for (Decoded& decoded : decode_text(text, name, DecodeMode::kStrict)) {
    std::ranges::move(decoded.diagnostics, std::back_inserter(problems));
    if (decoded.object == nullptr) continue;
    // What a source does: a first version of the spec.
    auto object = std::const_pointer_cast<Object>(decoded.object);
    if (object->metadata.generation == 0) object->metadata.generation = 1;
    objects[decoded.ref] = std::move(object);
  }
}

envoy::Settings settings_of(const std::string& input) {
  const auto environment = deploy::kube::settings_in(input);
  attach::set_trust({});
  if (environment.empty()) return offline_settings();
  const deploy::kube::ReadSettings read = deploy::kube::read_settings(environment);
  for (const std::string& warning : read.warnings) ADD_FAILURE() << warning;
  attach::set_trust(trust_of(read.settings));
  envoy::Settings settings = translation_settings(read.settings);
  settings.place.addresses = offline_settings().place.addresses;
  return settings;
}

std::string output_of(const fs::path& path, const std::string& input) {
  std::map<ObjectRef, std::shared_ptr<const Object>> objects;
  Diagnostics problems;
  const fs::path defaults = path.parent_path() / "_defaults.yaml";
  if (fs::exists(defaults)) add_objects(read_file(defaults), "_defaults.yaml", objects, problems);
  add_objects(input, path.filename(), objects, problems);

  envoy::Settings settings = settings_of(input);
  settings.report_unreachable = true;
  Translation translation(std::move(settings));
  translation.apply(builtin_objects());
  std::vector<source::ObjectEvent> events;
  for (auto& [ref, object] : objects) events.push_back({ref, object});
  translation.apply(events);
  acknowledge_everything(translation);

  std::ranges::move(translation_problems(translation), std::back_inserter(problems));
  nlohmann::ordered_json texts = nlohmann::ordered_json::array();
  for (const Diagnostic& problem : problems) texts.push_back(to_string(problem));
  nlohmann::ordered_json output = {{"problems", std::move(texts)}};
  output.update(output_json(translation, std::nullopt));
  return to_yaml(output);
}

class Golden : public testing::TestWithParam<fs::path> {};

TEST_P(Golden, TranslatesAsWritten) {
  const std::string text = read_file(GetParam());
  const std::size_t marker = text.find(kMarker);
  const std::string input = text.substr(0, marker);
  const std::string output = output_of(GetParam(), input);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(GetParam()) << input << kMarker << output;
    return;
  }
  ASSERT_NE(marker, std::string::npos) << "no output yet: run with UPDATE_GOLDEN=1";
  EXPECT_EQ(output, text.substr(marker + kMarker.size()));
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_files()), [](const auto& info) {
  std::string name =
      info.param.parent_path().filename().string() + "_" + info.param.stem().string();
  std::ranges::replace_if(
      name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

}  // namespace
}  // namespace kgw::app
