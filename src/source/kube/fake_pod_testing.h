// The far end of a port-forward for FakeApi: WebSocket with the subprotocol v4.channel.k8s.io.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <optional>
#include <string>

#include "source/kube/fake_api_testing.h"

namespace kgw::kube::testing {

// Takes the upgrade and forwards until the pod has answered; then the connection is over.
void forward_to_pod(boost::asio::ssl::stream<boost::asio::ip::tcp::socket>& stream,
                    const boost::beast::http::request<boost::beast::http::string_body>& upgrade,
                    const std::function<std::optional<PodAnswer>(const std::string& sent)>& pod);

}  // namespace kgw::kube::testing
