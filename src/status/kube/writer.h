// StatusWriter: makes the statuses in the API server equal to those of the store, with as few
// writes as there are differences.
//
// For each object it knows two digests of our entries: what the store wants and what the watch
// showed. Only while they differ is the object read, merged (own_entries.h) and written, with the
// read resourceVersion as the condition; a conflict reads again. So at rest nothing is read or
// written, a restart rewrites nothing, and an entry that somebody removes comes back. The newest
// content wins: what changes while a write is under way is written after it. At most
// `max_in_flight` objects are under way; an object that the API server refuses waits longer each
// time and holds nobody up. So does one in which somebody else replaces our entries again and
// again: it is written a few times a minute at most.
//
// Thread: the core's; the API answers on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "status/store.h"

namespace kgw::status {

// One object's status in the API server.
struct RemoteStatus {
  std::string resource_version;
  nlohmann::json status;  // null when there is none
};

struct RemoteError {
  enum class Kind : std::uint8_t { kGone, kConflict, kOther };
  Kind kind = Kind::kOther;
  std::string message;
};

class StatusApi {
 public:
  using Answer = std::function<void(std::expected<RemoteStatus, RemoteError>)>;
  virtual ~StatusApi() = default;
  virtual void read(const ObjectRef& object, Answer answer) = 0;
  // Replaces the status if the object still has that resourceVersion.
  virtual void write(const ObjectRef& object, const RemoteStatus& status, Answer answer) = 0;
};

class StatusWriter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Stats {
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t failures = 0;
  };

  // Owns: nothing; both outlive it. `wall_clock`: seconds since the epoch.
  StatusWriter(const StatusStore& store, StatusApi& api, std::function<std::int64_t()> wall_clock,
               std::size_t max_in_flight = 8);

  // The store's status of the object changed, appeared or went.
  void wanted(const ObjectRef& object);
  // The watch showed the object; `digest` is own_digest() of its status.
  void observed(const ObjectRef& object, std::uint64_t digest);
  void gone(const ObjectRef& object);

  // Only the leader writes, and only when everything is synchronised.
  void set_active(bool active);
  // Starts what is due. To be called after each batch of the calls above and about once a second.
  void advance(Time now);

  std::size_t pending() const { return queue_.size() + in_flight_; }
  const Stats& stats() const { return stats_; }

 private:
  struct Record {
    std::uint64_t wanted = 0;  // 0: no entries of ours
    std::uint64_t observed = 0;
    Time not_before{};
    std::uint64_t written = 0;  // what we wrote last; 0: nothing
    Time written_at{};
    std::uint8_t failures = 0;
    std::uint8_t undone = 0;  // writes in a row that somebody replaced
    bool queued = false;
    bool in_flight = false;
    bool gone = false;  // while a request for it was under way
  };

  bool differs(const ObjectRef& object, const Record& record) const;
  void enqueue(const ObjectRef& object, Record& record);
  void begin(const ObjectRef& object);
  void merge(const ObjectRef& object, RemoteStatus current);
  bool is_contested(const ObjectRef& object, Record& record, std::uint64_t observed) const;
  void finish(const ObjectRef& object, std::uint64_t observed);
  void fail(const ObjectRef& object, const RemoteError& error);

  const StatusStore& store_;
  StatusApi& api_;
  std::function<std::int64_t()> wall_clock_;
  const std::size_t max_in_flight_;
  bool active_ = false;
  Time now_{};
  absl::flat_hash_map<ObjectRef, Record> records_;
  std::deque<ObjectRef> queue_;
  std::size_t in_flight_ = 0;
  Stats stats_;
};

}  // namespace kgw::status
