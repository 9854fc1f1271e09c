// FilesSource: objects from manifests (YAML and JSON) in files and directories, followed live.
//
// What is in force follows the files: a changed document updates its object, a removed one deletes
// it, an invalid or unreadable one leaves its object's last good version in force and is reported.
// A configured directory that vanishes as a whole is treated as unreadable, not as empty. The rules
// for several claims to one object are those of catalog.h, for paths and links those of scan.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/source.h"

namespace kgw::source {

struct FilesOptions {
  // Files and directories; "-" is standard input, read once, as are named pipes.
  std::vector<std::string> paths;
  // Changes are gathered until none came for `settle`, at most for `settle_limit`.
  std::chrono::milliseconds settle{8};
  std::chrono::milliseconds settle_limit{50};
  // A file that is open for writing is read when it is closed, or after this long without a write.
  std::chrono::milliseconds writer_limit{5000};
  std::size_t max_file_bytes = std::size_t{64} << 20;
};

class FilesSource : public Source {
 public:
  explicit FilesSource(FilesOptions options);
  ~FilesSource() override;
  // The first batch is `synced`; it holds everything that the paths mean then.
  void start(Sink sink) override;
  void stop() override;

 private:
  class Follower;
  std::unique_ptr<Follower> follower_;
};

struct Loaded {
  Batch batch;  // synced
  std::map<ObjectRef, SourcePosition> positions;
};

// What a FilesSource would post first. Blocks on "-" and pipes until their end.
Loaded load_once(const FilesOptions& options);

}  // namespace kgw::source
