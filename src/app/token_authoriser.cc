#include "app/token_authoriser.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/schema_words.h"
#include "deploy/kube/json_text.h"

namespace kgw::app {

std::expected<std::string, std::string> reviewed_user(const std::string& review,
                                                      const std::string& audience) {
  using Json = nlohmann::json;
  using deploy::kube::member_of;
  using deploy::kube::text_of;
  const Json status = member_of(Json::parse(review, nullptr, false), "status");
  if (member_of(status, "authenticated") != true) {
    const std::string why = text_of(status, "error");
    return std::unexpected(why.empty() ? "it is not valid" : why);
  }
  const Json audiences = member_of(status, "audiences");
  if (!audiences.is_array() || std::ranges::find(audiences, Json(audience)) == audiences.end()) {
    return std::unexpected("it is for another audience");
  }
  return text_of(member_of(status, "user"), "username");
}

namespace {

constexpr std::string_view kAccount = "system:serviceaccount:";

constexpr const char* kNoToken =
    "no ServiceAccount token: proxies of a cluster send theirs as \"authorization: Bearer TOKEN\"";

std::string not_accepted(const std::string& why) {
  return "the API server refuses the token: " + why;
}

}  // namespace

xds::Admission token_admission(TokenReview review) {
  return [review = std::move(review)](
             const xds::Peer& peer, std::function<void(std::expected<void, std::string>)> answer) {
    if (peer.bearer_token.empty()) return answer(std::unexpected(kNoToken));
    review(peer.bearer_token,
           [answer = std::move(answer)](const std::expected<std::string, std::string>& user) {
             if (user) return answer({});
             answer(std::unexpected(not_accepted(user.error())));
           });
  };
}

xds::Authoriser token_authoriser(TokenReview review, AccountOf account_of) {
  return [review = std::move(review), account_of = std::move(account_of)](
             xds::Peer peer, xds::Node node, std::function<void(xds::Verdict)> answer) {
    xds::Verdict group = xds::group_of(node);
    if (!group) return answer(std::move(group));
    if (peer.bearer_token.empty()) {
      return answer(std::unexpected(kNoToken));
    }
    const std::string expected = std::string(kAccount) + group->ns.str() + ":" + account_of(*group);
    review(peer.bearer_token, [gateway = *group, expected, answer = std::move(answer)](
                                  std::expected<std::string, std::string> user) {
      if (!user) {
        answer(std::unexpected(not_accepted(user.error())));
      } else if (*user != expected) {
        answer(std::unexpected(*user + " may not serve Gateway " + to_string(gateway) +
                               "; its proxies are " + expected));
      } else {
        answer(gateway);
      }
    });
  };
}

// RFC 7519: three parts in base64url without padding; the second one is an object of claims.
std::optional<ObjectKey> claimed_account(std::string_view token) {
  const std::size_t begin = token.find('.') + 1;
  const std::size_t end = token.find('.', begin);
  if (begin == 0 || end == std::string_view::npos) return std::nullopt;
  std::string part(token.substr(begin, end - begin));
  std::ranges::replace(part, '-', '+');
  std::ranges::replace(part, '_', '/');
  part.append((4 - part.size() % 4) % 4, '=');
  std::string claims;
  if (!schema::decode_base64(part, claims)) return std::nullopt;
  const auto json = nlohmann::json::parse(claims, nullptr, false);
  const std::string subject = deploy::kube::text_of(json, "sub");
  const std::size_t colon = subject.find(':', kAccount.size());
  if (!subject.starts_with(kAccount) || colon == std::string::npos) return std::nullopt;
  return ObjectKey{Name(subject.substr(kAccount.size(), colon - kAccount.size())),
                   Name(subject.substr(colon + 1))};
}

xds::Admission reporting(xds::Admission admit, Refused refused_account) {
  return [admit = std::move(admit), refused = std::move(refused_account)](
             const xds::Peer& peer, std::function<void(std::expected<void, std::string>)> answer) {
    admit(peer, [token = peer.bearer_token, refused,
                 answer = std::move(answer)](std::expected<void, std::string> admitted) {
      if (!admitted) {
        if (const auto account = claimed_account(token)) refused(*account, admitted.error());
      }
      answer(std::move(admitted));
    });
  };
}

xds::Authoriser reporting(xds::Authoriser authorise, Refused refused_gateway) {
  return [authorise = std::move(authorise), refused = std::move(refused_gateway)](
             xds::Peer peer, const xds::Node& node, std::function<void(xds::Verdict)> answer) {
    const xds::Verdict named = xds::group_of(node);
    authorise(std::move(peer), node,
              [named, refused, answer = std::move(answer)](xds::Verdict verdict) {
                if (named && !verdict) refused(*named, verdict.error());
                answer(std::move(verdict));
              });
  };
}

namespace {

// The user name of this replica, asked for until it is known.
class OwnUser {
 public:
  OwnUser(TokenReview review, std::function<std::string()> token)
      : review_(std::move(review)), token_(std::move(token)) {}

  static void ask(const std::shared_ptr<OwnUser>& self,
                  std::function<void(std::expected<std::string, std::string>)> answer) {
    {
      std::unique_lock lock(self->mutex_);
      if (!self->name_.empty()) {
        const std::string name = self->name_;
        lock.unlock();
        return answer(name);
      }
    }
    self->review_(self->token_(),
                  [self, answer = std::move(answer)](std::expected<std::string, std::string> name) {
                    if (name) {
                      std::lock_guard lock(self->mutex_);
                      self->name_ = *name;
                    }
                    answer(std::move(name));
                  });
  }

 private:
  const TokenReview review_;
  const std::function<std::string()> token_;
  std::mutex mutex_;
  std::string name_;
};

}  // namespace

ReplicaCheck replica_check(TokenReview review, std::function<std::string()> own_token) {
  const auto own = std::make_shared<OwnUser>(review, std::move(own_token));
  return [review = std::move(review), own](
             const std::string& token,
             std::function<void(std::expected<void, std::string>)> answer) {
    if (token.empty()) return answer(std::unexpected("no ServiceAccount token"));
    review(token, [own, answer = std::move(answer)](std::expected<std::string, std::string> user) {
      if (!user) {
        return answer(std::unexpected(not_accepted(user.error())));
      }
      OwnUser::ask(own, [user = *user, answer](std::expected<std::string, std::string> name) {
        if (!name) {
          answer(std::unexpected("who the controller is could not be found out: " + name.error()));
        } else if (user != *name) {
          answer(std::unexpected(user + " is no replica of this controller, which is " + *name));
        } else {
          answer({});
        }
      });
    });
  };
}

}  // namespace kgw::app
