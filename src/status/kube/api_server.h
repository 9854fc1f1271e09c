// KubeStatusApi: reads and writes statuses through the status subresource of an API server.
#pragma once

#include <functional>
#include <string>

#include "source/kube/client.h"
#include "status/kube/writer.h"

namespace kgw::status {

class KubeStatusApi final : public StatusApi {
 public:
  // Runs a function soon on the thread of the writer.
  using Post = std::function<void(std::function<void()>)>;
  // The apiVersion under which the object was read; empty when it is not there any more.
  using ApiVersionOf = std::function<std::string(const ObjectRef&)>;

  KubeStatusApi(kube::Send send, Post post, ApiVersionOf api_version_of)
      : send_(std::move(send)),
        post_(std::move(post)),
        api_version_of_(std::move(api_version_of)) {}

  void read(const ObjectRef& object, Answer answer) override;
  void write(const ObjectRef& object, const RemoteStatus& status, Answer answer) override;

 private:
  void call(const ObjectRef& object, std::function<kube::Request(const kube::Resource&)> request,
            Answer answer);

  kube::Send send_;
  Post post_;
  ApiVersionOf api_version_of_;
};

// An object as the API server sends it. Error: it is no JSON object.
std::expected<RemoteStatus, RemoteError> decode_remote_status(const std::string& body);

}  // namespace kgw::status
