// Kubeconfigs: what is read, what is refused and with which words.
#include "source/kube/config.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace kgw::kube {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    std::string pattern = (fs::temp_directory_path() / "kgw-config-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~ConfigTest() override { fs::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
    return (directory_ / name).string();
  }
  static std::string refused(const std::vector<std::string>& files,
                             const std::string& context = "") {
    const auto config = load_kubeconfig(files, context);
    if (config) return "accepted";
    EXPECT_EQ(config.error().reason, "InvalidConfig");
    return config.error().message;
  }
  // A kubeconfig with one user.
  std::string with_user(const std::string& user) const {
    return write("config", R"(
current-context: one
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", certificate-authority: ca.pem}}]
contexts: [{name: one, context: {cluster: c, user: alice, namespace: team}}]
users: [{name: alice, user: )" +
                               user + "}]\n");
  }

  fs::path directory_;
};

TEST_F(ConfigTest, ReadsInlineDataAndFiles) {
  const auto inline_data = load_kubeconfig(
      {with_user("{client-certificate-data: Y2VydA==, client-key-data: a2V5}")}, "");
  ASSERT_TRUE(inline_data) << to_string(inline_data.error());
  EXPECT_EQ(inline_data->server, "https://127.0.0.1:6443");
  EXPECT_EQ(inline_data->authority.file, (directory_ / "ca.pem").string());
  EXPECT_EQ(inline_data->client_certificate.text, "cert");
  EXPECT_EQ(inline_data->client_key.text, "key");
  EXPECT_EQ(inline_data->ns, "team");

  const auto files = load_kubeconfig(
      {with_user("{client-certificate: a/b.crt, client-key: /k, tokenFile: t}")}, "");
  ASSERT_TRUE(files);
  EXPECT_EQ(files->client_certificate.file, (directory_ / "a/b.crt").string());
  EXPECT_EQ(files->client_key.file, "/k");
  EXPECT_EQ(files->token.file, (directory_ / "t").string());
}

TEST_F(ConfigTest, SaysWhoseCredentialsComeFromAProgram) {
  EXPECT_THAT(refused({with_user("{exec: {command: aws, args: [eks]}}")}),
              AllOf(HasSubstr("user \"alice\" in " + directory_.string()),
                    HasSubstr("the program \"aws\" (exec)")));
  EXPECT_THAT(refused({with_user("{auth-provider: {name: gcp}}")}), HasSubstr("auth-provider"));
  EXPECT_THAT(refused({with_user("{username: u, password: p}")}), HasSubstr("password"));
}

TEST_F(ConfigTest, RefusesWhatIsIncomplete) {
  EXPECT_THAT(refused({with_user("{client-key-data: a2V5}")}), HasSubstr("only one of"));
  EXPECT_THAT(refused({with_user("{client-key-data: '?', client-certificate-data: a2V5}")}),
              HasSubstr("client-key-data of \"alice\""));
  EXPECT_THAT(refused({with_user("{}")}, "two"), HasSubstr("no context \"two\""));
  EXPECT_THAT(refused({write("empty", "a: b\n")}), HasSubstr("no current-context"));
  EXPECT_THAT(refused({write("broken", "a: [b\n")}), HasSubstr("broken:"));
  EXPECT_THAT(refused({"/does/not/exist"}), HasSubstr("cannot be read"));
  EXPECT_THAT(refused({write("dangling", R"(
current-context: x
contexts: [{name: x, context: {cluster: gone}}]
)")}),
              HasSubstr("names the cluster \"gone\""));
  EXPECT_THAT(refused({write("proxied", R"(
current-context: x
clusters: [{name: c, cluster: {server: "https://a", proxy-url: "http://b"}}]
contexts: [{name: x, context: {cluster: c}}]
)")}),
              HasSubstr("proxy-url"));
}

TEST_F(ConfigTest, TheFirstOfSeveralFilesWins) {
  const std::string first = write("first", R"(
current-context: one
contexts: [{name: one, context: {cluster: c}}]
clusters: [{name: c, cluster: {server: "https://first"}}]
)");
  const std::string second = write("second", R"(
current-context: two
contexts: [{name: one, context: {cluster: d}}, {name: two, context: {cluster: d}}]
clusters: [{name: c, cluster: {server: "https://second"}}, {name: d, cluster: {server: "https://d"}}]
)");
  EXPECT_EQ(load_kubeconfig({first, second}, "")->server, "https://first");
  EXPECT_EQ(load_kubeconfig({first, second}, "two")->server, "https://d");
  EXPECT_EQ(load_kubeconfig({"/none", second}, "")->server, "https://d");
}

TEST_F(ConfigTest, InClusterFromTheServiceAccount) {
  write("namespace", "kgateway-system");
  write("ca.crt", "pem");
  unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_EQ(in_cluster_config(directory_).error().reason, "InvalidConfig");
  setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  const auto config = in_cluster_config(directory_);
  unsetenv("KUBERNETES_SERVICE_HOST");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->ns, "kgateway-system");
  EXPECT_EQ(config->token.file, (directory_ / "token").string());
  EXPECT_EQ(*config->authority.read(), "pem");
}

}  // namespace
}  // namespace kgw::kube
