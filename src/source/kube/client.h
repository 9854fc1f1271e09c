// Client: calls to a Kubernetes API server, from any thread.
//
//   auto client = kube::Client::open(*kube::find_config("", ""));
//   (*client)->send(kube::get(kube::resource_of(route), route.key()), [&](kube::Result<std::string>
//   r) {
//     loop.post([r = std::move(r)] { ... });   // the callback runs on the client's thread
//   });
//
// A Request is a value (request.h makes them); the result is the body of the 2xx answer (JSON), or
// an Error value (error.h). Nothing throws. The client keeps connections open, reads rotated tokens
// and certificates again, and repeats what the server asked to repeat (429 and 503 with
// Retry-After) or what was lost with an idle connection; every other failure is the caller's to
// judge: a Conflict is never repeated.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "source/kube/config.h"
#include "source/kube/error.h"
#include "source/kube/request.h"

namespace kgw::kube {

class Core;

struct ClientOptions {
  int max_requests = 8;  // at a time; more wait their turn. Watches do not count.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  int max_repeats = 4;  // of one request that the server postpones
};

using Done = std::function<void(Result<std::string>)>;
// What writers take instead of a client, so that tests can play the server.
using Send = std::function<void(Request, Done)>;

class Client {
 public:
  // Error: InvalidConfig (unusable URL or credentials). Does not connect yet.
  static Result<std::unique_ptr<Client>> open(const Config& config, ClientOptions options = {});
  // Ends what is under way; no callback is made after it has begun.
  ~Client();

  // `done` is called once, on the client's thread, in no particular order. Thread: any.
  void send(Request request, Done done);
  // send() and wait. Thread: any but the client's.
  Result<std::string> call(Request request);

  // The Send that calls this client, which must outlive it.
  Send sender() {
    return [this](Request request, Done done) { send(std::move(request), std::move(done)); };
  }

  // For the parts of this folder that run on the client's thread.
  Core& core() { return *core_; }

 private:
  explicit Client(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
  std::thread thread_;
};

}  // namespace kgw::kube
