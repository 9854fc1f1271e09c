// Which ServiceAccount the pods of a Deployment have their tokens from.
//
// A token is bound to the uid of its ServiceAccount. When the account is deleted and made again,
// the API server accepts none of the tokens that running pods hold, and the kubelet renews them
// only after hours. So a Deployment carries the uid of its account in an annotation; when the
// account is another one, the new uid goes into an annotation of the pod template too, which rolls
// the pods. A Deployment that has no mark yet is rolled only if its account is younger.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace kgw::deploy::kube {

inline constexpr const char* kAccountKind = "ServiceAccount";
inline constexpr const char* kAccountUid = "kgateway.dev/service-account-uid";

// Sets the marks in `deployment`, which is to be applied. `live`: that Deployment as it is, null
// when there is none; `account`: its ServiceAccount, null when that is not known. True if a mark
// changed. A Deployment whose pods have another account is left as it is.
bool mark_account(nlohmann::json& deployment, const nlohmann::json& live,
                  const nlohmann::json& account);

}  // namespace kgw::deploy::kube
