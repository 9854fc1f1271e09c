// Which proxies get a Gateway's resources in a cluster: those that prove with a ServiceAccount
// token that they are that Gateway's.
//
// A proxy names its Gateway in its node (xds::group_of) and sends a token; the API server says
// whose token it is (TokenReview, audience `kgateway`). Only the ServiceAccount that belongs to the
// Gateway's proxies gets its resources, so a forged token gets nothing and a stolen one no more
// than its own Gateway. Replicas of the controller are known in the same way: they have the
// ServiceAccount that this one has.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "xds/authorise.h"

namespace kgw::app {

inline constexpr const char* kTokenAudience = "kgateway";

// Answers with the token's user name ("system:serviceaccount:NAMESPACE:NAME"), or why it is not
// valid. May answer later and on any thread.
using TokenReview = std::function<void(
    const std::string& token, std::function<void(std::expected<std::string, std::string>)> answer)>;
// What a TokenReview that was answered says, whatever is in it: the user, or why there is none.
std::expected<std::string, std::string> reviewed_user(const std::string& review,
                                                      const std::string& audience);
// The name of the ServiceAccount of a Gateway's proxies, in the Gateway's namespace.
using AccountOf = std::function<std::string(const ObjectKey& gateway)>;

xds::Authoriser token_authoriser(TokenReview review, AccountOf account_of);
// Lets those speak whose token is valid, whatever it is for.
xds::Admission token_admission(TokenReview review);

// The ServiceAccount that a token names in its claim `sub`, whether or not the token is valid.
std::optional<ObjectKey> claimed_account(std::string_view token);

// As `admit` or `authorise`, and report the ServiceAccount or the Gateway of a refused proxy, as it
// names them itself, and the reason. Thread: any.
using Refused = std::function<void(const ObjectKey& key, const std::string& why)>;
xds::Admission reporting(xds::Admission admit, Refused refused_account);
xds::Authoriser reporting(xds::Authoriser authorise, Refused refused_gateway);

// Whether a token is of the same ServiceAccount as `own_token` (read anew until it was valid once),
// else why not. May answer later and on any thread; so may `review`.
using ReplicaCheck = std::function<void(
    const std::string& token, std::function<void(std::expected<void, std::string>)> answer)>;
ReplicaCheck replica_check(TokenReview review, std::function<std::string()> own_token);

}  // namespace kgw::app
