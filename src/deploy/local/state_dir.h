// StateDir: the directory that outlives a controller, so that its successor finds the proxies.
//
//   lock                              held by the one controller that uses the directory
//   xds.sock                          where the controller serves xDS
//   proxies/<gateway>/<n>/            one Envoy: instance n of a Gateway
//     bootstrap.json  admin.sock  envoy.log  process.json (who it is: see InstanceRecord)
//
// It belongs to this user alone (mode 0700): whoever can write here could end other processes or
// speak as a proxy.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "api/ref.h"
#include "deploy/local/process.h"

namespace kgw::deploy {

// What is known about a running Envoy across restarts of the controller.
struct InstanceRecord {
  ObjectKey gateway;
  unsigned number = 0;  // unique among the instances of the Gateway
  ProcessId process;
  std::string fingerprint;  // of everything that it was started with
};

struct InstancePaths {
  std::string directory;
  std::string bootstrap;
  std::string admin_socket;
  std::string log;
  std::string record;
};

class StateDir {
 public:
  // Creates and locks the directory. The error is one sentence for the user.
  static std::expected<StateDir, std::string> open(std::string path);

  StateDir(StateDir&& other) noexcept;
  StateDir& operator=(StateDir&& other) noexcept;
  ~StateDir();

  const std::string& path() const { return path_; }
  std::string xds_socket() const;
  // Above the instances of a Gateway; ends with a slash.
  std::string proxies_of(const ObjectKey& gateway) const;
  InstancePaths instance(const ObjectKey& gateway, unsigned number) const;

  // Makes the directory private again, or anew, where somebody has changed or removed it. Error:
  // what that means, for the user.
  std::expected<void, std::string> restore() const;

  // What former controllers left here, running or not.
  std::vector<InstanceRecord> records() const;
  // The error names the file and says why it could not be written.
  std::expected<void, std::string> write_record(const InstanceRecord& record) const;
  std::expected<void, std::string> create_instance(const InstancePaths& paths,
                                                   const std::string& bootstrap) const;
  void remove_instance(const InstancePaths& paths) const;

 private:
  StateDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_ = -1;
};

// $XDG_RUNTIME_DIR/kgateway, else /tmp/kgateway-<uid>.
std::string default_state_dir();

}  // namespace kgw::deploy
