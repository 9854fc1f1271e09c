// Config: which API server, and as whom: from a kubeconfig or from the pod's service account.
//
// Files (certificates, tokens) stay named, not read: they are rotated while we run, and the client
// reads them again.
#pragma once

#include <string>
#include <vector>

#include "source/kube/error.h"

namespace kgw::kube {

// A text that stands in the configuration or in a file (which wins).
struct TextOrFile {
  std::string text;
  std::string file;

  bool empty() const { return text.empty() && file.empty(); }
  // Error: the file cannot be read.
  Result<std::string> read() const;
  friend bool operator==(const TextOrFile&, const TextOrFile&) = default;
};

struct Config {
  std::string server;             // "https://10.96.0.1:443", or with a path prefix
  TextOrFile authority;           // PEM; empty: the system's
  bool insecure = false;          // do not verify the server
  std::string tls_server_name;    // empty: the host of `server`
  TextOrFile client_certificate;  // PEM; empty: none
  TextOrFile client_key;
  TextOrFile token;            // bearer; empty: none
  std::string ns = "default";  // of the context, or the pod's own

  friend bool operator==(const Config&, const Config&) = default;
};

// Reads the files in this order, the first that defines an entry wins, as kubectl does. An empty
// `context` is the current one. Error: reason InvalidConfig and the file and entry; also for users
// whose credentials come from a program (exec) or an auth-provider.
Result<Config> load_kubeconfig(const std::vector<std::string>& files, const std::string& context);

inline constexpr char kServiceAccountDirectory[] = "/var/run/secrets/kubernetes.io/serviceaccount";
// From KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and the mounted service account.
Result<Config> in_cluster_config(const std::string& directory = kServiceAccountDirectory);

// `kubeconfig` if given; else the files of KUBECONFIG, else the pod's, else ~/.kube/config.
Result<Config> find_config(const std::string& kubeconfig, const std::string& context);

}  // namespace kgw::kube
