// Mirror: what the source knows of all objects of one kind: just enough to tell what changed.
//
// The objects themselves belong to the core's tables; here each is a few hashes. So an object that
// comes again unchanged (after a relist, or because somebody wrote its status) is no event, and one
// that is missing from a new list is a deletion. An object that cannot be decoded is a problem at
// the place "<Kind> ns/name"; its last good version stays in force. Pure; thread: one.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "api/document.h"
#include "source/source.h"

namespace kgw::kube {

class Mirror {
 public:
  // `with_pods`: which Pods endpoints are matters. REQUIRES: `api_version` is one of the kind's.
  Mirror(Kind kind, std::string api_version, bool with_pods = false)
      : kind_(kind), api_version_(std::move(api_version)), with_pods_(with_pods) {}

  // What follows, until end_list(), is all there is.
  void begin_list();
  // What did not come is deleted; but nothing is if something came that could not be identified.
  void end_list();
  // An item of a list, or a new version of an object.
  void put(const doc::Node& object);
  void put_json(std::string_view json);  // of a list
  // A version of some object that cannot be read: what is known of it stays.
  void note_unreadable(std::string message);
  void remove(const doc::Node& object);
  // The kind is not served any more: no object can be read. Those that are missing from the next
  // list are deleted.
  void withdraw();
  // The same objects are now read at another version.
  void set_api_version(std::string api_version);

  std::size_t size() const { return entries_.size(); }
  // What changed since the last call.
  source::Batch take() { return std::exchange(batch_, {}); }

 private:
  struct Entry {
    std::uint64_t version = 0;  // hash of the resourceVersion
    std::uint64_t content = 0;  // of everything but resourceVersion; 0: no version was usable yet
    std::uint64_t status = 0;
    std::uint32_t pass = 0;  // the last list that had it
    bool has_problems = false;
  };

  ObjectKey key_of(const doc::Node& object) const;
  void note_unidentified(std::string message);
  void note_status(const ObjectKey& key, const doc::Node& object, Entry& entry);
  void note_problems(const ObjectKey& key, Diagnostics diagnostics, Entry& entry);
  void forget(const ObjectKey& key, const Entry& entry);

  Kind kind_;
  std::string api_version_;
  bool with_pods_;
  std::uint32_t pass_ = 0;
  Diagnostics unidentified_;  // of this list
  bool had_unidentified_ = false;
  absl::flat_hash_map<ObjectKey, Entry> entries_;
  source::Batch batch_;
};

}  // namespace kgw::kube
