// Suspects: finds out which pieces of a resource a proxy refuses, when its error does not name
// them, without harm to anybody else.
//
// A resource (a route table) is made of pieces (encoded rules), each known by a content key and
// written by an owner: an object in a tenant's namespace. Pieces that came in since the last
// accepted version are suspects. When a version is refused, all suspects are held back: their
// objects are served as proxies accepted them last, and everybody else at once. Then groups of them
// are released, one after the other, until each culprit stands alone and is convicted:
//
//   - tenants first, then objects, then the pieces of one object. Only in that last step an object
//     is served in part: with what it has that is not suspected;
//   - what arrives during a test is held back until the verdict, so that a test stays what it is;
//   - tenants without convictions go first. The further edits of a convicted tenant are tested
//     alone, after a pause that doubles with each search that convicts it again.
//
// Keys are content: a mended piece has another key and is innocent. A convicted key stays convicted
// until nobody has that content any more (withdrawn()). No clock: callers give the time. Thread:
// one.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/name.h"

namespace kgw::status {

// Who wrote a piece.
struct Owner {
  Name tenant;  // a namespace
  Name object;  // an object in it

  friend auto operator<=>(const Owner&, const Owner&) = default;
  friend bool operator==(const Owner&, const Owner&) = default;
};

// How a piece is held back, and why.
struct Held {
  std::string message;  // Envoy's reason; empty while no version with the piece was refused
  // Its object is served as it was accepted last. Otherwise the piece alone is replaced.
  bool suspected = false;
  bool convicted = false;

  friend bool operator==(const Held&, const Held&) = default;
};

class Suspects {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Pieces = std::map<Name, Owner>;

  static constexpr std::chrono::milliseconds kFirstPause{500};
  static constexpr std::chrono::milliseconds kLongestPause{60'000};

  // The version now published has these pieces that the one before had not. Some of them may have
  // to be held back before it goes out: held() tells.
  void published(const Pieces& added, Time now);
  // The same of pieces that are there because of held(): a released one, or what replaces one.
  void restated(const Pieces& pieces) { fresh_.insert(pieces.begin(), pieces.end()); }
  // No source has these pieces any more: they can be neither suspects nor convicts.
  void withdrawn(const std::vector<Name>& removed);

  // The proxy accepted the version now published.
  void accepted(Time now);
  // The proxy refused the version now published. False: nobody can be suspected.
  bool rejected(const std::string& message, Time now);
  // Releases what was to wait until now. REQUIRES: the version now published is accepted.
  void advance(Time now);

  // Ends the search without a verdict: nobody is there any more to give one. What is convicted
  // stays.
  void give_up();

  // What must be held back now.
  const std::map<Name, Held>& held() const { return held_; }
  // A verdict is awaited, or something is to be released as soon as there is one. What waits for
  // the end of a pause does not count.
  bool searching() const;
  // When the next pause ends, if one goes on.
  std::optional<Time> next_release(Time now) const;

 private:
  struct Group {
    Pieces pieces;
    bool arrived = false;  // held back before any version with it was refused
    bool parts = false;    // of one object, of which others are released at other times
    Time due;              // not to be released before
  };
  struct Record {
    int searches = 0;  // that convicted the tenant; 0: some of what it wrote is guilty
    Time pause_ends;
  };

  void hold_arrivals(Pieces arrivals, Time now);
  void split(Pieces suspects, Time now);
  void convict(const Name& key, const Owner& owner, Time now);
  void release(std::list<Group>::iterator group);
  std::list<Group>::iterator next_group(Time now);
  bool is_convicted(const Name& tenant) const { return records_.contains(tenant); }
  bool is_clean(const Group& group) const;
  std::set<Name> waiting_objects(bool parts) const;

  Pieces fresh_;    // in the published version, not yet accepted
  Pieces testing_;  // released, verdict pending
  bool tests_parts_ = false;
  bool tests_arrivals_ = false;
  std::list<Group> waiting_;  // held back, perhaps innocent
  std::map<Name, Held> held_;
  std::map<Name, Record> records_;  // by tenant
};

}  // namespace kgw::status
