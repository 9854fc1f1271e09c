// The admin client as a coroutine, for code that lives on an io_context.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "deploy/local/admin_client.h"

namespace kgw::deploy {

enum class AdminMethod { kGet, kPost };

boost::asio::awaitable<std::expected<AdminReply, std::string>> admin_request(
    std::string socket, AdminMethod method, std::string target, std::chrono::milliseconds timeout);

}  // namespace kgw::deploy
