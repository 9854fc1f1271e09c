// Strangers: the streams of which nobody knows yet whose they are. There may be few of them, from
// one client address and in all, and none for long, so that whoever has no valid token takes no
// place from a proxy that has one. Thread: guarded by its owner.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "xds/hub.h"

namespace kgw::xds {

struct StrangerLimits {
  std::size_t in_all = 1024;
  std::size_t of_one_client = 64;  // by its address without the port
  std::chrono::seconds patience{15};
};

class Strangers {
 public:
  explicit Strangers(StrangerLimits limits) : limits_(limits) {}

  // `peer`: as gRPC writes it, "ipv4:10.0.0.1:4711". False: there are too many.
  bool add(StreamId id, const std::string& peer, Time now);
  // It is known now, or has ended.
  void remove(StreamId id);
  std::vector<StreamId> overdue(Time now) const;

 private:
  struct Stranger {
    std::string client;
    Time until;
  };

  const StrangerLimits limits_;
  absl::btree_map<StreamId, Stranger> all_;
  absl::flat_hash_map<std::string, std::size_t> by_client_;
};

}  // namespace kgw::xds
