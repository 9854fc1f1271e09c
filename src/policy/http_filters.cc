#include "policy/http_filters.h"

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/common/matching/v3/extension_matcher.pb.h"
#include "envoy/extensions/filters/common/matcher/action/v3/skip_action.pb.h"
#include "envoy/extensions/filters/http/composite/v3/composite.pb.h"
#include "envoy/extensions/filters/http/cors/v3/cors.pb.h"
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "envoy/extensions/filters/http/stateful_session/v3/stateful_session.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace kgw::policy {
namespace {

namespace filters = ::envoy::extensions::filters;
using Chain =
    google::protobuf::RepeatedPtrField<filters::network::http_connection_manager::v3::HttpFilter>;

auto& append(Chain& chain, std::string_view name, const google::protobuf::Message& config) {
  auto& filter = *chain.Add();
  filter.set_name(std::string(name));
  pack(config, *filter.mutable_typed_config());
  return filter;
}

// A composite that does nothing on its own.
::envoy::extensions::common::matching::v3::ExtensionWithMatcher idle_composite() {
  ::envoy::extensions::common::matching::v3::ExtensionWithMatcher result;
  auto& extension = *result.mutable_extension_config();
  extension.set_name("composite");
  pack(filters::http::composite::v3::Composite(), *extension.mutable_typed_config());
  auto& action = *result.mutable_xds_matcher()->mutable_on_no_match()->mutable_action();
  action.set_name("skip");
  pack(filters::common::matcher::action::v3::SkipFilter(), *action.mutable_typed_config());
  return result;
}

}  // namespace

void pack(const google::protobuf::Message& message, google::protobuf::Any& any) {
  any.set_type_url("type.googleapis.com/" + message.GetDescriptor()->full_name());
  google::protobuf::io::StringOutputStream stream(any.mutable_value());
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&out);
}

void append_http_filters(Chain& chain) {
  append(chain, kCorsFilter, filters::http::cors::v3::Cors());
  append(chain, kExtAuthFilter, idle_composite()).set_disabled(true);
  append(chain, kStatefulSessionFilter, filters::http::stateful_session::v3::StatefulSession())
      .set_disabled(true);
  append(chain, kRouterFilter, filters::http::router::v3::Router());
}

void set_filter_config(::envoy::config::route::v3::Route& route, std::string_view filter,
                       const google::protobuf::Message& config) {
  pack(config, (*route.mutable_typed_per_filter_config())[std::string(filter)]);
}

}  // namespace kgw::policy
