// All objects of a cluster that can matter, read once: what `kgateway check --cluster` translates.
#pragma once

#include <chrono>
#include <expected>
#include <string>

#include "source/kube/client.h"
#include "source/source.h"

namespace kgw::app {

// One batch as a source would post it first. `synced` is false when some kind could not be read
// within `patience`; the problems say which, and why. Error: the API server does not answer.
// Thread: any but the client's.
std::expected<source::Batch, std::string> read_cluster(
    kube::Client& client, std::chrono::milliseconds patience = std::chrono::seconds(30));

}  // namespace kgw::app
