#include "status/kube/writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "status/json.h"
#include "status/kube/own_entries.h"

namespace kgw::status {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kFreeRewrites = 2;  // without a pause
constexpr auto kFirstPause = 10s;
constexpr auto kLongestPause = 60s;

// Before the write after so many that somebody replaced.
std::chrono::seconds rewrite_pause(int undone) {
  if (undone <= kFreeRewrites) return 0s;
  return std::min(kFirstPause * (1 << std::min(undone - kFreeRewrites - 1, 10)), kLongestPause);
}

}  // namespace

StatusWriter::StatusWriter(const StatusStore& store, StatusApi& api,
                           std::function<std::int64_t()> wall_clock, std::size_t max_in_flight)
    : store_(store), api_(api), wall_clock_(std::move(wall_clock)), max_in_flight_(max_in_flight) {}

void StatusWriter::wanted(const ObjectRef& object) {
  const std::optional<ObjectStatus> status = store_.find(object);
  Record& record = records_[object];
  record.wanted = status ? own_digest(object.kind, json(to_json(*status))) : 0;
  record.failures = 0;
  record.not_before = {};
  enqueue(object, record);
}

void StatusWriter::observed(const ObjectRef& object, std::uint64_t digest) {
  Record& record = records_[object];
  record.gone = false;
  record.observed = digest;
  enqueue(object, record);
}

void StatusWriter::gone(const ObjectRef& object) {
  const auto found = records_.find(object);
  if (found == records_.end()) return;
  found->second.gone = true;
  if (!found->second.in_flight) records_.erase(found);
}

void StatusWriter::set_active(bool active) {
  if (active && !active_) {
    active_ = true;
    for (auto& [object, record] : records_) enqueue(object, record);
  }
  active_ = active;
}

bool StatusWriter::differs(const ObjectRef& object, const Record& record) const {
  if (record.wanted == record.observed) return false;
  return record.wanted != 0 || shares_status(object.kind);
}

void StatusWriter::enqueue(const ObjectRef& object, Record& record) {
  if (!active_ || record.queued || record.in_flight || !differs(object, record)) return;
  record.queued = true;
  queue_.push_back(object);
}

void StatusWriter::advance(Time now) {
  now_ = now;
  for (std::size_t left = queue_.size(); left > 0 && in_flight_ < max_in_flight_; --left) {
    const ObjectRef object = std::move(queue_.front());
    queue_.pop_front();
    const auto found = records_.find(object);
    if (found == records_.end()) continue;
    Record& record = found->second;
    if (record.not_before > now) {
      queue_.push_back(object);
      continue;
    }
    record.queued = false;
    if (!active_ || !differs(object, record)) continue;
    record.in_flight = true;
    ++in_flight_;
    begin(object);
  }
}

void StatusWriter::begin(const ObjectRef& object) {
  ++stats_.reads;
  api_.read(object, [this, object](std::expected<RemoteStatus, RemoteError> current) {
    if (current) {
      merge(object, std::move(*current));
    } else {
      fail(object, current.error());
    }
  });
}

void StatusWriter::merge(const ObjectRef& object, RemoteStatus current) {
  const std::optional<ObjectStatus> status = store_.find(object);
  const json own = status ? json(to_json(*status)) : json();
  const std::uint64_t wanted = status ? own_digest(object.kind, own) : 0;
  const std::uint64_t observed = own_digest(object.kind, current.status);
  if (!active_ || wanted == observed) return finish(object, observed);
  Record& record = records_[object];
  if (is_contested(object, record, observed)) {
    --in_flight_;
    record.in_flight = false;
    record.observed = observed;
    return record.gone ? records_.erase(object), void() : enqueue(object, record);
  }
  current.status =
      with_own_entries(object.kind, current.status, status ? &own : nullptr, wall_clock_());
  ++stats_.writes;
  spdlog::debug("the status of {} is written", to_string(object));
  api_.write(object, current,
             [this, object, wanted](std::expected<RemoteStatus, RemoteError> written) {
               if (written) {
                 Record& record = records_[object];
                 record.written = wanted;
                 record.written_at = now_;
                 finish(object, wanted);
               } else {
                 fail(object, written.error());
               }
             });
}

// Whether the write has to wait, because somebody keeps replacing what is written.
bool StatusWriter::is_contested(const ObjectRef& object, Record& record,
                                std::uint64_t observed) const {
  if (record.written == 0 || observed == record.written) return false;
  if (now_ - record.written_at > 2 * kLongestPause) record.undone = 0;
  const auto due = record.written_at + rewrite_pause(record.undone + 1);
  if (now_ < due) {
    if (record.undone == kFreeRewrites && record.not_before != due) {
      spdlog::warn(
          "status of {}: somebody else replaces what this controller writes, again and again",
          to_string(object));
    }
    record.not_before = due;
    return true;
  }
  ++record.undone;
  return false;
}

void StatusWriter::finish(const ObjectRef& object, std::uint64_t observed) {
  --in_flight_;
  Record& record = records_[object];
  record.in_flight = false;
  if (record.gone) {
    records_.erase(object);
    return;
  }
  record.failures = 0;
  record.observed = observed;
  enqueue(object, record);
}

void StatusWriter::fail(const ObjectRef& object, const RemoteError& error) {
  --in_flight_;
  if (error.kind == RemoteError::Kind::kGone || records_[object].gone) {
    records_.erase(object);
    return;
  }
  Record& record = records_[object];
  record.in_flight = false;
  if (error.kind == RemoteError::Kind::kConflict) {
    ++stats_.conflicts;
  } else {
    ++stats_.failures;
    spdlog::warn("status of {}: {}", to_string(object), error.message);
    record.failures = static_cast<std::uint8_t>(std::min(record.failures + 1, 6));
    record.not_before = now_ + 500ms * (1 << record.failures);
  }
  enqueue(object, record);
}

}  // namespace kgw::status
