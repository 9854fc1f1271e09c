// TLS of the xDS port, from one directory: tls.crt and tls.key for who serves, ca.crt for who asks.
// Files that are replaced count from then on.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace kgw::app {

std::shared_ptr<grpc::ServerCredentials> xds_server_credentials(const std::string& directory);

// For a replica that asks another one by its address: the certificate must carry one of `names`, as
// for proxies.
std::shared_ptr<grpc::ChannelCredentials> xds_client_credentials(const std::string& directory,
                                                                 std::vector<std::string> names);

}  // namespace kgw::app
