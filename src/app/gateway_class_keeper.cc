#include "app/gateway_class_keeper.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "attach/model.h"

namespace kgw::app {

using nlohmann::json;

GatewayClassKeeper::GatewayClassKeeper(kube::Send send, std::optional<ObjectKey> parameters)
    : send_(std::move(send)),
      parameters_(std::move(parameters)),
      answers_(std::make_shared<Answers>()) {}

void GatewayClassKeeper::keep(bool exists, Clock::time_point now) {
  const bool kept = exists && !answers_->failed;
  if (applied_ && (kept || now < next_)) return;
  applied_ = true;
  next_ = now + kPause;
  apply();
}

void GatewayClassKeeper::apply() {
  json body = {{"apiVersion", "gateway.networking.k8s.io/v1"},
               {"kind", "GatewayClass"},
               {"metadata", {{"name", kName}}},
               {"spec",
                {{"controllerName", attach::kControllerName},
                 {"description", "Standard class for managing Gateway API ingress traffic."}}}};
  if (parameters_) {
    body["spec"]["parametersRef"] = {{"group", kind_group(Kind::kGatewayParameters)},
                                     {"kind", "GatewayParameters"},
                                     {"name", parameters_->name.str()},
                                     {"namespace", parameters_->ns.str()}};
  }
  answers_->failed = false;  // as far as is known
  const kube::Resource resource{"gateway.networking.k8s.io", "v1", "gatewayclasses", false};
  send_(kube::apply(resource, {{}, kName}, body.dump(), attach::kControllerName),
        [answers = answers_](kube::Result<std::string> result) {
          answers->failed = !result;
          const std::string now = result ? "" : to_string(result.error());
          if (now != std::exchange(answers->problem, now) && !now.empty()) {
            spdlog::error("GatewayClass {} cannot be applied: {}", kName, now);
          }
        });
}

}  // namespace kgw::app
