#include "envoy/listener_http.h"

#include "envoy/config/listener/v3/listener_components.pb.h"
#include "envoy/edge.h"
#include "envoy/encode.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation.pb.h"
#include "envoy/listener_stream.h"
#include "envoy/listener_tls.h"
#include "envoy/route_shard.h"
#include "policy/header_edit.h"
#include "policy/http_filters.h"

namespace kgw::envoy {
namespace {
namespace proto = ::envoy::config::listener::v3;
namespace mutation = ::envoy::extensions::http::early_header_mutation::header_mutation::v3;
namespace hcm = ::envoy::extensions::filters::network::http_connection_manager::v3;

void add_access_log(hcm::HttpConnectionManager& manager) {
  constexpr std::pair<const char*, const char*> kFields[] = {
      {"start_time", "%START_TIME%"},
      {"method", "%REQ(:METHOD)%"},
      {"authority", "%REQ(:AUTHORITY)%"},
      {"path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"},
      {"protocol", "%PROTOCOL%"},
      {"response_code", "%RESPONSE_CODE%"},
      {"response_flags", "%RESPONSE_FLAGS%"},
      {"response_code_details", "%RESPONSE_CODE_DETAILS%"},
      {"bytes_received", "%BYTES_RECEIVED%"},
      {"bytes_sent", "%BYTES_SENT%"},
      {"duration", "%DURATION%"},
      {"upstream_host", "%UPSTREAM_HOST%"},
      {"upstream_cluster", "%UPSTREAM_CLUSTER%"},
      {"route_name", "%ROUTE_NAME%"},
      {"downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"},
      {"request_id", "%REQ(X-REQUEST-ID)%"},
      {"user_agent", "%REQ(USER-AGENT)%"},
  };
  ::envoy::extensions::access_loggers::stream::v3::StdoutAccessLog log;
  auto& fields = *log.mutable_log_format()->mutable_json_format()->mutable_fields();
  for (const auto& [name, format] : kFields) fields[name].set_string_value(format);
  auto& entry = *manager.add_access_log();
  entry.set_name("envoy.access_loggers.stdout");
  pack(log, *entry.mutable_typed_config());
}

// The key of a request's shard is its name. A key that a client sends is removed first: were it
// ever not overwritten, the request would find no scope rather than one of the client's choice.
void set_shard_key(const std::string& shards, const attach::Layout& layout,
                   hcm::HttpConnectionManager& manager) {
  mutation::HeaderMutation key;
  key.add_mutations()->set_remove(std::string(kShardHeader));
  policy::overwrite_header(kShardHeader, shards + "%CEL(" + shard_expression(layout) + ")%",
                           *key.add_mutations()->mutable_append());
  auto& extension = *manager.add_early_header_mutation_extensions();
  extension.set_name("envoy.http.early_header_mutation.header_mutation");
  pack(key, *extension.mutable_typed_config());
}

void use_shards(const Name& route_table, const attach::Layout& layout,
                hcm::HttpConnectionManager& manager) {
  set_shard_key(route_table.str() + to_string(layout), layout, manager);
  auto& scopes = *manager.mutable_scoped_routes();
  scopes.set_name(route_table.str());
  auto& key = *scopes.mutable_scope_key_builder()->add_fragments();
  key.mutable_header_value_extractor()->set_name(std::string(kShardHeader));
  key.mutable_header_value_extractor()->set_index(0);
  from_ads(*scopes.mutable_rds_config_source());
  from_ads(*scopes.mutable_scoped_rds()->mutable_scoped_rds_config_source());
}

void use_table(const Name& route_table, const attach::Layout& layout,
               hcm::HttpConnectionManager& manager) {
  if (layout.sharded) return use_shards(route_table, layout, manager);
  manager.mutable_rds()->set_route_config_name(route_table.str());
  from_ads(*manager.mutable_rds()->mutable_config_source());
}

// A Server header that routes may edit: each route table sets it to Envoy's name first
// (route_shard.cc). Answers that are given outside of any Route get it here.
void set_server_header(hcm::HttpConnectionManager& manager) {
  manager.set_server_header_transformation(hcm::HttpConnectionManager::PASS_THROUGH);
  auto& mapper = *manager.mutable_local_reply_config()->add_mappers();
  auto& flags = *mapper.mutable_filter()->mutable_response_flag_filter();
  for (const char* flag : {"DPE", "NR", "UAEX", "SI", "OM", "DT", "RL", "RLSE"}) {
    flags.add_flags(flag);
  }
  auto& option = *mapper.add_headers_to_add();
  option.set_append_action(::envoy::config::core::v3::HeaderValueOption::ADD_IF_ABSENT);
  option.mutable_header()->set_key("server");
  option.mutable_header()->set_value(kServerName);
}

// No stream ends because it is quiet: how long an exchange may take is the route's to say, and
// upgraded connections and gRPC streams have no limit. What a client does not read, it loses.
void set_time_limits(hcm::HttpConnectionManager& manager) {
  constexpr int kFlushSeconds = 300;
  manager.mutable_stream_idle_timeout();
  manager.mutable_stream_flush_timeout()->set_seconds(kFlushSeconds);
}

void add_manager(const Name& route_table, const attach::Layout& layout, const Settings& settings,
                 proto::FilterChain& chain) {
  hcm::HttpConnectionManager manager;
  manager.set_stat_prefix("http");
  remove_foreign_headers(manager);
  use_table(route_table, layout, manager);
  manager.mutable_use_remote_address()->set_value(true);
  manager.mutable_normalize_path()->set_value(true);
  manager.set_merge_slashes(true);
  manager.set_strip_trailing_host_dot(true);
  manager.add_upgrade_configs()->set_upgrade_type("websocket");
  limit_http(manager);
  manager.mutable_scheme_header_transformation()->set_match_upstream(true);
  set_server_header(manager);
  set_time_limits(manager);
  if (settings.access_log) add_access_log(manager);
  policy::append_http_filters(*manager.mutable_http_filters());
  auto& filter = *chain.add_filters();
  filter.set_name("envoy.filters.network.http_connection_manager");
  pack(manager, *filter.mutable_typed_config());
}

}  // namespace

ListenerChains http_chains(const ListenerShape& shape, const Settings& settings,
                           const attach::Layout& layout) {
  proto::FilterChain chain;
  chain.set_name(chain_name(shape));
  add_manager(shape.route_table, layout, settings, chain);
  return {shape.port, shape.protocol, {make_chain(chain.name(), {}, encode(chain), false)}, {}};
}

ListenerChains https_chains(const ListenerShape& shape, const attach::ListenerTlsState* tls,
                            const Settings& settings, const attach::Layout& layout) {
  ListenerChains result{shape.port, shape.protocol, {}, {}};
  if (tls == nullptr || !tls->usable()) {
    result.chains.push_back(closing_chain(shape));
    return result;
  }
  proto::FilterChain chain;
  chain.set_name(chain_name(shape));
  match_sni(shape.hostname, chain);
  result.secrets = terminate_tls(*tls, chain);
  add_manager(shape.route_table, layout, settings, chain);
  result.chains.push_back(make_chain(chain.name(), shape.hostname, encode(chain), false));
  return result;
}

}  // namespace kgw::envoy
