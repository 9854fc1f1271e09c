#include "envoy/encode.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message_lite.h>

#include "envoy/config/core/v3/config_source.pb.h"

namespace kgw::envoy {

std::string encode(const google::protobuf::MessageLite& message) {
  std::string bytes(message.ByteSizeLong(), '\0');  // no more than that: it is kept
  google::protobuf::io::ArrayOutputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedOutputStream output(&stream);
  output.SetSerializationDeterministic(true);
  message.SerializeWithCachedSizes(&output);
  return bytes;
}

void from_ads(::envoy::config::core::v3::ConfigSource& source) {
  source.mutable_ads();
  source.set_resource_api_version(::envoy::config::core::v3::ApiVersion::V3);
}

}  // namespace kgw::envoy
