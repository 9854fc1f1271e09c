#include "source/kube/config.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/document.h"
#include "api/schema_words.h"

namespace kgw::kube {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> invalid(std::string message) {
  return std::unexpected(Error{0, "InvalidConfig", std::move(message)});
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open() || file.bad()) return invalid(path + " cannot be read");
  return text.str();
}

std::string text_at(const doc::Node* node, std::string_view key) {
  const doc::Node* found = node == nullptr ? nullptr : node->find(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
}

struct File {
  std::string path;
  doc::Parsed parsed;
};

// An entry of clusters, users or contexts, and where it stands.
struct Entry {
  const doc::Node* value = nullptr;
  std::string name;
  std::string path;

  std::string place() const { return fmt::format("\"{}\" in {}", name, path); }
  std::string text(std::string_view key) const { return text_at(value, key); }
  std::string file(std::string_view key) const {
    const std::string name = text(key);
    return name.empty() ? "" : (fs::path(path).parent_path() / name).string();
  }
};

Entry find_entry(const std::vector<File>& files, std::string_view list, std::string_view member,
                 const std::string& name) {
  for (const File& file : files) {
    const doc::Node* entries = file.parsed.documents[0].find(list);
    if (entries == nullptr || !entries->is_sequence()) continue;
    for (const doc::Node& entry : entries->items()) {
      if (text_at(&entry, "name") == name) return {entry.find(member), name, file.path};
    }
  }
  return {};
}

Result<TextOrFile> data_or_file(const Entry& entry, const std::string& key) {
  TextOrFile out;
  if (const std::string data = entry.text(key + "-data"); !data.empty()) {
    if (!schema::decode_base64(data, out.text)) {
      return invalid(fmt::format("{}-data of {} is not base64", key, entry.place()));
    }
  } else {
    out.file = entry.file(key);
  }
  return out;
}

Result<void> add_cluster(const Entry& cluster, Config& config) {
  config.server = cluster.text("server");
  if (config.server.empty()) {
    return invalid(fmt::format("cluster {} has no server", cluster.place()));
  }
  if (!cluster.text("proxy-url").empty()) {
    return invalid(
        fmt::format("cluster {} has a proxy-url, which is not supported", cluster.place()));
  }
  auto authority = data_or_file(cluster, "certificate-authority");
  if (!authority) return std::unexpected(authority.error());
  config.authority = *authority;
  config.tls_server_name = cluster.text("tls-server-name");
  const doc::Node* insecure = cluster.value->find("insecure-skip-tls-verify");
  config.insecure =
      insecure != nullptr && insecure->kind() == doc::Kind::kBool && insecure->as_bool();
  return {};
}

Result<void> add_user(const Entry& user, Config& config) {
  if (const doc::Node* exec = user.value->find("exec")) {
    return invalid(fmt::format(
        "user {} gets its credentials from the program \"{}\" (exec), which kgateway does not "
        "run; give the user a token, tokenFile or client certificate",
        user.place(), text_at(exec, "command")));
  }
  if (user.value->find("auth-provider") != nullptr || !user.text("username").empty()) {
    return invalid(fmt::format(
        "user {} has an auth-provider or a password, which are not supported; give the user a "
        "token, tokenFile or client certificate",
        user.place()));
  }
  auto certificate = data_or_file(user, "client-certificate");
  if (!certificate) return std::unexpected(certificate.error());
  auto key = data_or_file(user, "client-key");
  if (!key) return std::unexpected(key.error());
  if (certificate->empty() != key->empty()) {
    return invalid(
        fmt::format("user {} has only one of client-certificate and client-key", user.place()));
  }
  config.client_certificate = *certificate;
  config.client_key = *key;
  config.token = {user.text("token"), user.file("tokenFile")};
  return {};
}

Result<std::vector<File>> read_files(const std::vector<std::string>& paths) {
  std::vector<File> files;
  for (const std::string& path : paths) {
    auto text = read_file(path);
    if (!text && paths.size() > 1) continue;  // as kubectl does with lists
    if (!text) return std::unexpected(text.error());
    File file{path, doc::parse(*text)};
    if (!file.parsed.errors.empty()) {
      return invalid(fmt::format("{}:{}: {}", path, file.parsed.errors[0].line,
                                 file.parsed.errors[0].message));
    }
    if (!file.parsed.documents.empty()) files.push_back(std::move(file));
  }
  return files;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<std::string> TextOrFile::read() const {
  if (file.empty()) return text;
  return read_file(file);
}

Result<Config> load_kubeconfig(const std::vector<std::string>& paths,
                               const std::string& wanted_context) {
  const auto files = read_files(paths);
  if (!files) return std::unexpected(files.error());
  std::string name = wanted_context;
  for (const File& file : *files) {
    if (name.empty()) name = text_at(&file.parsed.documents[0], "current-context");
  }
  const std::string all = fmt::format("{}", fmt::join(paths, ":"));
  if (name.empty()) return invalid(all + " has no current-context");
  const Entry context = find_entry(*files, "contexts", "context", name);
  if (context.value == nullptr) return invalid(fmt::format("{} has no context \"{}\"", all, name));
  const Entry cluster = find_entry(*files, "clusters", "cluster", context.text("cluster"));
  if (cluster.value == nullptr) {
    return invalid(fmt::format("context {} names the cluster \"{}\", which is not defined",
                               context.place(), context.text("cluster")));
  }
  Config config;
  if (auto added = add_cluster(cluster, config); !added) return std::unexpected(added.error());
  if (const std::string user_name = context.text("user"); !user_name.empty()) {
    const Entry user = find_entry(*files, "users", "user", user_name);
    if (user.value == nullptr) {
      return invalid(fmt::format("context {} names the user \"{}\", which is not defined",
                                 context.place(), user_name));
    }
    if (auto added = add_user(user, config); !added) return std::unexpected(added.error());
  }
  if (const std::string ns = context.text("namespace"); !ns.empty()) config.ns = ns;
  return config;
}

Result<Config> in_cluster_config(const std::string& directory) {
  std::string host = environment("KUBERNETES_SERVICE_HOST");
  const std::string port = environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return invalid("not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  if (host.find(':') != std::string::npos) host = fmt::format("[{}]", host);
  Config config;
  config.server = fmt::format("https://{}:{}", host, port);
  config.authority.file = directory + "/ca.crt";
  config.token.file = directory + "/token";
  if (const auto ns = read_file(directory + "/namespace"); ns && !ns->empty()) config.ns = *ns;
  return config;
}

Result<Config> find_config(const std::string& kubeconfig, const std::string& context) {
  if (!kubeconfig.empty()) return load_kubeconfig({kubeconfig}, context);
  if (const std::string list = environment("KUBECONFIG"); !list.empty()) {
    std::vector<std::string> files;
    std::istringstream stream(list);
    for (std::string file; std::getline(stream, file, ':');) {
      if (!file.empty()) files.push_back(file);
    }
    return load_kubeconfig(files, context);
  }
  if (context.empty() && !environment("KUBERNETES_SERVICE_HOST").empty()) {
    return in_cluster_config();
  }
  return load_kubeconfig({environment("HOME") + "/.kube/config"}, context);
}

}  // namespace kgw::kube
