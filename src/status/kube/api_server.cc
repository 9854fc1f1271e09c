#include "status/kube/api_server.h"

#include <utility>

namespace kgw::status {
namespace {

using nlohmann::json;

RemoteError remote_error(const kube::Error& error) {
  RemoteError::Kind kind = RemoteError::Kind::kOther;
  if (error.status == 404) kind = RemoteError::Kind::kGone;
  if (error.status == 409) kind = RemoteError::Kind::kConflict;
  return {kind, kube::to_string(error)};
}

}  // namespace

std::expected<RemoteStatus, RemoteError> decode_remote_status(const std::string& body) {
  const json object = json::parse(body, nullptr, false);
  if (!object.is_object()) {
    return std::unexpected(
        RemoteError{RemoteError::Kind::kOther, "the API server answered with no object"});
  }
  RemoteStatus status;
  const json metadata = object.value("metadata", json::object());
  if (metadata.is_object()) {
    const auto version = metadata.find("resourceVersion");
    if (version != metadata.end() && version->is_string()) status.resource_version = *version;
  }
  status.status = object.value("status", json());
  return status;
}

void KubeStatusApi::read(const ObjectRef& object, Answer answer) {
  call(
      object, [&](const kube::Resource& resource) { return kube::get(resource, object.key); },
      std::move(answer));
}

void KubeStatusApi::write(const ObjectRef& object, const RemoteStatus& status, Answer answer) {
  const json body = {{"metadata", {{"resourceVersion", status.resource_version}}},
                     {"status", status.status}};
  call(
      object,
      [&](const kube::Resource& resource) {
        return kube::merge_patch(resource, object.key,
                                 body.dump(-1, ' ', false, json::error_handler_t::replace),
                                 "status");
      },
      std::move(answer));
}

void KubeStatusApi::call(const ObjectRef& object,
                         std::function<kube::Request(const kube::Resource&)> request,
                         Answer answer) {
  const std::string version = api_version_of_(object);
  if (version.empty()) {
    post_([answer = std::move(answer)] {
      answer(std::unexpected(RemoteError{RemoteError::Kind::kGone, "the object is gone"}));
    });
    return;
  }
  send_(request(kube::resource_of(object.kind, version)),
        [post = post_, answer = std::move(answer)](kube::Result<std::string> result) {
          post([answer, result = std::move(result)] {
            if (result) {
              answer(decode_remote_status(*result));
            } else {
              answer(std::unexpected(remote_error(result.error())));
            }
          });
        });
}

}  // namespace kgw::status
