// Source: where objects come from (a folder of manifests, an API server), behind one interface.
//
// A source runs on its own thread and posts Batches; it never calls into the core. Between start()
// and the first batch with `synced`, the objects are incomplete and nothing may be served from
// them. Objects are decoded, defaulted and valid: an invalid one is withheld (its last good version
// stays in force) and reported as a problem.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/diagnostic.h"
#include "api/meta.h"

namespace kgw::source {

// Why there is no object.
enum class Absence : std::uint8_t {
  kDeleted,
  kUnserved,    // the API server does not serve its kind any more: it may exist
  kUnselected,  // it exists, but may not be read any more
};

// An object's new version; null = the object is gone.
struct ObjectEvent {
  ObjectRef ref;
  std::shared_ptr<const Object> object;
  Absence absence = Absence::kDeleted;  // of a null object
};

// What an API server holds as an object's status now, also what other controllers wrote there.
// Posted when it changes, by sources whose statuses are not ours alone; never for an object that is
// gone.
struct StatusEvent {
  ObjectRef ref;
  std::string resource_version;  // of the object when it had this status
  std::string json;              // the value of `status`; empty: there is none
};

// The complete list of what is wrong in one place now (a file, a kind); empty = all is well again.
struct Problems {
  std::string place;
  Diagnostics diagnostics;
};

struct Batch {
  std::vector<ObjectEvent> events;
  std::vector<StatusEvent> statuses;
  std::vector<Problems> problems;
  bool synced =
      false;  // everything that existed at start has been posted, in this batch or before it
};

// Thread: called from the source's own thread, one call at a time.
using Sink = std::function<void(Batch)>;

class Source {
 public:
  virtual ~Source() = default;
  // Starts posting to `sink`. REQUIRES: called once.
  virtual void start(Sink sink) = 0;
  // No call to the sink is under way or made after this returns. Idempotent.
  virtual void stop() = 0;
};

}  // namespace kgw::source
