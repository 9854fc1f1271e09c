#include "source/kube/lease.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <ctime>
#include <future>
#include <nlohmann/json.hpp>
#include <utility>

#include "source/kube/backoff.h"
#include "source/kube/core.h"

namespace kgw::kube {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

// metav1.MicroTime.
std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const std::time_t seconds = micros / 1'000'000;
  std::tm utc;
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:06}Z", text, micros % 1'000'000);
}

const json* find(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? nullptr : &*found;
}

std::string text_at(const json& object, const char* parent, const char* key) {
  const json* inner = find(object, parent);
  const json* value = inner == nullptr ? nullptr : find(*inner, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

std::string address_in(const json& lease) {
  const json* metadata = find(lease, "metadata");
  return metadata == nullptr ? "" : text_at(*metadata, "annotations", kAddressAnnotation);
}

// Without an address, that of an earlier holder must not stay.
void put_address(json& lease, const std::string& address) {
  json& annotations = lease["metadata"]["annotations"];
  if (!annotations.is_object()) annotations = json::object();
  annotations.erase(kAddressAnnotation);
  if (!address.empty()) annotations[kAddressAnnotation] = address;
}

const Resource& leases() {
  static const Resource resource{"coordination.k8s.io", "v1", "leases", true};
  return resource;
}

}  // namespace

// Thread: the client's, but for stop().
class Lease::Candidate : public std::enable_shared_from_this<Candidate> {
 public:
  Candidate(Core& core, LeaseOptions options)
      : core_(core),
        options_(std::move(options)),
        jitter_(options_.retry, options_.retry),
        deadline_(core.io()) {}

  void start(std::function<void(Leadership)> on_change) {
    on_change_ = std::move(on_change);
    asio::co_spawn(
        core_.io(),
        [self = shared_from_this()]() -> asio::awaitable<void> { co_await self->run(); },
        asio::detached);
  }

  void stop() {
    const auto ended = std::make_shared<std::promise<void>>();
    asio::post(core_.io(), [self = shared_from_this(), ended] {
      self->on_change_ = nullptr;
      self->ended_ = ended;
      self->stopping_();
      if (!self->running_) std::exchange(self->ended_, nullptr)->set_value();
    });
    ended->get_future().wait_for(std::chrono::seconds(3));
  }

 private:
  asio::awaitable<void> run() {
    running_ = true;
    while (!stopping_.requested()) {
      const auto started = Clock::now();
      if (co_await try_once()) lead_until(started + options_.renew_deadline);
      co_await core_.pause(jitter_.jittered(options_.retry, options_.retry * 6 / 5), stopping_);
    }
    deadline_.cancel();
    if (leading_) co_await give_back();
    running_ = false;
    if (const auto ended = std::exchange(ended_, nullptr)) ended->set_value();
  }

  void lead_until(Clock::time_point deadline) {
    if (deadline < Clock::now()) return;
    announce({true, options_.identity, options_.address});
    deadline_.expires_at(deadline);
    deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->announce({});
    });
  }

  void announce(Leadership now) {
    if (!std::exchange(announced_, true) || now != last_) {
      leading_ = now.leading;
      last_ = now;
      if (on_change_) on_change_(std::move(now));
    }
  }

  // Takes or renews the lease. True: it is ours from now on.
  asio::awaitable<bool> try_once() {
    if (!leading_ || known_.is_null()) {
      const bool readable = co_await read();
      if (!readable) co_return false;
    }
    const std::string holder = text_at(known_, "spec", "holderIdentity");
    const bool is_free = holder.empty() || holder == options_.identity ||
                         Clock::now() - observed_ > options_.duration;
    if (!is_free) {
      note_problem(std::nullopt);
      announce({false, holder, address_in(known_)});
      co_return false;
    }
    const bool written = co_await write(claim(holder));
    co_return written;
  }

  json claim(const std::string& holder) const {
    json lease = known_;
    put_address(lease, options_.address);
    json& spec = lease["spec"];
    const std::string now = now_text();
    spec["leaseDurationSeconds"] = std::max<std::int64_t>(
        1, std::chrono::ceil<std::chrono::seconds>(options_.duration).count());
    spec["renewTime"] = now;
    if (holder == options_.identity) return lease;
    const json* transitions = find(spec, "leaseTransitions");
    const bool counted = transitions != nullptr && transitions->is_number_integer();
    spec["leaseTransitions"] = counted ? transitions->get<std::int64_t>() + 1 : 0;
    spec["holderIdentity"] = options_.identity;
    spec["acquireTime"] = now;
    return lease;
  }

  // Fills `known_`; an absent lease is one without a resource version.
  asio::awaitable<bool> read() {
    Request request = get(leases(), {options_.ns, options_.name});
    request.timeout = options_.renew_deadline / 2;
    Result<std::string> answer = co_await core_.fetch(std::move(request));
    if (!answer && answer.error().status != 404) {
      note_problem(answer.error());
      co_return false;
    }
    json lease = answer ? json::parse(*answer, nullptr, false) : json();
    if (!lease.is_object() || !lease.contains("spec") || !lease["spec"].is_object()) {
      json fresh = {{"apiVersion", "coordination.k8s.io/v1"},
                    {"kind", "Lease"},
                    {"metadata", {{"name", options_.name}, {"namespace", options_.ns}}},
                    {"spec", json::object()}};
      if (const std::string version = text_at(lease, "metadata", "resourceVersion");
          !version.empty()) {
        fresh["metadata"]["resourceVersion"] = version;
      }
      lease = std::move(fresh);
    }
    if (lease != known_) observed_ = Clock::now();
    known_ = std::move(lease);
    co_return true;
  }

  asio::awaitable<bool> write(json lease) {
    const bool exists = !text_at(lease, "metadata", "resourceVersion").empty();
    Request request = exists ? replace(leases(), {options_.ns, options_.name}, lease.dump())
                             : create(leases(), options_.ns, lease.dump());
    request.timeout = options_.renew_deadline / 2;
    Result<std::string> answer = co_await core_.fetch(std::move(request));
    known_ = answer ? json::parse(*answer, nullptr, false) : json();
    observed_ = Clock::now();
    if (!known_.is_object()) known_ = json();
    // With a conflict another replica was faster.
    if (answer || answer.error().status == 409) {
      note_problem(std::nullopt);
    } else {
      note_problem(answer.error());
    }
    co_return answer.has_value();
  }

  void note_problem(std::optional<Error> problem) {
    if (problem == problem_ || !on_change_) return;
    problem_ = std::move(problem);
    options_.on_problem(problem_);
  }

  asio::awaitable<void> give_back() {
    if (known_.is_null()) {
      const bool readable = co_await read();
      if (!readable) co_return;
    }
    if (text_at(known_, "spec", "holderIdentity") != options_.identity) co_return;
    json lease = known_;
    put_address(lease, "");
    lease["spec"]["holderIdentity"] = "";
    lease["spec"]["leaseDurationSeconds"] = 1;
    lease["spec"]["renewTime"] = now_text();
    co_await write(std::move(lease));
  }

  Core& core_;
  const LeaseOptions options_;
  Backoff jitter_;
  asio::steady_timer deadline_;  // of the leadership
  std::function<void(Leadership)> on_change_;
  std::shared_ptr<std::promise<void>> ended_;
  Abort stopping_;
  json known_;                  // as last read or written; null: to be read
  Clock::time_point observed_;  // when it last changed
  Leadership last_;
  std::optional<Error> problem_;
  bool announced_ = false;
  bool leading_ = false;
  bool running_ = false;
};

Lease::Lease(Client& client, LeaseOptions options)
    : candidate_(std::make_shared<Candidate>(client.core(), std::move(options))) {}

Lease::~Lease() { stop(); }

void Lease::start(std::function<void(Leadership)> on_change) {
  candidate_->start(std::move(on_change));
}

void Lease::stop() { candidate_->stop(); }

}  // namespace kgw::kube
