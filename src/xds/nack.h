// Who is to blame: reads the names of the rejected resources out of Envoy's error text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "api/name.h"
#include "xds/snapshot.h"

namespace kgw::xds {

struct Blame {
  struct Culprit {
    Name name;
    std::string reason;  // as of refusal_text.h
  };
  std::vector<Culprit> culprits;  // a subset of the sent ones; empty: the text names none
  // Envoy cut its text, so those not named are not cleared of suspicion.
  bool truncated = false;
};

// Envoy applies the good ones of a CDS or LDS response and lists the others: "Error adding/updating
// cluster(s) NAME: reason, NAME: reason" (cds_api_impl.cc), "Error adding/updating listener(s)
// NAME: reason\nNAME: reason\n" (lds_api.cc). Of scopes it applies none ("Error adding/updating
// scoped route(s): scope key conflict found, first scope is 'A', second scope is 'B'",
// scoped_rds.cc): both may be good by themselves, and so are the others, so nobody is blamed and
// halves are tried. The text of other types names nobody. Messages that Envoy prints in between
// name nobody either: what a tenant writes into a field must not accuse another one.
Blame blame(ResourceType type, std::string_view error, const absl::flat_hash_set<Name>& sent);

}  // namespace kgw::xds
