#include "app/event_recorder.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <xxhash.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "api/text.h"
#include "attach/model.h"
#include "status/json.h"

namespace kgw::app {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxMessage = 1024;  // what Kubernetes' own components keep to
constexpr std::size_t kMaxName = 200;      // of 253, with room for the hash

// Equal for equal troubles of the same Gateway.
std::string event_name(const Gateway& gateway, const std::string& reason,
                       const std::string& message) {
  const std::string all = gateway.metadata.uid + '\0' + reason + '\0' + message;
  std::string name = gateway.metadata.name.str().substr(0, kMaxName);
  while (name.ends_with('.') || name.ends_with('-')) name.pop_back();
  return fmt::format("{}.{:016x}", name, XXH3_64bits(all.data(), all.size()));
}

}  // namespace

struct EventRecorder::Answers {
  std::mutex mutex;
  Stats stats;
  std::string problem;
};

EventRecorder::EventRecorder(kube::Send send, std::function<std::int64_t()> wall_clock,
                             EventOptions options)
    : send_(std::move(send)),
      wall_clock_(std::move(wall_clock)),
      options_(options),
      answers_(std::make_shared<Answers>()) {}

EventRecorder::Stats EventRecorder::stats() const {
  const std::lock_guard lock(answers_->mutex);
  return answers_->stats;
}

void EventRecorder::warn(const Gateway& gateway, const std::string& reason,
                         const std::string& message, Clock::time_point now) {
  Texts& texts = told_[gateway.key()];
  std::erase_if(texts, [&](const auto& text) { return now - text.second.sent > options_.memory; });
  const std::string name = event_name(gateway, reason, message);
  const bool known = texts.contains(name);
  if (!known && std::ssize(texts) >= options_.burst) return;
  Told& told = texts[name];
  ++told.count;
  if (known && now - told.sent < options_.pause) return;
  if (!known) told.first = wall_clock_();
  told.sent = now;
  send(event(gateway, name, reason, message, told));
}

nlohmann::json EventRecorder::event(const Gateway& gateway, const std::string& name,
                                    const std::string& reason, const std::string& message,
                                    const Told& told) const {
  const std::string ns = gateway.metadata.ns.str();
  return {{"apiVersion", "v1"},
          {"kind", "Event"},
          {"metadata", {{"name", name}, {"namespace", ns}}},
          {"involvedObject",
           {{"apiVersion", gateway.api_version},
            {"kind", "Gateway"},
            {"namespace", ns},
            {"name", gateway.metadata.name.str()},
            {"uid", gateway.metadata.uid}}},
          {"type", "Warning"},
          {"reason", reason},
          {"message", one_line(message, kMaxMessage)},
          {"source", {{"component", "kgateway"}}},
          {"reportingComponent", attach::kControllerName},
          {"firstTimestamp", status::rfc3339(told.first)},
          {"lastTimestamp", status::rfc3339(wall_clock_())},
          {"count", told.count}};
}

void EventRecorder::send(const Json& event) {
  const ObjectKey key{event["metadata"]["namespace"].get<std::string>(),
                      event["metadata"]["name"].get<std::string>()};
  const kube::Resource events{"", "v1", "events", true};
  send_(kube::apply(events, key, event.dump(-1, ' ', false, Json::error_handler_t::replace),
                    attach::kControllerName),
        [answers = answers_](const kube::Result<std::string>& result) {
          const std::lock_guard lock(answers->mutex);
          ++(result ? answers->stats.sent : answers->stats.failed);
          const std::string problem = result ? "" : kube::to_string(result.error());
          if (problem == std::exchange(answers->problem, problem) || problem.empty()) return;
          spdlog::warn("Events cannot be written: {}", problem);
        });
}

}  // namespace kgw::app
