#include "xds/hub.h"

#include <utility>

#include "xds/delta_stream.h"
#include "xds/sotw_stream.h"

namespace kgw::xds {

Hub::Hub(StreamOptions options, Sink& sink, LedgerObserver& observer, Time now)
    : options_(options), sink_(sink), observer_(observer), now_(now) {}

Hub::~Hub() = default;

Hub::Group* Hub::find(const ObjectKey& key) const {
  auto found = groups_.find(key);
  return found == groups_.end() ? nullptr : found->second.get();
}

void Hub::publish(const ObjectKey& key, Edit edit) {
  std::unique_ptr<Group>& slot = groups_[key];
  const bool fresh = slot == nullptr;
  if (fresh) slot = std::make_unique<Group>(key, stats_, events_);
  Group& group = *slot;
  // Who looks for what Envoy refuses waits for an answer.
  if (group.ledger.refused()) {
    edit.unhurried.clear();
    apply(group, group.deferred.take());
  }
  group.deferred.sift(edit, group.snapshot);
  apply(group, std::move(edit));
  if (fresh) start_waiting();
  report();
}

void Hub::apply(Group& group, Edit edit) {
  const Notice notice = group.snapshot.apply(std::move(edit));
  if (notice.changes.empty()) return;
  group.ledger.published(notice);
  for (auto& [id, connection] : group.streams) {
    Responses responses;
    connection->stream->changed(notice, responses);
    deliver(id, *connection, responses);
  }
}

void Hub::remove_group(const ObjectKey& key) {
  Group* group = find(key);
  if (group == nullptr) return;
  const auto streams = group->streams;
  for (const auto& [id, connection] : streams) {
    detach(id, *connection, *group);
    connections_.erase(id);
    --stats_.streams;
    sink_.close(id, "the Gateway " + to_string(key) + " is gone");
  }
  groups_.erase(key);
  if (!streams.empty()) proxies_changed(key, 0);
  report();
}

void Hub::set_synced() {
  if (std::exchange(synced_, true)) return;
  start_waiting();
  report();
}

void Hub::tick(Time now) {
  now_ = now;
  for (auto& [key, group] : groups_) {
    apply(*group, group->deferred.take());
    for (auto& [id, connection] : group->streams) {
      const std::size_t before = connection->stream->gates_released();
      Responses responses;
      connection->stream->tick(now, responses);
      stats_.gates_released += connection->stream->gates_released() - before;
      deliver(id, *connection, responses);
    }
  }
  report();
}

void Hub::opened(StreamId id, Proxy proxy) {
  ++stats_.streams_opened;
  ++stats_.streams;
  auto connection = std::make_unique<Connection>();
  connection->proxy = std::move(proxy);
  connections_[id] = std::move(connection);
}

void Hub::request(StreamId id, Request request) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  Group* group = synced_ ? find(connection.proxy.group) : nullptr;
  if (group == nullptr) {
    connection.waiting = std::move(request);
    return;
  }
  handle(id, connection, *group, request);
  report();
}

void Hub::handle(StreamId id, Connection& connection, Group& group, const Request& request) {
  if (connection.stream == nullptr) start(id, connection, group);
  Responses responses;
  TypeStats& stats = stats_.of(request.type);
  const std::uint64_t answers = stats.answers();
  connection.stream->request(request, responses);
  if (stats.answers() != answers) {
    stats.until_answered.add(Clock::now() - connection.sent[index_of(request.type)]);
  }
  deliver(id, connection, responses);
  sink_.read_next(id);
}

void Hub::closed(StreamId id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const std::unique_ptr<Connection> connection = std::move(found->second);
  connections_.erase(found);
  --stats_.streams;
  Group* group = find(connection->proxy.group);
  if (group == nullptr || connection->stream == nullptr) return;
  detach(id, *connection, *group);
  proxies_changed(connection->proxy.group, group->streams.size());
  report();
}

