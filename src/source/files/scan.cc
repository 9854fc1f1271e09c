#include "source/files/scan.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <expected>
#include <set>
#include <utility>

#include "source/files/names.h"
#include "source/files/watcher.h"

namespace kgw::source {
namespace {

constexpr int kMaxLinks = 40;
constexpr int kMaxDepth = 64;

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

Stamp stamp_of(const struct stat& st) {
  return {st.st_dev, st.st_ino, st.st_size, nanoseconds(st.st_mtim), nanoseconds(st.st_ctim)};
}

std::string joined(const std::string& directory, std::string_view name) {
  std::string path = directory;
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

void push_components(std::deque<std::string>& components, std::string_view path) {
  std::size_t end = path.size();
  while (end > 0) {
    const std::size_t slash = path.rfind('/', end - 1);
    const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    if (begin < end) components.emplace_front(path.substr(begin, end - begin));
    if (slash == std::string_view::npos) break;
    end = slash;
  }
}

// A path with all links followed, and how it can be watched.
struct Resolved {
  std::string real;
  int watch = -1;
  std::string name;
};

class Walk {
 public:
  Walk(Scan& result, Watcher* watcher) : result_(result), watcher_(watcher) {}

  void root(std::size_t index, std::string path) {
    root_ = index;
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    struct stat st;
    if (stat(path.c_str(), &st) == 0 && !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) return;
    const auto resolved = resolve(path.starts_with('/') ? "/" : working_directory(), path);
    if (!resolved || stat(resolved->real.c_str(), &st) != 0)
      return missing(path, resolved ? errno : resolved.error());
    if (S_ISDIR(st.st_mode)) {
      result_.roots[index] = RootState::kDirectory;
      directory(path, resolved->real, st, 0);
    } else {
      result_.roots[index] = RootState::kFile;
      file(path, *resolved, st);
    }
  }

 private:
  static std::string working_directory() {
    std::array<char, PATH_MAX> buffer;
    return getcwd(buffer.data(), buffer.size()) != nullptr ? buffer.data() : "/";
  }

  void missing(const std::string& path, int error) {
    const bool absent = error == ENOENT || error == ENOTDIR;
    result_.roots[root_] = absent ? RootState::kMissing : RootState::kUnreadable;
    result_.problems.push_back(
        file_problem(path, absent ? "NotFound" : "Unreadable", std::strerror(error)));
    if (!absent) result_.unreadable.push_back({root_, path});
  }

  int watch(const std::string& directory, const std::string& name, bool last) {
    if (watcher_ == nullptr) return -1;
    return watcher_->watch(directory, name,
                           last ? Watcher::Interest::kContent : Watcher::Interest::kLink);
  }

  // Follows `path` from the real directory `at`. The error is an errno.
  std::expected<Resolved, int> resolve(std::string at, const std::string& path) {
    std::deque<std::string> rest;
    push_components(rest, path);
    Resolved result{at, -1, {}};
    for (int links = 0; !rest.empty();) {
      const std::string name = std::move(rest.front());
      rest.pop_front();
      if (name == ".") continue;
      if (name == "..") {
        at.erase(std::max<std::size_t>(1, at.rfind('/')));
        continue;
      }
      result.watch = watch(at, name, rest.empty());
      result.name = name;
      const std::string next = joined(at, name);
      struct stat st;
      if (lstat(next.c_str(), &st) != 0) return std::unexpected(errno);
      if (!S_ISLNK(st.st_mode)) {
        at = next;
        continue;
      }
      if (++links > kMaxLinks) return std::unexpected(ELOOP);
      std::array<char, PATH_MAX> target;
      const ssize_t size = readlink(next.c_str(), target.data(), target.size());
      if (size < 0) return std::unexpected(errno);
      if (size > 0 && target[0] == '/') at = "/";
      push_components(rest, std::string_view(target.data(), static_cast<std::size_t>(size)));
    }
    result.real = std::move(at);
    return result;
  }

  bool first_visit(const struct stat& st) { return visited_.emplace(st.st_dev, st.st_ino).second; }

  void file(const std::string& path, const Resolved& resolved, const struct stat& st) {
    if (!first_visit(st)) return;
    result_.files.push_back({{root_, path}, stamp_of(st), resolved.watch, resolved.name});
  }

  void directory(const std::string& path, const std::string& real, const struct stat& st,
                 int depth) {
    if (!first_visit(st)) return;
    if (depth > kMaxDepth) return unreadable(path, "is nested too deeply");
    const int id = watcher_ == nullptr ? -1 : watcher_->watch_all(real);
    DIR* handle = opendir(real.c_str());
    if (handle == nullptr) return lost(path, errno);
    std::set<std::string> names;
    while (const dirent* entry = readdir(handle)) {
      if (is_ignored_name(entry->d_name)) continue;
      if (entry->d_type == DT_REG && !is_manifest_name(entry->d_name)) continue;
      names.emplace(entry->d_name);
    }
    closedir(handle);
    for (const std::string& name : names) child(path, real, id, name, depth);
  }

  void child(const std::string& parent, const std::string& real_parent, int id,
             const std::string& name, int depth) {
    const std::string path = joined(parent, name);
    Resolved resolved{joined(real_parent, name), id, name};
    struct stat st;
    if (lstat(resolved.real.c_str(), &st) != 0) return lost(path, errno);
    if (S_ISLNK(st.st_mode)) {
      auto target = resolve(real_parent, name);
      if (!target) return dangling(path, name, target.error());
      if (stat(target->real.c_str(), &st) != 0) return dangling(path, name, errno);
      resolved = *std::move(target);
    }
    if (S_ISDIR(st.st_mode)) return directory(path, resolved.real, st, depth + 1);
    if (S_ISREG(st.st_mode) && is_manifest_name(name)) file(path, resolved, st);
  }

  void unreadable(const std::string& path, const std::string& why) {
    result_.unreadable.push_back({root_, path});
    result_.problems.push_back(file_problem(path, "Unreadable", why));
  }

  // Something that was listed cannot be looked at. If it is gone, that will wake us again.
  void lost(const std::string& path, int error) {
    if (error != ENOENT && error != ENOTDIR) unreadable(path, std::strerror(error));
  }

  void dangling(const std::string& path, const std::string& name, int error) {
    if (error != ENOENT && error != ENOTDIR) return unreadable(path, std::strerror(error));
    if (!is_manifest_name(name)) return;
    result_.problems.push_back(file_problem(path, "NotFound", "is a link to nothing"));
  }

  Scan& result_;
  Watcher* watcher_;
  std::size_t root_ = 0;
  std::set<std::pair<dev_t, ino_t>> visited_;
};

}  // namespace

Diagnostic file_problem(const std::string& path, std::string reason, std::string message,
                        Severity severity) {
  return {.object = {},
          .field = "",
          .reason = std::move(reason),
          .message = std::move(message),
          .severity = severity,
          .position = {.file = path}};
}

Scan scan(const std::vector<std::string>& paths, Watcher* watcher) {
  Scan result;
  result.roots.assign(paths.size(), RootState::kStream);
  if (watcher != nullptr) watcher->begin_scan();
  Walk walk(result, watcher);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (paths[i] != "-") walk.root(i, paths[i]);
  }
  if (watcher != nullptr) watcher->end_scan();
  return result;
}

}  // namespace kgw::source
