// The ADS messages in bytes: requests are parsed with the generated Envoy API, responses are
// spliced from bytes that exist already, so that a resource is copied for no proxy.
#pragma once

#include <expected>
#include <string>

#include "xds/request.h"

namespace grpc {
class ByteBuffer;
}

namespace kgw::xds {

struct Decoded {
  Node node;  // empty in all but the first request of a stream
  bool has_node = false;
  std::string type_url;
  bool known_type = false;  // otherwise only the names and type_url are set
  Request request;
};

// Errors: the bytes are no such message. Empties `message`.
std::expected<Decoded, std::string> decode(Protocol protocol, grpc::ByteBuffer& message);

grpc::ByteBuffer encode(Protocol protocol, const Response& response);

// Delta: tells that none of these exist, for types that are not served here.
grpc::ByteBuffer encode_absent(std::string_view type_url, const std::vector<Name>& names);

}  // namespace kgw::xds
