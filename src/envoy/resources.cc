#include "envoy/resources.h"

#include "envoy/resource_tables.h"

namespace kgw::envoy {
namespace {

std::optional<Resource> copy(const Resource* resource) {
  if (resource == nullptr) return std::nullopt;
  return *resource;
}

GatewayResourceId published_cluster(const GatewayCluster& use) {
  return {use.gateway, attach::cluster_name(use.cluster)};
}

}  // namespace

std::string to_string(const SecretUser& id) {
  return kgw::to_string(id.gateway) + " " + id.user.str();
}

std::string to_string(const GatewaySecret& id) {
  return kgw::to_string(id.gateway) + " " + to_string(id.secret);
}

std::optional<Resource> compute_secret(const Model& model, const SecretId& id, Read& read) {
  if (id.type == SecretId::Type::kCertificate) {
    const attach::Certificate* certificate = read.get(model.certificates, id.objects.front().key);
    if (certificate == nullptr || certificate->invalid) return std::nullopt;
    return encode_certificate(id, *certificate);
  }
  std::string pem;
  for (const ObjectRef& object : id.objects) {
    const attach::CaBundle* bundle = read.get(model.ca_bundles, object);
    if (bundle == nullptr || bundle->invalid) continue;
    if (!pem.empty() && !pem.ends_with('\n')) pem += '\n';
    pem += bundle->pem;
  }
  if (pem.empty()) return std::nullopt;
  return encode_authority(id, pem);
}

Resources::Resources(Graph& graph, Model& model, ClusterUsers& cluster_users,
                     StreamRules& stream_rules, LayoutTable& layouts, Settings given)
    : settings(std::move(given)),
      quarantined_filter_chains(graph.input<Name, QuarantinedChain>("quarantined filter chains")),

      cluster_uses(graph.derived<GatewayCluster, ClusterVariant>("cluster uses")
                       .from(cluster_users,
                             [&model](const GatewayCluster& use, Read& read) {
                               return std::optional(compute_variant(model, use, read));
                             })),
      uses_by_variant(
          graph.index<ClusterVariant>(cluster_uses, "cluster uses by variant",
                                      [](const GatewayCluster&, const ClusterVariant& variant,
                                         auto&& emit) { emit(variant); })),
      clusters(graph.derived<ClusterVariant, BuiltCluster>("encoded clusters")
                   .from(uses_by_variant,
                         [this, &model](const ClusterVariant& variant, Read& read) {
                           return compute_cluster(model, settings, variant, read);
                         })),
      gateway_clusters(
          graph.derived<GatewayResourceId, Resource>("gateway clusters")
              .from(cluster_uses, published_cluster,
                    [this](const GatewayCluster&, const ClusterVariant& variant, Read& read) {
                      const BuiltCluster* built = read.get(clusters, variant);
                      return copy(built ? &built->resource : nullptr);
                    })),

      uses_by_cluster(
          graph.index<attach::ClusterId>(cluster_uses, "cluster uses by cluster",
                                         [](const GatewayCluster& use, const ClusterVariant&,
                                            auto&& emit) { emit(use.cluster); })),
      assignments(graph.derived<attach::ClusterId, Resource>("encoded endpoints")
                      .from(uses_by_cluster,
                            [this, &model](const attach::ClusterId& id, Read& read) {
                              return compute_assignment(model, settings, id, read);
                            })),
      gateway_endpoints(
          graph.derived<GatewayResourceId, Resource>("gateway endpoints")
              .from(cluster_uses, published_cluster,
                    [this](const GatewayCluster& use, const ClusterVariant& variant, Read& read) {
                      const BuiltCluster* built = read.get(clusters, variant);
                      if (built == nullptr || !built->eds) return std::optional<Resource>();
                      return copy(read.get(assignments, use.cluster));
                    })),

