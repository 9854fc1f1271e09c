#include "deploy/local/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

namespace kgw::deploy {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMaxSlug = 33;
constexpr std::size_t kMaxInstanceDigits = 6;
constexpr std::size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::string_view kProxies = "/proxies/";
constexpr std::string_view kAdminSocket = "/admin.sock";
constexpr std::size_t kMaxStateDir =
    kMaxSocketPath - kProxies.size() - kMaxSlug - 1 - kMaxInstanceDigits - kAdminSocket.size();

std::string failure(const std::string& what) { return what + ": " + std::strerror(errno); }

// A readable name for a Gateway's directory, short enough for a socket's path.
std::string slug_of(const ObjectKey& gateway) {
  std::string slug = gateway.ns.str() + "~" + gateway.name.str();
  if (slug.size() <= kMaxSlug) return slug;
  std::array<char, 17> hash;
  std::snprintf(hash.data(), hash.size(), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(slug.data(), slug.size())));
  slug.resize(kMaxSlug - 17);
  return slug + "-" + hash.data();
}

std::unexpected<std::string> not_written(const std::string& path, int error) {
  return std::unexpected("cannot write " + path + ": " + std::generic_category().message(error));
}

std::expected<void, std::string> write_whole(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return not_written(path, errno);
  const ssize_t written = write(fd, text.data(), text.size());
  const int error = written < 0 ? errno : ENOSPC;  // a short write: the rest did not fit
  close(fd);
  if (written != static_cast<ssize_t>(text.size())) return not_written(path, error);
  if (rename(temporary.c_str(), path.c_str()) != 0) return not_written(path, errno);
  return {};
}

std::optional<InstanceRecord> parse_record(const std::string& path) {
  std::ifstream file(path);
  const json record = json::parse(file, nullptr, false);
  try {
    return InstanceRecord{
        .gateway = {record.at("namespace").get<std::string>(),
                    record.at("name").get<std::string>()},
        .number = record.at("instance").get<unsigned>(),
        .process = {record.at("pid").get<pid_t>(), record.at("startTime").get<std::uint64_t>()},
        .fingerprint = record.at("fingerprint").get<std::string>()};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::expected<void, std::string> make_private_directory(const std::string& path) {
  std::error_code ignored;
  fs::create_directories(fs::path(path).parent_path(), ignored);
  if (mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return std::unexpected(failure("cannot create " + path));
  struct stat st;
  if (lstat(path.c_str(), &st) != 0) return std::unexpected(failure(path));
  if (!S_ISDIR(st.st_mode)) return std::unexpected(path + " is not a directory");
  if (st.st_uid != geteuid()) return std::unexpected(path + " belongs to another user");
  if ((st.st_mode & 077) != 0 && chmod(path.c_str(), 0700) != 0) {
    return std::unexpected(failure("cannot make " + path + " private"));
  }
  return {};
}

}  // namespace

std::expected<StateDir, std::string> StateDir::open(std::string path) {
  path = fs::absolute(path).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path.size() > kMaxStateDir) {
    return std::unexpected("the state directory's path is too long for Unix sockets (at most " +
                           std::to_string(kMaxStateDir) + " characters): " + path);
  }
  if (auto made = make_private_directory(path); !made) return std::unexpected(made.error());

  const std::string lock_path = path + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return std::unexpected(failure(lock_path));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> owner{};
    [[maybe_unused]] const auto got = pread(lock, owner.data(), owner.size() - 1, 0);
    close(lock);
    return std::unexpected("the state directory " + path + " is in use by another kgateway (pid " +
                           owner.data() + "); choose another with --state-dir");
  }
  const std::string owner = std::to_string(getpid());
  if (ftruncate(lock, 0) == 0) {
    [[maybe_unused]] const auto written = pwrite(lock, owner.data(), owner.size(), 0);
  }
  return StateDir(std::move(path), lock);
}

StateDir::StateDir(StateDir&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateDir& StateDir::operator=(StateDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

StateDir::~StateDir() {
  if (lock_ >= 0) close(lock_);
}

std::string StateDir::xds_socket() const { return path_ + "/xds.sock"; }

std::string StateDir::proxies_of(const ObjectKey& gateway) const {
  return path_ + std::string(kProxies) + slug_of(gateway) + "/";
}

InstancePaths StateDir::instance(const ObjectKey& gateway, unsigned number) const {
  const std::string directory = proxies_of(gateway) + std::to_string(number);
  return {directory, directory + "/bootstrap.json", directory + std::string(kAdminSocket),
          directory + "/envoy.log", directory + "/process.json"};
}

std::expected<void, std::string> StateDir::restore() const {
  struct stat st;
  const bool there = lstat(path_.c_str(), &st) == 0;
  const bool changed = there && S_ISDIR(st.st_mode) && (st.st_mode & 0777) != 0700;
  if (changed && chmod(path_.c_str(), 0700) != 0) {
    return std::unexpected(failure("cannot make " + path_ + " private"));
  }
  if (changed) return std::unexpected("the mode of " + path_ + " was changed; it is 0700 again");
  if (auto made = make_private_directory(path_); !made) return made;
  if (access(xds_socket().c_str(), F_OK) == 0) return {};
  return std::unexpected(xds_socket() +
                         " was removed: Envoys that run go on, new ones cannot reach this kgateway "
                         "until it is started again");
}

std::vector<InstanceRecord> StateDir::records() const {
  std::vector<InstanceRecord> records;
  std::error_code ignored;
  for (const auto& gateway : fs::directory_iterator(path_ + std::string(kProxies), ignored)) {
    for (const auto& instance : fs::directory_iterator(gateway.path(), ignored)) {
      auto record = parse_record((instance.path() / "process.json").string());
      // A record counts only where this directory would have put it.
      if (record && this->instance(record->gateway, record->number).directory == instance.path()) {
        records.push_back(*std::move(record));
      } else {
        fs::remove_all(instance.path(), ignored);
      }
    }
  }
  return records;
}

std::expected<void, std::string> StateDir::write_record(const InstanceRecord& record) const {
  const json text = {{"namespace", record.gateway.ns.str()},
                     {"name", record.gateway.name.str()},
                     {"instance", record.number},
                     {"pid", record.process.pid},
                     {"startTime", record.process.start_time},
                     {"fingerprint", record.fingerprint}};
  return write_whole(instance(record.gateway, record.number).record, text.dump(2) + "\n");
}

std::expected<void, std::string> StateDir::create_instance(const InstancePaths& paths,
                                                           const std::string& bootstrap) const {
  const fs::path gateway = fs::path(paths.directory).parent_path();
  for (const std::string& directory :
       {path_, gateway.parent_path().string(), gateway.string(), paths.directory}) {
    if (auto made = make_private_directory(directory); !made) return made;
  }
  return write_whole(paths.bootstrap, bootstrap);
}

void StateDir::remove_instance(const InstancePaths& paths) const {
  std::error_code ignored;
  fs::remove_all(paths.directory, ignored);
  fs::remove(fs::path(paths.directory).parent_path(), ignored);  // when it is empty
}

std::string default_state_dir() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && runtime[0] == '/') return std::string(runtime) + "/kgateway";
  return "/tmp/kgateway-" + std::to_string(geteuid());
}

}  // namespace kgw::deploy
