// Applier: keeps the cluster equal to the rendered proxies.
//
// Server-side apply of what differs, and nothing at rest: an object carries the hash of what was
// applied, and is applied again when that hash is another one, when a field of it was changed by
// somebody else, or when it is gone. Objects that are no longer wanted (an autoscaler, everything
// with selfManaged) are deleted, but only those that the Gateway owns. An object of the same name
// that belongs to somebody else is never touched; that is a problem of the Gateway. One with our
// labels that nobody owns (is_orphan_of()) is adopted.
//
// A Deployment whose replicas an autoscaler takes over keeps the number it has. It waits for its
// ServiceAccount, and is rolled when that is another one (account_mark.h).
//
// Failures are reported, and repeated with growing pauses; a change of what is wanted ends the
// pause. So is a repair: what somebody undoes again and again is applied a few times a minute at
// most, and rival() says who that is, if it is another installation.
// Thread: that of the core.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "api/ref.h"
#include "deploy/kube/proxy.h"

namespace kgw::deploy::kube {

// An object of a proxy: {"apps/v1", "Deployment", {"shop", "edge"}}.
struct OwnedRef {
  std::string api_version;
  std::string kind;
  ObjectKey key;

  friend auto operator<=>(const OwnedRef&, const OwnedRef&) = default;
  friend bool operator==(const OwnedRef&, const OwnedRef&) = default;
};
std::string to_string(const OwnedRef& ref);
// The kinds that a proxy may consist of, to be watched with the label
// app.kubernetes.io/managed-by=kgateway.
struct OwnedKind {
  const char* api_version;
  const char* kind;
  const char* plural;
  bool optional = false;  // a proxy can do without
};
std::span<const OwnedKind> owned_kinds();

// The API server, as far as it is needed. Answers come later, on the core's thread, and never
// before the call has returned.
class ObjectApi {
 public:
  struct Error {
    int status = 0;  // of HTTP; 0: there was no answer
    std::string message;
  };
  // The object as it is now; for remove() anything.
  using Done = std::function<void(std::expected<nlohmann::json, Error>)>;

