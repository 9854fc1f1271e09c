// The client against a fake API server over TLS: calls, errors as values, tokens that change,
// connections that break, servers that postpone.
#include "source/kube/client.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "source/kube/fake_api_testing.h"

namespace kgw::kube {
namespace {

using nlohmann::json;
using testing::FakeApi;
using ::testing::HasSubstr;
using testing::Reply;
using testing::Seen;

const Resource kConfigMaps{"", "v1", "configmaps", true};
const Resource kRoutes{"gateway.networking.k8s.io", "v1", "httproutes", true};

json config_map(const std::string& name, const std::string& value) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"namespace", "ns"}}},
          {"data", {{"value", value}}}};
}

class ClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<Client> open(const Config& config) {
    ClientOptions options;
    options.connect_timeout = std::chrono::seconds(5);
    auto client = Client::open(config, options);
    EXPECT_TRUE(client) << to_string(client.error());
    return std::move(*client);
  }

  FakeApi api_;
};

TEST_F(ClientTest, GetsCreatesReplacesPatchesAndDeletes) {
  const auto client = open(api_.config());
  const ObjectKey key{"ns", "a"};
  const auto created = client->call(create(kConfigMaps, "ns", config_map("a", "1").dump()));
  ASSERT_TRUE(created) << to_string(created.error());
  EXPECT_EQ(client->call(create(kConfigMaps, "ns", config_map("a", "1").dump())).error().reason,
            "AlreadyExists");

  json now = json::parse(*created);
  now["data"]["value"] = "2";
  ASSERT_TRUE(client->call(replace(kConfigMaps, key, now.dump())));
  const auto stale = client->call(replace(kConfigMaps, key, now.dump()));
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().status, 409);
  EXPECT_EQ(stale.error().reason, "Conflict");
  EXPECT_EQ(stale.error().message, "a has been modified");

  ASSERT_TRUE(client->call(merge_patch(kConfigMaps, key, R"({"data":{"more":"3"}})")));
  const auto read = client->call(get(kConfigMaps, key));
  ASSERT_TRUE(read);
  EXPECT_EQ(json::parse(*read)["data"], (json{{"value", "2"}, {"more", "3"}}));

  ASSERT_TRUE(client->call(remove(kConfigMaps, key, "uid-1")));
  EXPECT_THAT(api_.requests().back().body, HasSubstr("uid-1"));
  EXPECT_EQ(client->call(get(kConfigMaps, key)).error().reason, "NotFound");
}

TEST_F(ClientTest, AppliesWithManagerAndForce) {
  api_.serve(kRoutes, "HTTPRoute");
  const auto client = open(api_.config());
  ASSERT_TRUE(client->call(
      apply_status(kRoutes, {"ns", "r"}, R"({"status":{"parents":[]}})", "kgateway.dev/x")));
  const Seen seen = api_.requests().back();
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(seen.path, "/apis/gateway.networking.k8s.io/v1/namespaces/ns/httproutes/r/status");
  EXPECT_EQ(seen.query, "fieldManager=kgateway.dev%2Fx&force=true");
  EXPECT_EQ(seen.content_type, "application/apply-patch+yaml");
}

TEST_F(ClientTest, ManyCallsShareFewConnections) {
  const auto client = open(api_.config());
  std::atomic<int> left = 200;
  std::promise<void> all;
  std::atomic<int> good = 0;
  for (int i = 0; i < 200; ++i) {
    client->send(apply(kConfigMaps, {"ns", "m" + std::to_string(i)}, "{}", "me"),
                 [&](Result<std::string> result) {
                   if (result) ++good;
                   if (--left == 0) all.set_value();
                 });
  }
  all.get_future().wait();
  EXPECT_EQ(good, 200);
  EXPECT_LE(api_.connections(), 8 + 4 * 25);  // at most 4 of 8 are kept between rounds
  const int before = api_.connections();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client->call(get(kConfigMaps, {"ns", "m1"})));
  EXPECT_EQ(api_.connections(), before);
}

TEST_F(ClientTest, AnIdleConnectionThatBrokeIsNoFailure) {
  const auto client = open(api_.config());
  api_.put(kConfigMaps, config_map("a", "1"));
  for (int i = 0; i < 5; ++i) {
    const auto read = client->call(get(kConfigMaps, {"ns", "a"}));
    ASSERT_TRUE(read) << to_string(read.error());
    api_.disconnect();
  }
}

