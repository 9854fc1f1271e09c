// The controller of `make bench-fleet`, in a process of its own: the real core (app/core.h) with
// its ADS server, fed from memory and told by its standard input what to do, one line each:
//
//   settle            waits until everything sent is answered and nothing more comes
//   endpoint I SALT   changes an endpoint of Service I
//   route SALT        changes the route `probe`
//   behind I SALT     the same, 1 ms after a change of `route`; answered when the endpoint is
//
// A change is answered, when every proxy it concerns has answered, with one line of JSON: CPU of
// the whole process, time from the event to the last ACK, what was sent.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>

#include "app/builtin.h"
#include "app/core.h"
#include "app/fleet_world.h"
#include "app/heap_bytes.h"

namespace kgw::app::fleet {

using std::chrono_literals::operator""ms;

inline double process_cpu_ms() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

class FleetServer {
 public:
  FleetServer(Size size, std::string address)
      : size_(size), core_(envoy::Settings(), {.amend = with_builtins}) {
    xds::ServerOptions options;
    (address.starts_with("/") ? options.unix_socket : options.tcp_address) = address;
    if (auto serving = core_.serve_proxies(options); !serving) {
      std::cerr << serving.error() << "\n";
      std::exit(1);
    }
  }

  // Until standard input ends.
  void run() {
    core_.apply(builtin_objects());
    core_.sink()({.events = fleet_world(size_), .problems = {}, .synced = true});
    core_.loop.post([this] {
      waiting_ = [] {
        reply("ready");
        return true;
      };
    });
    std::thread commands([this] { read_commands(); });
    core_.loop.run([this] { settled(); }, 250ms,
                   [this] {
                     core_.ads->tick(std::chrono::steady_clock::now());
                     settled();
                   });
    commands.join();
    core_.ads->shutdown(0ms);
  }

 private:
  using Clock = std::chrono::steady_clock;

  struct Total {
    std::uint64_t responses = 0, answers = 0, bytes = 0;
  };

  static void reply(const std::string& line) { std::cout << line << std::endl; }

  Total total() const {
    Total sum;
    for (const xds::TypeStats& type : core_.ads->stats().types) {
      sum.responses += type.responses;
      sum.answers += type.acks + type.nacks;
      sum.bytes += type.bytes;
    }
    return sum;
  }

  void read_commands() {
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string verb;
      words >> verb;
      if (verb == "settle") {
        core_.loop.post([this] { await_quiet(); });
        continue;
      }
      int service = 0, salt = 0;
      if (verb != "route") words >> service;
      words >> salt;
      const Events endpoint = decode(slice_manifest(service, 3 + salt % 250));
      const Events route = decode(probe_manifest(salt));
      if (verb == "behind") {
        core_.sink()({.events = route, .problems = {}, .synced = false});
        std::this_thread::sleep_for(1ms);
      }
      const auto type = verb == "route" ? xds::ResourceType::kRoute : xds::ResourceType::kEndpoint;
      core_.loop.post(
          [this, type, start = Clock::now(), events = verb == "route" ? route : endpoint] {
            change(events, type, start);
          });
    }
    core_.loop.stop();
  }

  // Of the loop's turns, the first after 300 ms without any response or answer.
  void await_quiet() {
    waiting_ = [this, last = total(), since = Clock::now()]() mutable {
      const Total now = total();
      if (now.responses != last.responses || now.answers != now.responses) {
        last = now;
        since = Clock::now();
      }
      if (Clock::now() - since < 300ms) return false;
      std::ostringstream line;
      line << "{\"streams\": " << core_.ads->stats().streams << ", \"heap\": " << heap_bytes()
           << ", \"bytes\": " << now.bytes << ", \"cpu_ms\": " << process_cpu_ms() << "}";
      reply(line.str());
      return true;
    };
  }

  void change(const Events& events, xds::ResourceType type, Clock::time_point start) {
    const Total before = total();
    const double cpu = process_cpu_ms();
    const xds::TypeStats& stats = core_.ads->stats().of(type);
    const std::uint64_t responses = stats.responses;
    core_.sink()({.events = events, .problems = {}, .synced = false});
    waiting_ = [=, this, &stats, published = 0.0]() mutable {
      const double elapsed =
          std::chrono::duration<double, std::milli>(Clock::now() - start).count();
      if (stats.responses == responses) return false;
      if (published == 0) published = elapsed;
      if (stats.acks + stats.nacks != stats.responses) return false;
      std::ostringstream line;
      line << "{\"cpu_ms\": " << process_cpu_ms() - cpu << ", \"last_ack_ms\": " << elapsed
           << ", \"published_ms\": " << published
           << ", \"responses\": " << stats.responses - responses
           << ", \"bytes\": " << total().bytes - before.bytes << "}";
      reply(line.str());
      return true;
    };
  }

  void settled() {
    core_.settle();
    if (waiting_ && waiting_()) waiting_ = nullptr;
  }

  const Size size_;
  Core core_;
  std::function<bool()> waiting_;  // answers a command when it can
};

}  // namespace kgw::app::fleet
