#include "source/kube/fake_api_testing.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "source/kube/fake_pod_testing.h"
#include "source/kube/identity_testing.h"

namespace kgw::kube::testing {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using nlohmann::json;
using Stream = ssl::stream<Tcp::socket>;
using boost::system::error_code;

std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
    } else {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    }
  }
  return out;
}

std::string parameter(const std::string& query, const std::string& name) {
  const std::string text = "&" + query;
  const auto at = text.find("&" + name + "=");
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 2;
  return decode(std::string_view(text).substr(begin, text.find('&', begin) - begin));
}

Reply failure(int status, const std::string& reason, const std::string& message) {
  return {status,
          json{{"kind", "Status"},
               {"apiVersion", "v1"},
               {"status", "Failure"},
               {"reason", reason},
               {"message", message},
               {"code", status}}
              .dump(),
          "", false};
}

// "/apis/g/v/namespaces/ns/plural/name/status", taken apart.
struct Place {
  std::string collection;  // "g/v/plural", "v1/plural" for core
  std::string api_version;
  std::string ns;
  std::string name;

  std::string key() const { return ns + "/" + name; }
};

std::optional<Place> parse_place(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    parts.push_back(decode(std::string_view(path).substr(at, end - at)));
    at = end + 1;
  }
  const std::size_t head = !parts.empty() && parts[0] == "api" ? 2 : 3;
  if (parts.size() < head) return std::nullopt;
  Place place;
  place.api_version = head == 2 ? parts[1] : parts[1] + "/" + parts[2];
  std::size_t at = head;
  if (parts.size() > at + 2 && parts[at] == "namespaces") {
    place.ns = parts[at + 1];
    at += 2;
  }
  if (parts.size() > at) place.collection = place.api_version + "/" + parts[at];
  if (parts.size() > at + 1) place.name = parts[at + 1];
  return place;
}

std::string collection_of(const Resource& resource) {
  return (resource.group.empty() ? "" : resource.group + "/") + resource.version + "/" +
         resource.plural;
}

}  // namespace

struct FakeApi::State {
  struct Change {
    std::uint64_t version;
    std::string collection;
    std::string text;  // the line of a watch
  };
  struct Served {
    Resource resource;
    std::string kind;
  };

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::map<std::string, json>> objects;  // by collection and key
  std::map<std::string, Served> served;                        // by collection
  std::vector<Change> changes;
  std::uint64_t version = 100;
  std::uint64_t compacted = 0;
  std::uint64_t epoch = 0;  // of connections
  bool stopping = false;
  std::string token = "good";
  std::function<std::optional<Reply>(const Seen&)> hook;
  Pods pods;
  std::vector<Seen> seen;
  int connections = 0;

