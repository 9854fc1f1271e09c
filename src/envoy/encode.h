// How messages become bytes: always deterministically, so that equal configuration has equal
// bytes, hence an equal version, in every run of the controller.
#pragma once

#include <string>

#include "policy/http_filters.h"

namespace google::protobuf {
class MessageLite;
}  // namespace google::protobuf
namespace envoy::config::core::v3 {
class ConfigSource;
}

namespace kgw::envoy {

std::string encode(const google::protobuf::MessageLite& message);

using policy::pack;

// "From the same aggregated stream", for EDS, RDS and SDS.
void from_ads(::envoy::config::core::v3::ConfigSource& source);

}  // namespace kgw::envoy
