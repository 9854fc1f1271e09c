// Discovery: which kinds the API server serves, and at which of the versions that we read.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/kube/core.h"
#include "source/kube/error.h"
#include "source/kube/request.h"

namespace kgw::kube {

struct ServedKind {
  Resource read;                  // of the preferred one of the served versions
  std::vector<Resource> ignored;  // others, which have objects of their own
};

// Kinds that are not served are missing.
using Served = std::map<Kind, ServedKind>;

// Kinds of core are there without being asked for. Error: the server could not be asked; nothing is
// known then. Thread: the client's.
asio::awaitable<Result<Served>> discover(Core& core, std::span<const Kind> kinds);

// An APIResourceList: the resources by kind name, without subresources.
// Error: InvalidAnswer.
Result<std::map<std::string, Resource>> decode_resource_list(std::string_view json);

}  // namespace kgw::kube