void Hub::start(StreamId id, Connection& connection, Group& group) {
  if (connection.proxy.protocol == Protocol::kDelta) {
    connection.stream =
        std::make_unique<DeltaStream>(group.snapshot, group.ledger, group.bases, options_, now_);
  } else {
    connection.stream =
        std::make_unique<SotwStream>(group.snapshot, group.ledger, group.bases, options_, now_);
  }
  group.streams[id] = &connection;
  proxies_changed(connection.proxy.group, group.streams.size());
}

void Hub::start_waiting() {
  if (!synced_) return;
  for (auto& [id, connection] : connections_) {
    Group* group = connection->waiting ? find(connection->proxy.group) : nullptr;
    if (group == nullptr) continue;
    const Request first = *std::exchange(connection->waiting, std::nullopt);
    handle(id, *connection, *group, first);
  }
}

void Hub::deliver(StreamId id, Connection& connection, const Responses& responses) {
  for (const Response& response : responses) {
    TypeStats& stats = stats_.of(response.type);
    ++stats.responses;
    stats.resources += response.resources.size();
    stats.removals += response.removed.size();
    stats.bytes += sink_.send(id, connection.proxy.protocol, response);
    connection.sent[index_of(response.type)] = Clock::now();
  }
}

void Hub::detach(StreamId id, Connection& connection, Group& group) {
  connection.stream->close();
  group.streams.erase(id);
  connection.stream.reset();
}

void Hub::proxies_changed(const ObjectKey& group, std::size_t proxies) {
  events_.push_back(
      [group, proxies](LedgerObserver& observer) { observer.on_proxies_changed(group, proxies); });
}

// Observers may call back, so events are taken one batch at a time, and only by the outermost call.
void Hub::report() {
  if (std::exchange(reporting_, true)) return;
  while (!events_.empty()) {
    for (const auto& event : std::exchange(events_, {})) event(observer_);
  }
  reporting_ = false;
}

std::size_t Hub::proxies(const ObjectKey& group) const {
  const Group* found = find(group);
  return found == nullptr ? 0 : found->streams.size();
}

Delivery Hub::delivery(const ObjectKey& key, const ResourceKey& resource) const {
  Delivery delivery;
  const Group* group = find(key);
  if (group == nullptr) return delivery;
  delivery.proxies = group->streams.size();
  delivery.nack = nack(key, resource);
  if (EntryPtr entry = group->snapshot.find(resource.type, resource.name)) {
    delivery.current = entry->version();
    delivery.delivered = group->ledger.delivered(resource);
  }
  for (const auto& [id, connection] : group->streams) {
    const ProxyState state = connection->stream->state(resource);
    if (state == ProxyState::kNotSubscribed) continue;
    ++delivery.subscribed;
    if (state == ProxyState::kAccepted) ++delivery.accepted;
    if (state == ProxyState::kRejected) ++delivery.rejected;
  }
  return delivery;
}

std::optional<Nack> Hub::nack(const ObjectKey& key, const ResourceKey& resource) const {
  const Group* group = find(key);
  const Nack* found = group == nullptr ? nullptr : group->ledger.nack(resource);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::vector<std::pair<ResourceKey, Nack>> Hub::nacks(const ObjectKey& key) const {
  const Group* group = find(key);
  if (group == nullptr) return {};
  return {group->ledger.nacks().begin(), group->ledger.nacks().end()};
}

std::vector<ProxyView> Hub::proxies_of(const ObjectKey& key, const ResourceKey& resource) const {
  std::vector<ProxyView> views;
  const Group* group = find(key);
  if (group == nullptr) return views;
  for (const auto& [id, connection] : group->streams) {
    views.push_back(
        {connection->proxy.node.id, connection->proxy.peer, connection->stream->state(resource)});
  }
  return views;
}

const Snapshot* Hub::snapshot(const ObjectKey& key) const {
  const Group* group = find(key);
  return group == nullptr ? nullptr : &group->snapshot;
}

std::vector<ObjectKey> Hub::groups() const {
  std::vector<ObjectKey> keys;
  for (const auto& [key, group] : groups_) keys.push_back(key);
  return keys;
}

}  // namespace kgw::xds
