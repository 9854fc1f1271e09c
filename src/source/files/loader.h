// Loader: scan, read what changed, hand it to the catalog. The synchronous heart of FilesSource.
// Thread: one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "source/files/catalog.h"
#include "source/files/files_source.h"
#include "source/files/scan.h"

namespace kgw::source {

class Watcher;

class Loader {
 public:
  // `options` must outlive this; `watcher` may be null.
  Loader(const FilesOptions& options, Watcher* watcher) : options_(options), watcher_(watcher) {}

  // Reads standard input and pipes to their end. False: the watcher was stopped meanwhile.
  bool read_streams();
  // Brings the catalog up to date with the file system.
  void refresh();
  Catalog& catalog() { return catalog_; }

 private:
  struct Known {
    Stamp stamp;
    bool settled = false;  // the stamp is old enough to show every later write
    Digest text;
  };

  bool is_kept(const FileKey& file, const Scan& scan) const;
  void load(const Sighting& sighting);
  void fail(const FileKey& file, std::string reason, std::string message);
  void interpret(const FileKey& file, const std::string& text);
  void report(const Scan& scan);
  bool read_stream(std::size_t root, const std::string& path);

  const FilesOptions& options_;
  Watcher* watcher_;
  Catalog catalog_;
  std::map<FileKey, Known> known_;
  std::set<std::size_t> directories_;     // roots that were directories when last seen
  std::set<std::string> problem_places_;  // of the last scan
};

}  // namespace kgw::source
