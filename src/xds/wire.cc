#include "xds/wire.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <charconv>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "xds/proto_writer.h"

namespace kgw::xds {
namespace {

using ::envoy::service::discovery::v3::DeltaDiscoveryRequest;
using ::envoy::service::discovery::v3::DiscoveryRequest;

// Smaller bodies are copied: a reference costs more.
constexpr std::size_t kShareFrom = 1024;

Version version_of(std::string_view text) {
  Version version;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), version.hash, 16);
  const bool ours = text.size() == 16 && error == std::errc() && end == text.data() + text.size();
  return ours ? version : Version{};
}

template <typename Message>
void decode_common(const Message& message, Decoded& decoded) {
  decoded.has_node = message.has_node();
  if (decoded.has_node) {
    decoded.node.id = message.node().id();
    decoded.node.cluster = message.node().cluster();
    const auto& fields = message.node().metadata().fields();
    if (auto role = fields.find("role"); role != fields.end()) {
      decoded.node.role = role->second.string_value();
    }
  }
  decoded.type_url = message.type_url();
  for (const ResourceType type : envoy::kResourceTypes) {
    if (decoded.type_url != envoy::type_url(type)) continue;
    decoded.known_type = true;
    decoded.request.type = type;
  }
  decoded.request.nonce = message.response_nonce();
  if (message.has_error_detail()) decoded.request.error = message.error_detail().message();
}

template <typename Texts>
std::vector<Name> names_of(const Texts& texts) {
  return std::vector<Name>(texts.begin(), texts.end());
}

template <typename Message>
bool parse(grpc::ByteBuffer& bytes, Message& message) {
  grpc::ProtoBufferReader reader(&bytes);
  const bool parsed = reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
  bytes.Clear();
  return parsed;
}

// Collects small parts in one slice and refers to large ones.
class Splicer {
 public:
  std::string& small() { return small_; }

  void add(const envoy::Bytes& bytes) {
    if (bytes->size() < kShareFrom) {
      small_ += *bytes;
      return;
    }
    flush();
    slices_.emplace_back(
        const_cast<char*>(bytes->data()), bytes->size(),
        [](void* owner) { delete static_cast<envoy::Bytes*>(owner); }, new envoy::Bytes(bytes));
  }

  grpc::ByteBuffer finish() {
    flush();
    return grpc::ByteBuffer(slices_.data(), slices_.size());
  }

 private:
  void flush() {
    if (small_.empty()) return;
    slices_.emplace_back(small_);
    small_.clear();
  }

  std::string small_;
  std::vector<grpc::Slice> slices_;
};

}  // namespace

std::expected<Decoded, std::string> decode(Protocol protocol, grpc::ByteBuffer& bytes) {
  Decoded decoded;
  if (protocol == Protocol::kDelta) {
    DeltaDiscoveryRequest message;
    if (!parse(bytes, message)) return std::unexpected("not a DeltaDiscoveryRequest");
    decode_common(message, decoded);
    decoded.request.subscribe = names_of(message.resource_names_subscribe());
    decoded.request.unsubscribe = names_of(message.resource_names_unsubscribe());
    for (const auto& [name, version] : message.initial_resource_versions()) {
      decoded.request.held.emplace_back(name, version_of(version));
    }
  } else {
    DiscoveryRequest message;
    if (!parse(bytes, message)) return std::unexpected("not a DiscoveryRequest");
    decode_common(message, decoded);
    decoded.request.names = names_of(message.resource_names());
    decoded.request.version_info = message.version_info();
  }
  return decoded;
}

grpc::ByteBuffer encode(Protocol protocol, const Response& response) {
  const bool delta = protocol == Protocol::kDelta;
  Splicer splicer;
  // version_info=1, type_url=4, nonce=5 and resources=2 have the same numbers in both messages.
  put_string(splicer.small(), 1, response.version_info);
  put_string(splicer.small(), 4, envoy::type_url(response.type));
  put_string(splicer.small(), 5, response.nonce);
  for (const Name& name : response.removed) {
    put_length(splicer.small(), 6, name.view().size());
    splicer.small() += name.view();
  }
  for (const EntryPtr& entry : response.resources) {
    if (delta) {
      entry->append_delta_prefix(splicer.small());
    } else {
      entry->append_sotw_prefix(splicer.small());
    }
    splicer.add(entry->body());
  }
  return splicer.finish();
}

grpc::ByteBuffer encode_absent(std::string_view type_url, const std::vector<Name>& names) {
  Splicer splicer;
  put_string(splicer.small(), 4, type_url);
  put_string(splicer.small(), 5, "unsupported");
  for (const Name& name : names) put_string(splicer.small(), 6, name.view());
  return splicer.finish();
}

}  // namespace kgw::xds
