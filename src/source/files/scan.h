// scan(): which manifest files the configured paths mean right now.
//
// - A path that names a file is that file, whatever its name; a path that names a directory is
//   every manifest name below it. Links are followed; each real file and directory counts once, at
//   the first place where it is met, so overlapping paths and link cycles do no harm.
// - Every directory whose change could change the answer is watched before it is read: those in the
//   tree, and for each path and link the directories that its name is looked up in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/diagnostic.h"
#include "source/files/catalog.h"

namespace kgw::source {

class Watcher;

// Differs when a file was replaced or written.
struct Stamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds since the epoch
  std::int64_t changed = 0;
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

struct Sighting {
  FileKey key;
  Stamp stamp;
  int watch = -1;    // of the real file's directory
  std::string name;  // of the real file there
};

enum class RootState { kFile, kDirectory, kStream, kMissing, kUnreadable };

struct Scan {
  std::vector<Sighting> files;
  std::vector<RootState> roots;  // one per path
  // Directories that could not be read: nothing is known about the files below.
  std::vector<FileKey> unreadable;
  Diagnostics problems;  // position.file names the place
};

// `watcher` may be null. "-" and paths that are pipes or devices are kStream and not looked into.
Scan scan(const std::vector<std::string>& paths, Watcher* watcher);

Diagnostic file_problem(const std::string& path, std::string reason, std::string message,
                        Severity severity = Severity::kError);

}  // namespace kgw::source
