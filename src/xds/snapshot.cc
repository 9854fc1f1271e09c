#include "xds/snapshot.h"

#include "xds/proto_writer.h"

namespace kgw::xds {
namespace {

// google.protobuf.Any with `body` as its last field, without the body itself.
std::string any_prefix(ResourceType type, std::size_t body_size) {
  std::string any;
  put_string(any, 1, envoy::type_url(type));
  put_length(any, 2, body_size);
  return any;
}

}  // namespace

void Entry::append_delta_prefix(std::string& out) const {
  // envoy.service.discovery.v3.Resource{version=1, resource=2, name=3}; the Any comes last.
  const std::size_t body_size = body()->size();
  const std::string any = any_prefix(type_, body_size);
  std::string resource;
  put_string(resource, 3, name().view());
  put_string(resource, 1, to_string(version()));
  put_length(resource, 2, any.size() + body_size);
  resource += any;
  put_length(out, 2, resource.size() + body_size);
  out += resource;
}

void Entry::append_sotw_prefix(std::string& out) const {
  const std::string any = any_prefix(type_, body()->size());
  put_length(out, 2, any.size() + body()->size());
  out += any;
}

Notice Snapshot::apply(Edit edit) {
  const Generation next = generation_ + 1;
  Notice notice{next, {}};
  notice.changes.reserve(edit.removals.size() + edit.upserts.size());
  for (ResourceKey& key : edit.removals) {
    Table& table = tables_[index_of(key.type)];
    auto found = table.find(key.name);
    if (found == table.end()) continue;
    EntryPtr before = std::move(found->second);
    table.erase(found);
    body_bytes_ -= before->body()->size();
    notice.changes.push_back({std::move(key), std::move(before), nullptr});
  }
  for (auto& [type, resource] : edit.upserts) {
    EntryPtr& slot = tables_[index_of(type)][resource.name];
    if (slot != nullptr && slot->version() == resource.version) continue;
    EntryPtr before = slot;
    const Generation added = before == nullptr ? next : before->added();
    if (before != nullptr) body_bytes_ -= before->body()->size();
    slot = std::make_shared<const Entry>(type, std::move(resource), added, next);
    body_bytes_ += slot->body()->size();
    notice.changes.push_back({{type, slot->name()}, std::move(before), slot});
  }
  if (!notice.changes.empty()) generation_ = next;
  return notice;
}

EntryPtr Snapshot::find(ResourceType type, const Name& name) const {
  const Table& entries = table(type);
  auto found = entries.find(name);
  return found == entries.end() ? nullptr : found->second;
}

bool Snapshot::contains(ResourceType type, const Name& name) const {
  return table(type).contains(name);
}

}  // namespace kgw::xds