TEST_F(ClientTest, RereadsARotatedToken) {
  const auto file = std::filesystem::temp_directory_path() / "kgw-client-test-token";
  const auto write = [&](const std::string& token) { std::ofstream(file) << token << "\n"; };
  write("good");
  Config config = api_.config();
  config.token = {"", file.string()};
  const auto client = open(config);
  ASSERT_TRUE(client->call(get("/api/v1/configmaps")));
  api_.set_token("better");
  const auto refused = client->call(get("/api/v1/configmaps"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "Unauthorized");
  write("better");
  EXPECT_TRUE(client->call(get("/api/v1/configmaps")));
  std::filesystem::remove(file);  // what was read last goes on to be used
  EXPECT_TRUE(client->call(get("/api/v1/configmaps")));
}

TEST_F(ClientTest, WaitsWhenTheServerPostpones) {
  std::atomic<int> asked = 0;
  api_.intercept([&](const Seen&) -> std::optional<Reply> {
    if (++asked > 2) return std::nullopt;
    return Reply{asked == 1 ? 429 : 503, "", "Retry-After: 1\r\n", false};
  });
  const auto client = open(api_.config());
  EXPECT_TRUE(client->call(get("/api/v1/configmaps")));
  EXPECT_EQ(asked, 3);
}

TEST_F(ClientTest, ErrorsAreValues) {
  const auto client = open(api_.config());
  const auto expect = [&](Reply reply, int status, const std::string& reason,
                          const std::string& message) {
    api_.intercept([reply](const Seen&) { return reply; });
    const auto result = client->call(get("/api/v1/configmaps"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().status, status) << to_string(result.error());
    EXPECT_EQ(result.error().reason, reason) << to_string(result.error());
    EXPECT_THAT(result.error().message, HasSubstr(message));
  };
  expect({403, R"({"kind":"Status","reason":"Forbidden","message":"no","code":403})", "", false},
         403, "Forbidden", "no");
  expect({502, "<html>bad gateway</html>", "", false}, 502, "InternalError", "<html>");
  expect({404, "", "", false}, 404, "NotFound", "no explanation");
  expect({500, "{\"message\": 7}", "", false}, 500, "InternalError", "message");
  expect({200, "{\"items\":[1,2,3,4,5,6,7]}", "", true}, 0, "Unreachable", "127.0.0.1");
  api_.intercept({});
  EXPECT_TRUE(client->call(get("/api/v1/configmaps")));
}

TEST_F(ClientTest, TimesOut) {
  const auto client = open(api_.config());
  std::promise<void> go_on;
  std::shared_future<void> gate(go_on.get_future());
  api_.intercept([gate](const Seen&) -> std::optional<Reply> {
    gate.wait();
    return std::nullopt;
  });
  Request request = get("/api/v1/configmaps");
  request.timeout = std::chrono::milliseconds(100);
  EXPECT_EQ(client->call(request).error().reason, "Timeout");
  go_on.set_value();
}

TEST_F(ClientTest, TrustsOnlyTheAuthorityAndTheName) {
  Config config = api_.config();
  config.tls_server_name = "somebody.else";
  auto result = open(config)->call(get("/api/v1/configmaps"));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("certificate verify failed"));
  config.insecure = true;
  EXPECT_TRUE(open(config)->call(get("/api/v1/configmaps")));

  config = api_.config();
  config.tls_server_name = "localhost";
  EXPECT_TRUE(open(config)->call(get("/api/v1/configmaps")));
  config.authority.text.clear();
  EXPECT_FALSE(open(config)->call(get("/api/v1/configmaps")));
  config.authority.text = "no certificate";
  EXPECT_EQ(Client::open(config).error().reason, "InvalidConfig");
}

TEST_F(ClientTest, UnreachableServerIsAnError) {
  Config config = api_.config();
  config.server = "https://127.0.0.1:1";
  const auto result = open(config)->call(get("/api"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().status, 0);
  EXPECT_EQ(result.error().reason, "Unreachable");
  config.server = "ftp://127.0.0.1";
  EXPECT_EQ(Client::open(config).error().reason, "InvalidConfig");
}

TEST_F(ClientTest, EndsWithCallsUnderWay) {
  std::promise<void> go_on;
  std::shared_future<void> gate(go_on.get_future());
  api_.intercept([gate](const Seen&) -> std::optional<Reply> {
    gate.wait();
    return std::nullopt;
  });
  auto client = open(api_.config());
  std::atomic<int> called = 0;
  for (int i = 0; i < 20; ++i) client->send(get("/api"), [&](Result<std::string>) { ++called; });
  client.reset();
  EXPECT_EQ(called, 0);
  go_on.set_value();
}

}  // namespace
}  // namespace kgw::kube
