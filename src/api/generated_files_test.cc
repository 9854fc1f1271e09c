// What is generated from the kinds and kept in the repository: the CRDs of the Helm chart and the
// reference pages. UPDATE_GOLDEN=1 writes them anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "api/registry.h"

namespace kgw {
namespace {

void expect_content(const std::filesystem::path& path, const std::string& content) {
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
    return;
  }
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), content) << path << ": run with UPDATE_GOLDEN=1";
}

std::string plural(Kind kind) { return std::string(kind_info(kind).plural); }

TEST(GeneratedFiles, ChartHasTheCrds) {
  for (const Kind kind : own_kinds()) {
    expect_content("charts/kgateway-crds/templates/gateway.kgateway.dev_" + plural(kind) + ".yaml",
                   crd_yaml(kind));
  }
}

TEST(GeneratedFiles, EveryOwnKindHasAReferencePage) {
  for (const Kind kind : own_kinds()) {
    expect_content("docs/reference/" + plural(kind) + ".md", reference_doc(kind));
  }
}

// RBAC: to read every kind in every group it may be served in, and to write the statuses that are
// ours to write.
std::string read_rules() {
  std::map<std::string, std::set<std::string>> readable, with_status;
  for (const KindInfo& info : known_kinds()) {
    if (info.on_demand) continue;  // granted where the setting that needs it is on
    for (const ServedVersion& version : info.versions) {
      const std::string group(version.group);
      std::string plural(info.plural);
      if (version.kind_name != info.versions[0].kind_name) plural = "x" + plural;
      readable[group].insert(plural);
      const bool has_status = group.starts_with("gateway.") && info.kind != Kind::kReferenceGrant &&
                              info.kind != Kind::kGatewayParameters;
      if (has_status) with_status[group].insert(plural + "/status");
    }
  }
  std::string out;
  const auto add = [&](const auto& groups, const std::string& verbs) {
    for (const auto& [group, resources] : groups) {
      out += "- apiGroups: [\"" + group + "\"]\n  resources:\n";
      for (const std::string& resource : resources) out += "  - " + resource + "\n";
      out += "  verbs: [" + verbs + "]\n";
    }
  };
  add(readable, "get, list, watch");
  add(with_status, "patch");
  return out;
}

TEST(GeneratedFiles, ChartMayReadEveryKind) {
  expect_content("charts/kgateway/files/read-rules.yaml", read_rules());
}

TEST(GeneratedFiles, ChartHasNoOtherCrds) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("charts/kgateway-crds/templates")) {
    files += entry.path().filename().string().starts_with("gateway.");
  }
  EXPECT_EQ(files, own_kinds().size());
}

}  // namespace
}  // namespace kgw
