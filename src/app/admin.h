// What the admin endpoints answer, from the state of a running instance.
//
//   /            index            /healthz   alive              /readyz    synced and serving
//   /metrics     Prometheus       /status    statuses, problems /explain   why an object does what
//   it does /snapshots/xds   what proxies should hold                   /snapshots/tables   the
//   graph's tables /logging     POST ?level=     /version
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/cluster_counts.h"
#include "app/http.h"
#include "app/translation.h"
#include "status/replicas.h"
#include "status/store.h"
#include "xds/ledger.h"
#include "xds/stats.h"

namespace kgw::app {

struct AdminView {
  const Translation& translation;
  const xds::Ledger& ledger;
  const xds::Stats& stats;
  const xds::Latency& until_sent;  // from a source's delivery to handing resources to the streams
  const status::StatusStore& store;
  const std::map<std::string, Diagnostics>& problems;  // by place
  bool synced = false;
  const status::Replicas* replicas = nullptr;  // what others report
  std::optional<ClusterCounts> cluster;        // of a controller
};

// Thread: the core.
HttpResponse answer(const HttpRequest& request, const AdminView& view);

// The body of /status: {"items": [...], "problems": [...]}.
nlohmann::ordered_json status_json(const status::StatusStore& store, const Translation& translation,
                                   const std::map<std::string, Diagnostics>& problems);

// {"severity", "file", "line", "object", "field", "reason", "message", "text"}; what is empty is
// left out.
nlohmann::ordered_json to_json(const Diagnostic& diagnostic);

std::string version_text();

}  // namespace kgw::app