  virtual ~ObjectApi() = default;
  virtual void get(const OwnedRef& ref, Done done) = 0;
  // Server-side apply: the object has exactly these fields of ours then, whoever had them before.
  virtual void apply(const OwnedRef& ref, const nlohmann::json& object, Done done) = 0;
  // Server-side apply of these fields in the name of nobody: they stay when we apply the object
  // without them, until somebody else changes them.
  virtual void hand_over(const OwnedRef& ref, const nlohmann::json& fields, Done done) = 0;
  // Only that very object.
  virtual void remove(const OwnedRef& ref, const std::string& uid, Done done) = 0;
};

// What an attempt on an object of a proxy came to, for logs, metrics and Events.
struct ObjectReport {
  ObjectKey gateway;
  OwnedRef ref;
  const char* verb = "";  // of the request: "get", "apply", "delete"; empty: there was none
  std::string problem;    // why the object is not as it should be, one sentence; empty: it is
  bool news = false;      // the problem is another one than before
};

struct ApplierOptions {
  std::chrono::milliseconds first_pause{1'000};  // after a failure; doubles
  std::chrono::milliseconds longest_pause{60'000};
  // Called for every failure, every apply and delete, and when a problem ends by itself.
  std::function<void(const ObjectReport&)> report = [](const ObjectReport&) {};
  int free_repairs = 3;                            // in a row, without a pause
  std::chrono::milliseconds repair_pause{10'000};  // after those; doubles
  // This installation, as objects are marked with it: its namespace.
  std::string installation;
};

class Applier {
 public:
  using Clock = std::chrono::steady_clock;

  // Sends nothing before begin(). REQUIRES: `api` outlives this.
  explicit Applier(ObjectApi& api, ApplierOptions options = {});
  ~Applier();

  // Every object that exists has been observed: start to act, or to act again.
  void begin();
  // Somebody else acts now: observe only. What is under way is not taken back.
  void halt();
  // What the Gateway's proxy shall consist of.
  void want(const ObjectKey& gateway, const RenderedProxy& proxy);
  // What the Gateway's proxy shall consist of is not known at present: its objects stay as they
  // are.
  void leave_alone(const ObjectKey& gateway);
  // The Gateway is deleted (the cluster deletes what it owned), or not ours any more and its
  // objects with it.
  enum class Leave { kToTheCluster, kDelete };
  void forget(const ObjectKey& gateway, Leave leave);

  // A version of an object, as a list or watch gave it; those that no Gateway owns are ignored.
  void observe(const nlohmann::json& live);
  void vanished(const OwnedRef& ref);

  // When retry() is due; absent when nothing waits.
  std::optional<Clock::time_point> next_retry() const;
  void retry(Clock::time_point now);

  // Why the proxy is not as it should be, in one sentence; empty when all is well.
  std::string problem(const ObjectKey& gateway) const;
  // The same of one object of it.
  std::string problem(const ObjectKey& gateway, const OwnedRef& ref) const;
  // How many objects have a problem.
  std::size_t problems() const;
  // Who else manages the Gateway's objects, in one sentence; empty when nobody does.
  std::string rival(const ObjectKey& gateway) const;
  // The last known version of an object, null when there is none.
  const nlohmann::json* live(const OwnedRef& ref) const;
  // The same, null too when that object is another Gateway's.
  const nlohmann::json* live(const ObjectKey& gateway, const OwnedRef& ref) const;

 private:
  struct Entry;
  using Entries = std::map<OwnedRef, Entry>;

  Entry& assign(const OwnedRef& ref, const ObjectKey& gateway);
  bool is_taken(const OwnedRef& ref, const ObjectKey& gateway) const;
  std::string taken_text(const OwnedRef& ref) const;
  void want_again();
  void settle(const OwnedRef& ref);
  void step(const OwnedRef& ref);
  void settle_gateway(const ObjectKey& gateway);
  bool follow_account(const OwnedRef& ref, Entry& entry);
  void look(const OwnedRef& ref);
  void apply(const OwnedRef& ref, const Entry& entry);
  bool is_undone_again(const OwnedRef& ref, Entry& entry);
  void note_rival(const OwnedRef& ref, const Entry& entry, const std::string& does);
  void hand_over_replicas(const OwnedRef& ref, const Entry& entry);
  void remove(const OwnedRef& ref, const Entry& entry);
  using Result = std::expected<nlohmann::json, ObjectApi::Error>;
  // What to do with the answer to the one request under way for this object.
  ObjectApi::Done answer(const OwnedRef& ref, void (Applier::*answered)(const OwnedRef&, Result));
  void on_look(const OwnedRef& ref, Result result);
  nlohmann::json* applied(const OwnedRef& ref, Entry& entry, Result& result);
  void on_apply(const OwnedRef& ref, Result result);
  void on_hand_over(const OwnedRef& ref, Result result);
  void on_remove(const OwnedRef& ref, Result result);
  void fail(const OwnedRef& ref, Entry& entry, const char* verb, const std::string& what,
            const std::string& why = {});
  void report(const OwnedRef& ref, Entry& entry, const char* verb, std::string problem);
  void succeed(const OwnedRef& ref, Entry& entry, const char* verb);
  void report_taken(const ObjectKey& gateway, const RenderedProxy& proxy);

  ObjectApi& api_;
  ApplierOptions options_;
  Clock::time_point now_ = Clock::now();  // as of the last retry()
  bool begun_ = false;
  Entries entries_;
  struct GatewayState {
    bool rendered = false;                 // want() was called: what is not wanted may be deleted
    std::set<OwnedRef> refs;               // whose entries have this Gateway
    std::optional<RenderedProxy> refused;  // some of it is another Gateway's
    std::string rival;
    Clock::time_point rival_seen;
  };
  std::map<ObjectKey, GatewayState> gateways_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // ends with this, for late answers
};

}  // namespace kgw::deploy::kube
