// The tables of Resources, made one by one. Internal to envoy/.
#pragma once

#include "envoy/resources.h"

namespace kgw::envoy {

using attach::Model;
using engine::Graph;
using engine::Read;

ClusterVariant compute_variant(const Model& model, const GatewayCluster& use, Read& read);
// What a cluster is made of now; absent when its backend does not exist (any more).
std::optional<Discovery> discover(const Model& model, const attach::ClusterId& id, Read& read);
std::optional<BuiltCluster> compute_cluster(const Model& model, const Settings& settings,
                                            const ClusterVariant& variant, Read& read);
std::optional<Resource> compute_assignment(const Model& model, const Settings& settings,
                                           const attach::ClusterId& id, Read& read);

ListenerChains compute_chains(const Model& model, const Resources& resources,
                              const Resources::StreamRules& stream_rules,
                              const Resources::LayoutTable& layouts, const ListenerShape& shape,
                              Read& read);
std::optional<Resource> compute_listener(const Resources& resources, const GatewayResourceId& id,
                                         Read& read);

std::optional<Resource> compute_secret(const Model& model, const SecretId& id, Read& read);

}  // namespace kgw::envoy