  asio::io_context io;
  ssl::context context{ssl::context::tls_server};
  Tcp::acceptor acceptor{io, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::set<int> sockets;
  std::vector<std::thread> sessions;
  std::thread accepting;

  // REQUIRES: locked.
  void record(const std::string& collection, const std::string& type, const json& object) {
    changes.push_back(
        {version, collection, json{{"type", type}, {"object", object}}.dump() + "\n"});
    changed.notify_all();
  }

  // REQUIRES: locked.
  std::string store(const std::string& collection, json object) {
    json& metadata = object["metadata"];
    const std::string key = metadata.value("namespace", "") + "/" + metadata.value("name", "");
    auto& all = objects[collection];
    const bool is_new = !all.contains(key);
    metadata["resourceVersion"] = std::to_string(++version);
    if (!metadata.contains("uid")) {
      metadata["uid"] = is_new ? json(fmt::format("uid-{}", version)) : all[key]["metadata"]["uid"];
    }
    record(collection, is_new ? "ADDED" : "MODIFIED", object);
    all[key] = std::move(object);
    return std::to_string(version);
  }

  // REQUIRES: locked.
  void drop(const std::string& collection, const std::string& key) {
    auto& all = objects[collection];
    const auto found = all.find(key);
    if (found == all.end()) return;
    json last = found->second;
    all.erase(found);
    last["metadata"]["resourceVersion"] = std::to_string(++version);
    record(collection, "DELETED", last);
  }

  bool is_served(const Place& place) const {
    return place.api_version == "v1" || place.collection.starts_with("apiextensions.k8s.io/") ||
           served.contains(place.collection);
  }

  Reply discovery(const Place& place) const {
    json resources = json::array();
    for (const auto& [collection, entry] : served) {
      const Resource& resource = entry.resource;
      if (resource.group + "/" + resource.version != place.api_version) continue;
      for (const char* suffix : {"", "/status"}) {
        resources.push_back({{"name", resource.plural + suffix},
                             {"kind", entry.kind},
                             {"namespaced", resource.namespaced}});
      }
    }
    if (resources.empty()) return failure(404, "NotFound", "no such group");
    return {200,
            json{{"kind", "APIResourceList"},
                 {"groupVersion", place.api_version},
                 {"resources", resources}}
                .dump(),
            "", false};
  }

  Reply list(const Place& place, const std::string& query) {
    std::string after = parameter(query, "continue");
    std::uint64_t at = version;
    if (!after.empty()) {
      const auto colon = after.find(':');
      at = std::stoull(after.substr(0, colon));
      after = after.substr(colon + 1);
      if (at < compacted) return failure(410, "Expired", "the continue token is too old");
    }
    const std::string limit = parameter(query, "limit");
    const std::size_t most = limit.empty() ? SIZE_MAX : std::stoul(limit);
    json items = json::array();
    json metadata = {{"resourceVersion", std::to_string(at)}};
    for (const auto& [key, object] : objects[place.collection]) {
      if (!after.empty() && key <= after) continue;
      if (!place.ns.empty() && !key.starts_with(place.ns + "/")) continue;
      if (items.size() == most) {
        metadata["continue"] = fmt::format("{}:{}", at, after);
        break;
      }
      items.push_back(object);
      after = key;
    }
    return {200, json{{"kind", "List"}, {"metadata", metadata}, {"items", items}}.dump(), "",
            false};
  }

  Reply write(const Place& place, const Seen& request) {
    json body = json::parse(request.body, nullptr, false);
    if (!body.is_object()) return failure(400, "BadRequest", "not a JSON object");
    if (!body.contains("metadata")) body["metadata"] = json::object();
    Place at = place;
    if (request.method == "POST") at.name = body["metadata"].value("name", "");
    auto& all = objects[at.collection];
    const auto found = all.find(at.key());
    const bool is_apply = request.content_type == "application/apply-patch+yaml";
    if (request.method == "POST" && found != all.end()) {
      return failure(409, "AlreadyExists", at.name + " already exists");
    }
    if (request.method != "POST" && !is_apply && found == all.end()) {
      return failure(404, "NotFound", at.name + " not found");
    }
    const std::string expected = body["metadata"].value("resourceVersion", "");
    if (found != all.end() && !expected.empty() &&
        json(expected) != found->second["metadata"]["resourceVersion"]) {
      return failure(409, "Conflict", at.name + " has been modified");
    }
    json object = found == all.end() || request.method == "PUT" ? json::object() : found->second;
    object.merge_patch(body);
    object["metadata"]["name"] = at.name;
    if (!at.ns.empty()) object["metadata"]["namespace"] = at.ns;
    store(at.collection, object);
    return {request.method == "POST" ? 201 : 200, all[at.key()].dump(), "", false};
  }

  Reply answer(const Seen& request) {
    const std::lock_guard lock(mutex);
    if (request.authorization != "Bearer " + token) {
      return failure(401, "Unauthorized", "Unauthorized");
    }
    const auto place = parse_place(request.path);
    if (!place) return failure(404, "NotFound", "no such path");
    if (place->collection.empty()) return discovery(*place);
    if (!is_served(*place)) return failure(404, "NotFound", "no such resource");
    if (request.method == "GET" && place->name.empty()) return list(*place, request.query);
    if (request.method != "GET" && request.method != "DELETE") return write(*place, request);
    const auto& all = objects[place->collection];
    const auto found = all.find(place->key());
    if (found == all.end()) return failure(404, "NotFound", place->name + " not found");
    if (request.method == "DELETE") {
      drop(place->collection, place->key());
      return {200, json{{"kind", "Status"}, {"status", "Success"}}.dump(), "", false};
    }
    return {200, found->second.dump(), "", false};
  }

  static bool send(Stream& stream, const std::string& text) {
    error_code error;
    asio::write(stream, asio::buffer(text), error);
    return !error;
  }

  static bool send_chunk(Stream& stream, const std::string& text) {
    return send(stream, fmt::format("{:x}\r\n{}\r\n", text.size(), text));
  }

  static bool send(Stream& stream, const Reply& reply) {
    const std::string head = fmt::format(
        "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n",
        reply.status, reply.body.size(), reply.headers);
    if (reply.cut) {
      send(stream, head + reply.body.substr(0, reply.body.size() / 2));
      return false;
    }
    return send(stream, head + reply.body);
  }

  // Until the time is over, or the connection.
  bool stream_watch(Stream& stream, const Place& place, const std::string& query) {
    const std::uint64_t from = std::stoull("0" + parameter(query, "resourceVersion"));
    std::unique_lock lock(mutex);
    if (from < compacted) {
      lock.unlock();
      return send(stream, failure(410, "Expired", "too old resource version"));
    }
    const std::uint64_t own_epoch = epoch;
    std::size_t next = 0;
    while (next < changes.size() && changes[next].version <= from) ++next;
    lock.unlock();
    if (!send(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")) return false;
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::seconds(std::stoi("0" + parameter(query, "timeoutSeconds")));
    for (;;) {
      lock.lock();
      const bool more = changed.wait_until(
          lock, end, [&] { return next < changes.size() || stopping || epoch != own_epoch; });
      if (stopping || epoch != own_epoch) return false;
      std::string text;
      for (; next < changes.size(); ++next) {
        const std::string& collection = changes[next].collection;
        if (collection.empty() || collection == place.collection) text += changes[next].text;
      }
      lock.unlock();
      if (!more) return send(stream, "0\r\n\r\n");
      if (!text.empty() && !send_chunk(stream, text)) return false;
    }
  }

  bool serve_one(Stream& stream, boost::beast::flat_buffer& buffer) {
    http::request<http::string_body> request;
    error_code error;
    http::read(stream, buffer, request, error);
    if (error) return false;
    const std::string target(request.target());
    Seen one{std::string(request.method_string()),
             target.substr(0, target.find('?')),
             target.find('?') == std::string::npos ? "" : target.substr(target.find('?') + 1),
             std::string(request[http::field::content_type]),
             std::string(request[http::field::authorization]),
             std::string(request[http::field::accept]),
             request.body()};
    std::function<std::optional<Reply>(const Seen&)> ask;
    {
      const std::lock_guard lock(mutex);
      seen.push_back(one);
      ask = hook;
    }
    if (ask) {
      if (const auto reply = ask(one)) return send(stream, *reply);
    }
    const auto place = parse_place(one.path);
    if (place && boost::beast::websocket::is_upgrade(request)) {
      const Reply check = answer(one);
      if (check.status != 200) return send(stream, check);
      forward_to_pod(stream, request,
                     [&](const std::string& sent) { return pods(place->name, one.query, sent); });
      return false;
    }
    if (place && !parameter(one.query, "watch").empty()) {
      const Reply check = answer(one);  // may it be read, and is it there?
      if (check.status != 200) return send(stream, check);
      return stream_watch(stream, *place, one.query);
    }
    return send(stream, answer(one));
  }

  void run(Tcp::socket socket) {
    const int fd = socket.native_handle();
    Stream stream(std::move(socket), context);
    error_code error;
    stream.handshake(ssl::stream_base::server, error);
    boost::beast::flat_buffer buffer;
    while (!error && serve_one(stream, buffer)) {
    }
    const std::lock_guard lock(mutex);
    sockets.erase(fd);
    stream.lowest_layer().close(error);
  }

  void accept() {
    for (;;) {
      Tcp::socket socket(io);
      error_code error;
      acceptor.accept(socket, error);
      const std::lock_guard lock(mutex);
      if (error || stopping) return;
      ++connections;
      sockets.insert(socket.native_handle());
      sessions.emplace_back([this](Tcp::socket accepted) { run(std::move(accepted)); },
                            std::move(socket));
    }
  }

  // REQUIRES: locked.
  void break_connections() {
    ++epoch;
    for (const int fd : sockets) ::shutdown(fd, SHUT_RDWR);
    changed.notify_all();
  }
};

FakeApi::FakeApi() : state_(std::make_unique<State>()) {
  state_->context.use_certificate_chain(asio::buffer(identity().certificate));
  state_->context.use_private_key(asio::buffer(identity().key), ssl::context::pem);
  state_->accepting = std::thread([state = state_.get()] { state->accept(); });
}

FakeApi::~FakeApi() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->break_connections();
    ::shutdown(state_->acceptor.native_handle(), SHUT_RDWR);
  }
  state_->accepting.join();
  for (std::thread& session : state_->sessions) session.join();
}

Config FakeApi::config() const {
  Config config;
  config.server = fmt::format("https://127.0.0.1:{}", state_->acceptor.local_endpoint().port());
  config.authority.text = identity().certificate;
  config.token.text = "good";
  return config;
}

std::string FakeApi::authority_pem() const { return identity().certificate; }

void FakeApi::set_token(const std::string& token) {
  const std::lock_guard lock(state_->mutex);
  state_->token = token;
}

void FakeApi::serve(const Resource& resource, const std::string& kind) {
  const std::lock_guard lock(state_->mutex);
  state_->served[collection_of(resource)] = {resource, kind};
  state_->store("apiextensions.k8s.io/v1/customresourcedefinitions",
                {{"metadata", {{"name", resource.plural + "." + resource.group}}}});
}

void FakeApi::unserve(const Resource& resource) {
  const std::lock_guard lock(state_->mutex);
  const std::string collection = collection_of(resource);
  while (!state_->objects[collection].empty()) {
    state_->drop(collection, std::string(state_->objects[collection].begin()->first));
  }
  state_->served.erase(collection);
  state_->drop("apiextensions.k8s.io/v1/customresourcedefinitions",
               "/" + resource.plural + "." + resource.group);
}

std::string FakeApi::put(const Resource& resource, json object) {
  const std::lock_guard lock(state_->mutex);
  return state_->store(collection_of(resource), std::move(object));
}

void FakeApi::erase(const Resource& resource, const ObjectKey& key) {
  const std::lock_guard lock(state_->mutex);
  state_->drop(collection_of(resource), key.ns.str() + "/" + key.name.str());
}

std::optional<json> FakeApi::find(const Resource& resource, const ObjectKey& key) const {
  const std::lock_guard lock(state_->mutex);
  const auto& all = state_->objects[collection_of(resource)];
  const auto found = all.find(key.ns.str() + "/" + key.name.str());
  if (found == all.end()) return std::nullopt;
  return found->second;
}

void FakeApi::bookmark() {
  const std::lock_guard lock(state_->mutex);
  state_->record("", "BOOKMARK",
                 {{"metadata", {{"resourceVersion", std::to_string(++state_->version)}}}});
}

void FakeApi::compact() {
  const std::lock_guard lock(state_->mutex);
  state_->compacted = ++state_->version;
}

void FakeApi::disconnect() {
  const std::lock_guard lock(state_->mutex);
  state_->break_connections();
}

void FakeApi::inject(const Resource& resource, const std::string& bytes) {
  const std::lock_guard lock(state_->mutex);
  state_->changes.push_back({state_->version, collection_of(resource), bytes});
  state_->changed.notify_all();
}

void FakeApi::intercept(std::function<std::optional<Reply>(const Seen&)> hook) {
  const std::lock_guard lock(state_->mutex);
  state_->hook = std::move(hook);
}

void FakeApi::pods(Pods pods) {
  const std::lock_guard lock(state_->mutex);
  state_->pods = std::move(pods);
}

std::vector<Seen> FakeApi::requests() const {
  const std::lock_guard lock(state_->mutex);
  return state_->seen;
}

int FakeApi::connections() const {
  const std::lock_guard lock(state_->mutex);
  return state_->connections;
}

}  // namespace kgw::kube::testing