      chain_shapes(graph.index<ListenerShape>(
          model.owner_listeners, "filter chain shapes",
          [](const ObjectRef&, const attach::OwnerListeners& owner, auto&& emit) {
            for (const attach::BoundListener& listener : owner.listeners) {
              if (const auto shape = shape_of(listener)) emit(chain_shape(*shape));
            }
          })),
      stream_owners(graph.derived<ListenerShape, StreamOwners>("stream owners")
                        .from(chain_shapes,
                              [&model, &stream_rules](const ListenerShape& shape, Read& read) {
                                return compute_stream_owners(model, stream_rules, shape, read);
                              })),
      chains(graph.derived<ListenerShape, ListenerChains>("filter chains")
                 .from(chain_shapes,
                       [this, &model, &stream_rules, &layouts](const ListenerShape& shape,
                                                               Read& read) {
                         return compute_chains(model, *this, stream_rules, layouts, shape, read);
                       })),
      chains_by_listener(graph.index<GatewayResourceId>(
          chains, "filter chains by listener",
          [](const ListenerShape& shape, const ListenerChains&, auto&& emit) {
            emit(GatewayResourceId{shape.port.gateway, listener_name(shape.port)});
          })),
      bind_addresses(
          graph.derived<ObjectKey, std::vector<std::string>>("bind addresses")
              .from(model.listeners,
                    [this](const ObjectKey&, const attach::GatewayListeners& listeners, Read&) {
                      std::optional<std::vector<std::string>> addresses;
                      if (!listeners.unaccepted) {
                        addresses = settings.place.addresses(*listeners.gateway);
                      }
                      return addresses;
                    })),
      gateway_listeners(graph.derived<GatewayResourceId, Resource>("gateway listeners")
                            .from(chains_by_listener,
                                  [this](const GatewayResourceId& id, Read& read) {
                                    return compute_listener(*this, id, read);
                                  })),

      secret_uses(graph.derived<SecretUser, std::vector<SecretId>>("secret uses")
                      .from(
                          cluster_uses,
                          [](const GatewayCluster& use) {
                            return SecretUser{use.gateway, attach::cluster_name(use.cluster)};
                          },
                          [this](const GatewayCluster&, const ClusterVariant& variant, Read& read) {
                            const BuiltCluster* built = read.get(clusters, variant);
                            std::optional<std::vector<SecretId>> secrets;
                            if (built != nullptr && !built->secrets.empty()) {
                              secrets = built->secrets;
                            }
                            return secrets;
                          })
                      .from(
                          chains,
                          [](const ListenerShape& shape) {
                            return SecretUser{shape.port.gateway, to_string(shape)};
                          },
                          [](const ListenerShape&, const ListenerChains& chains, Read&) {
                            std::optional<std::vector<SecretId>> secrets;
                            if (!chains.secrets.empty()) secrets = chains.secrets;
                            return secrets;
                          })),
      users_by_secret(graph.index<SecretId>(
          secret_uses, "users by secret",
          [](const SecretUser&, const std::vector<SecretId>& secrets, auto&& emit) {
            for (const SecretId& secret : secrets) emit(secret);
          })),
      secrets(graph.derived<SecretId, Resource>("encoded secrets")
                  .from(users_by_secret,
                        [&model](const SecretId& id, Read& read) {
                          return compute_secret(model, id, read);
                        })),
      users_by_gateway_secret(graph.index<GatewaySecret>(
          secret_uses, "users by secret of a gateway",
          [](const SecretUser& user, const std::vector<SecretId>& secrets, auto&& emit) {
            for (const SecretId& secret : secrets) emit(GatewaySecret{user.gateway, secret});
          })),
      gateway_secret_ids(
          graph.derived<GatewaySecret, SecretId>("gateway secret ids")
              .from(users_by_gateway_secret,
                    [](const GatewaySecret& id, Read&) { return std::optional(id.secret); })),
      gateway_secrets(graph.derived<GatewayResourceId, Resource>("gateway secrets")
                          .from(
                              gateway_secret_ids,
                              [](const GatewaySecret& id) {
                                return GatewayResourceId{id.gateway, secret_name(id.secret)};
                              },
                              [this](const GatewaySecret&, const SecretId& secret, Read& read) {
                                return copy(read.get(secrets, secret));
                              })) {}

}  // namespace kgw::envoy
