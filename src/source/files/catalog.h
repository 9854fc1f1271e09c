// Catalog: what all files together define, and what of it is in force. Pure bookkeeping, no I/O.
//
// Several documents may claim the same object. The first claim in file order (position of the PATH
// on the command line, then path, then place in the file) is in force; the others are reported. A
// claim that cannot be used now (invalid document, unreadable file) is backed by its own last good
// version, so a mistake never deletes or replaces what works. take() compares what is in force
// with what was posted before: equal content is no event, however the files were shuffled.
//
// Objects posted get metadata.generation: 1 when they first appear, +1 with every change outside
// metadata and status.
// Thread: one.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/inlined_vector.h"
#include "api/diagnostic.h"
#include "api/meta.h"
#include "source/source.h"

namespace kgw::source {

struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend auto operator<=>(const Digest&, const Digest&) = default;
  friend bool operator==(const Digest&, const Digest&) = default;
};

// One document that names an object.
struct Definition {
  ObjectRef ref;
  std::shared_ptr<Object> object;  // null: the document is invalid
  Digest content;                  // of everything but status
  Digest spec;                     // of everything but metadata and status
  Diagnostics diagnostics;         // errors if `object` is null, else warnings
  SourcePosition position;
  bool absent = false;    // kept although the file no longer shows it; yields to any other claim
  bool outdated = false;  // `object` is the last good version, not what the document says
  bool posted = false;    // `object` was handed out and may not be changed any more
};

// A document that could not be identified as far as it could: an object that is missing from the
// file may be this one. Unset members fit all.
struct Unidentified {
  Kind kind = Kind::kUnknown;
  Name name;
};

// A file's documents in order.
struct Manifest {
  std::vector<Definition> definitions;
  Diagnostics diagnostics;  // of documents that name no object
  std::vector<Unidentified> unidentified;
};

// Where a file stands in the order of precedence.
struct FileKey {
  std::size_t root = 0;  // index of the PATH through which it was found
  std::string path;
  friend auto operator<=>(const FileKey&, const FileKey&) = default;
  friend bool operator==(const FileKey&, const FileKey&) = default;
};

class Catalog {
 public:
  // The file was read. Objects that it no longer defines are gone (unless one of the
  // unidentified documents may be them).
  void set(const FileKey& file, Manifest manifest);
  // The file exists but could not be read: its objects stay as they are.
  void keep(const FileKey& file, Diagnostics why);
  void remove(const FileKey& file);
  // Problems of a place that is not a readable file (a missing PATH, a closed directory).
  void set_problems(const std::string& place, Diagnostics diagnostics);

  // The last read definitions of the file, or null.
  const std::vector<Definition>* definitions(const FileKey& file) const;

  // Where the object in force is defined.
  std::map<ObjectRef, SourcePosition> positions() const;

  // What changed since the last call: events ordered by reference, problems by place.
  Batch take();

 private:
  struct File {
    std::vector<Definition> definitions;
    Diagnostics diagnostics;
  };
  struct Claim {
    const FileKey* file;
    Definition* definition;
  };
  struct InForce {
    std::shared_ptr<const Object> object;  // null: none
    Digest content;
    Digest spec;
  };
  // What is known of one object.
  struct Slot {
    absl::InlinedVector<Claim, 1> claims;  // in the order of precedence
    InForce in_force;
  };

  static bool before(const Claim& a, const Claim& b);
  static void carry_over(std::vector<Definition>& old, Manifest& manifest);
  void withdraw(const FileKey& file, File& entry);
  void enter(const FileKey& file, File& entry);
  void settle(const ObjectRef& ref, std::vector<ObjectEvent>& events);
  std::shared_ptr<const Object> post(Definition& definition, std::int64_t generation);
  Diagnostics diagnose(const FileKey& key, const File& file) const;
  Diagnostics diagnose_place(const std::string& place);

  std::map<FileKey, File> files_;
  std::map<std::string, std::set<std::size_t>> roots_of_path_;  // the keys in files_ by path
  absl::btree_map<ObjectRef, Slot> slots_;     // of which a hash table would leave half empty
  std::map<std::string, Diagnostics> places_;  // as set by set_problems
  std::map<std::string, Diagnostics> posted_problems_;  // never empty ones
  std::set<ObjectRef> changed_refs_;
  std::set<FileKey> changed_files_;
  std::set<std::string> changed_places_;
};

// A deep copy of the object as its own kind.
std::shared_ptr<Object> copy_of(const Object& object);

}  // namespace kgw::source
