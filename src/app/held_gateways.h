// HeldGateways: the proxies of a Gateway outlive what describes it.
//
// Only its deletion, or a GatewayClass that another controller has accepted, takes a Gateway of
// ours out of the tables. While the class that it names does not exist (deleted, misspelt), or the
// API server does not serve Gateways, its last readable description and the class of that stay in
// force, and everything that hangs on them is followed as before. While its namespace is not
// selected, nothing of it may be read: it leaves the tables, and its proxies are to keep what they
// have (is_withdrawn()).
//
// What was readable before a restart is not known. A Gateway whose class does not exist is not ours
// then, and a proxy that asks for its resources waits, and keeps what it has.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/gateway.h"
#include "source/source.h"
#include "status/delivery.h"

namespace kgw::app {

// Thread: one.
class HeldGateways {
 public:
  using Events = std::vector<source::ObjectEvent>;
  // Why the Gateway is held; null when it is not, any more.
  using Report = std::function<void(const ObjectKey&, const status::Hold*)>;

  // `others_accept`: other controllers write statuses, so a class that none has accepted is
  // nobody's.
  explicit HeldGateways(Report report, bool others_accept = false)
      : report_(std::move(report)), others_accept_(others_accept) {}

  // What the API server holds as an object's status; in force with the next amend().
  void note(const source::StatusEvent& event);
  // What the tables get in place of these events. Objects of a kind that is not served stay.
  Events amend(Events events);

  // The class itself, whatever the tables have.
  bool class_exists(const Name& name) const { return classes_.contains(name); }
  // The Gateway has left the tables, and its proxies keep what they have.
  bool is_withdrawn(const ObjectKey& gateway) const;
  // Gateways that were withdrawn, and have ended since the last call.
  std::vector<ObjectKey> take_ended() { return std::exchange(ended_, {}); }

 private:
  using ClassPtr = std::shared_ptr<const GatewayClass>;
  using GatewayPtr = std::shared_ptr<const Gateway>;
  struct Known {
    GatewayPtr now;        // null: it cannot be read
    GatewayPtr in_force;   // its last readable description; null: it is not ours
    GatewayPtr in_tables;  // null: the tables do not have it
    source::Absence absence = source::Absence::kDeleted;  // of `now`
    bool withdrawn = false;
  };

  void settle(const ObjectKey& gateway, Events& out);
  void settle_gone(const ObjectKey& gateway, Known& known, Events& out);
  void put(const ObjectKey& gateway, Known& known, GatewayPtr wanted, Events& out);
  void put_class(const Name& name, ClassPtr wanted, Events& out);
  void drop_classes(Events& out);
  bool is_needed(const Name& class_name) const;
  static bool is_ours(const GatewayClass& of);
  // Of another controller, which has not accepted it (yet).
  bool is_undecided(const GatewayClass& of) const;
  void hold(const ObjectKey& gateway, const Known& known, const std::string& why);
  void release(const ObjectKey& gateway);

  Report report_;
  bool others_accept_;
  std::set<Name> accepted_;           // classes, by whichever controller
  std::set<Name> judged_;             // whose acceptance changed since the last amend()
  std::map<Name, ClassPtr> classes_;  // that exist
  std::map<Name, ClassPtr> classes_in_tables_;
  std::map<ObjectKey, Known> gateways_;
  std::map<ObjectKey, status::Hold> holds_;
  std::vector<ObjectKey> ended_;
};

}  // namespace kgw::app
