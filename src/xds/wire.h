// The ADS messages in bytes: requests are parsed with the generated Envoy API, responses are
// spliced from bytes that exist already, so that a resource is copied for no proxy.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <deque>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "xds/request.h"

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

// The same for many proxies. Those of one Gateway are owed the same resources, after a change as
// after they connect, so the messages differ in the nonce only: everything else is put together
// once and shared. What was put together lately is kept; what carries the same resources in another
// order is the same.
class Encoder {
 public:
  grpc::ByteBuffer encode(Protocol protocol, Response response);
  // To be called now and then, or what is kept outlives the resources in it.
  void forget();
  // How often resources were put together.
  std::uint64_t encodings() const { return encodings_; }

 private:
  struct Shared {
    Protocol protocol;
    std::size_t bytes;
    std::vector<EntryPtr> entries;  // in the order of their addresses
    std::vector<grpc::Slice> slices;
  };
  // A Gateway needs some lists for each change and protocol.
  static constexpr std::size_t kMostLists = 16;
  static constexpr std::size_t kMostBytes = 8 << 20;

  std::deque<Shared> kept_;  // latest first
  std::size_t kept_bytes_ = 0;
  std::uint64_t encodings_ = 0;
};

// Delta: tells that none of these exist, for types that are not served here.
grpc::ByteBuffer encode_absent(std::string_view type_url, const std::vector<Name>& names);

}  // namespace kgw::xds
