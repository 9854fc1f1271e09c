#include "app/token_authoriser.h"

#include <utility>

namespace kgw::app {

xds::Authoriser token_authoriser(TokenReview review, AccountOf account_of) {
  return [review = std::move(review), account_of = std::move(account_of)](
             xds::Peer peer, xds::Node node, std::function<void(xds::Verdict)> answer) {
    xds::Verdict group = xds::group_of(node);
    if (!group) return answer(std::move(group));
    if (peer.bearer_token.empty()) {
      return answer(
          std::unexpected("no ServiceAccount token: proxies of a cluster send theirs as "
                          "\"authorization: Bearer TOKEN\""));
    }
    const std::string expected =
        "system:serviceaccount:" + group->ns.str() + ":" + account_of(*group);
    review(peer.bearer_token, [gateway = *group, expected, answer = std::move(answer)](
                                  std::expected<std::string, std::string> user) {
      if (!user) {
        answer(std::unexpected("the API server does not accept the token: " + user.error()));
      } else if (*user != expected) {
        answer(std::unexpected(*user + " may not serve Gateway " + to_string(gateway) +
                               "; its proxies are " + expected));
      } else {
        answer(gateway);
      }
    });
  };
}

}  // namespace kgw::app
