// DeltaStream: a Stream that speaks incremental xDS (DeltaAggregatedResources).
#pragma once

#include "xds/stream.h"

namespace kgw::xds {

class DeltaStream final : public Stream {
 public:
  using Stream::Stream;
  void request(const Request& request, Responses& out) override;

 private:
  void first_request(Subscription& s, const Request& request);
  void compose(const Subscription& s, Response& response) override;
  bool can_remove(const Subscription&) const override { return true; }
};

// Whether an empty first subscription means "everything": so Envoy asks for these types.
bool empty_means_wildcard(ResourceType type);

}  // namespace kgw::xds
