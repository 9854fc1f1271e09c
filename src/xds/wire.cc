#include "xds/wire.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
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

  std::vector<grpc::Slice> finish() {
    flush();
    return std::move(slices_);
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

namespace {

// version_info=1, type_url=4, nonce=5 and resources=2 have the same numbers in both messages.
std::string head_of(const Response& response) {
  std::string head;
  put_string(head, 1, response.version_info);
  put_string(head, 4, envoy::type_url(response.type));
  put_string(head, 5, response.nonce);
  for (const Name& name : response.removed) put_string(head, 6, name.view());
  return head;
}

std::vector<grpc::Slice> encode_resources(Protocol protocol, const std::vector<EntryPtr>& entries) {
  Splicer splicer;
  for (const EntryPtr& entry : entries) {
    if (protocol == Protocol::kDelta) {
      entry->append_delta_prefix(splicer.small());
    } else {
      entry->append_sotw_prefix(splicer.small());
    }
    splicer.add(entry->body());
  }
  return splicer.finish();
}

grpc::ByteBuffer message_of(const Response& response, const std::vector<grpc::Slice>& resources) {
  std::vector<grpc::Slice> slices;
  slices.reserve(resources.size() + 1);
  slices.emplace_back(head_of(response));
  slices.insert(slices.end(), resources.begin(), resources.end());
  return grpc::ByteBuffer(slices.data(), slices.size());
}

std::size_t bytes_of(const std::vector<grpc::Slice>& slices) {
  std::size_t bytes = 0;
  for (const grpc::Slice& slice : slices) bytes += slice.size();
  return bytes;
}

}  // namespace

grpc::ByteBuffer encode(Protocol protocol, const Response& response) {
  return message_of(response, encode_resources(protocol, response.resources));
}

grpc::ByteBuffer Encoder::encode(Protocol protocol, Response response) {
  std::ranges::sort(response.resources);
  for (Shared& shared : kept_) {
    if (shared.protocol == protocol && shared.entries == response.resources) {
      return message_of(response, shared.slices);
    }
  }
  ++encodings_;
  std::vector<grpc::Slice> slices = encode_resources(protocol, response.resources);
  grpc::ByteBuffer message = message_of(response, slices);
  const std::size_t bytes = bytes_of(slices);
  if (bytes == 0 || bytes > kMostBytes) return message;
  kept_bytes_ += bytes;
  kept_.push_front({protocol, bytes, std::move(response.resources), std::move(slices)});
  while (kept_.size() > kMostLists || kept_bytes_ > kMostBytes) {
    kept_bytes_ -= kept_.back().bytes;
    kept_.pop_back();
  }
  return message;
}

void Encoder::forget() {
  kept_.clear();
  kept_.shrink_to_fit();
  kept_bytes_ = 0;
}

grpc::ByteBuffer encode_absent(std::string_view type_url, const std::vector<Name>& names) {
  Splicer splicer;
  put_string(splicer.small(), 4, type_url);
  put_string(splicer.small(), 5, "unsupported");
  for (const Name& name : names) put_string(splicer.small(), 6, name.view());
  const std::vector<grpc::Slice> slices = splicer.finish();
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace kgw::xds
