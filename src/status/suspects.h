// Suspects: finds out which pieces of a resource a proxy refuses, when its error does not name
// them.
//
// A resource (a route table) is made of pieces (encoded rules), each known by a content key. Pieces
// that came in since the last accepted version are suspects. When a version is refused, all
// suspects are held back, so that everybody else is served at once; then halves of them are
// released one after the other until each culprit stands alone and is convicted. k culprits among n
// suspects cost about 2 k log2(n) versions.
//
// Keys are content: a mended piece has another key and is innocent. A convicted key stays convicted
// until nobody has that content any more (withdrawn()). Thread: one.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/name.h"

namespace kgw::status {

class Suspects {
 public:
  // The version now published has these pieces that the one before had not.
  void published(const std::vector<Name>& added) { fresh_.insert(added.begin(), added.end()); }
  // No source has these pieces any more: they can be neither suspects nor convicts.
  void withdrawn(const std::vector<Name>& removed);

  // The proxy accepted the version now published.
  void accepted();
  // The proxy refused the version now published. False: nobody can be suspected.
  bool rejected(const std::string& message);

  // Ends the search without a verdict: nobody is there any more to give one. What is convicted
  // stays.
  void give_up();

  // What must be held back now, each with Envoy's words.
  const std::map<Name, std::string>& held() const { return held_; }
  // True while a search is going on.
  bool searching() const { return !waiting_.empty() || !testing_.empty(); }

 private:
  using Group = std::vector<Name>;

  void hold(const Group& group, const std::string& message);
  void release_next();

  std::set<Name> fresh_;  // in the published version, not yet accepted
  std::map<Name, std::string> held_;
  std::deque<Group> waiting_;  // held groups that may be innocent
  std::set<Name> testing_;     // released, part of fresh_, verdict pending
};

}  // namespace kgw::status
