// `make bench-fleet`: what a fleet of proxies costs a controller.
//
// For each number of Gateways and of proxies: starts a controller in a process of its own
// (fleet_server.h), notes its memory, connects the proxies from this process (fleet_client.h), one
// connection each, and notes memory again; then changes one endpoint, one route, and an endpoint
// right after a route, many times. Prints medians, and in brackets the ratio to the smallest fleet
// of the same run.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/fleet_client.h"
#include "app/fleet_server.h"

namespace kgw::app::fleet {
namespace {

using nlohmann::json;

struct Options {
  std::vector<int> gateways = {1, 10, 100};
  std::vector<int> proxies = {100, 500, 1000};
  int services = 1000;
  int changes = 21;
  int sotw_percent = 10;
  bool tcp = false;
  std::string out = "build/bench/fleet.json";
};

double median(std::vector<double> samples) {
  if (samples.empty()) return 0;
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::ranges::nth_element(samples, middle);
  return *middle;
}

// The controller as a child process; ends with this object.
class Controller {
 public:
  Controller(const Size& size, const std::string& address) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) std::abort();
    const std::string gateways = std::to_string(size.gateways);
    const std::string services = std::to_string(size.services);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      execl("/proc/self/exe", "fleet_bench", "--serve", address.c_str(), "--gateways",
            gateways.c_str(), "--services", services.c_str(), nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    to_ = to[1];
    from_ = fdopen(from[0], "r");
    read_line();  // "ready"
  }
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  ~Controller() {
    close(to_);
    fclose(from_);
    int status = 0;
    waitpid(pid_, &status, 0);
  }

  json ask(const std::string& command) {
    const std::string line = command + "\n";
    if (write(to_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
    return json::parse(read_line());
  }

  // Once memory that was freed has been given back.
  double resident_kib() const {
    sleep(3);
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::stod(line.substr(6));
    }
    return 0;
  }

 private:
  std::string read_line() {
    char line[1024];
    pollfd wait{fileno(from_), POLLIN, 0};
    if (poll(&wait, 1, 300'000) <= 0 || fgets(line, sizeof line, from_) == nullptr) {
      std::cerr << "the controller does not answer\n";
      kill(pid_, SIGKILL);
      std::exit(1);
    }
    return line;
  }

  pid_t pid_ = 0;
  int to_ = -1;
  FILE* from_ = nullptr;
};

using Proxies = std::vector<std::unique_ptr<Proxy>>;

Proxies connect(const Options& options, const std::string& target, int gateways, int count) {
  Proxies proxies;
  for (int i = 0; i < count; ++i) {
    const std::string gateway = gateway_name(i % gateways);
    // Spread over the Gateways whatever their number.
    const bool sotw = (i * options.sotw_percent) / 100 != ((i + 1) * options.sotw_percent) / 100;
    if (sotw) {
      proxies.push_back(std::make_unique<SyntheticProxy<StateOfTheWorld>>(target, gateway, i));
    } else {
      proxies.push_back(std::make_unique<SyntheticProxy<Delta>>(target, gateway, i));
    }
  }
  return proxies;
}

// Medians of what the controller says of `changes` changes.
json measure(Controller& controller, int changes, const std::function<std::string(int)>& command) {
  std::map<std::string, std::vector<double>> samples;
  for (int i = 0; i < changes; ++i) {
    controller.ask("settle");
    const json answer = controller.ask(command(i));
    for (const auto& [key, value] : answer.items()) {
      samples[key].push_back(value.get<double>());
    }
  }
  json medians;
  for (const auto& [key, values] : samples) medians[key] = median(values);
  medians["last_ack_max_ms"] = *std::ranges::max_element(samples["last_ack_ms"]);
  return medians;
}

json measure(const Options& options, int gateways, int count) {
  const std::string socket = "/tmp/kgw-fleet-" + std::to_string(getpid()) + ".sock";
  const std::string address = options.tcp ? "127.0.0.1:19977" : socket;
  Controller controller({gateways, options.services}, address);
  json result = {{"gateways", gateways}, {"proxies", count}};
  const json alone = controller.ask("settle");
  const double resident = controller.resident_kib();
  result["alone_mib"] = resident / 1024;
  const auto start = std::chrono::steady_clock::now();
  const Proxies proxies =
      connect(options, options.tcp ? address : "unix:" + socket, gateways, count);
  json connected;
  do {
    connected = controller.ask("settle");
  } while (connected["streams"].get<int>() != count);
  result["connected_s"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() - 0.3;
  result["connect_cpu_ms_per_proxy"] =
      (connected["cpu_ms"].get<double>() - alone["cpu_ms"].get<double>()) / count;
  result["sent_kib_per_proxy"] = connected["bytes"].get<double>() / 1024 / count;
  result["resident_kib_per_proxy"] = (controller.resident_kib() - resident) / count;
  result["heap_kib_per_proxy"] =
      (controller.ask("settle")["heap"].get<double>() - alone["heap"].get<double>()) / 1024 / count;
  result["endpoint"] = measure(controller, options.changes, [&](int i) {
    return "endpoint " + std::to_string((i * 37) % options.services) + " " + std::to_string(i);
  });
  result["route"] =
      measure(controller, options.changes, [](int i) { return "route " + std::to_string(i + 1); });
  result["behind"] = measure(controller, options.changes, [&](int i) {
    return "behind " + std::to_string((i * 37) % options.services) + " " + std::to_string(100 + i);
  });
  result["resident_after_kib_per_proxy"] = (controller.resident_kib() - resident) / count;
  return result;
}

void print(const std::vector<json>& results) {
  const auto line = [&](const std::string& title, const json::json_pointer& at, int digits) {
    std::printf("%-36s", title.c_str());
    double base = 0;
    for (const json& result : results) {
      const double value = result.value(at, 0.0);
      if (&result == &results.front()) base = value;
      char cell[64];
      std::snprintf(cell, sizeof cell, "%.*f (%.1fx)", digits, value,
                    base == 0 ? 0.0 : value / base);
      std::printf("%17s", cell);
    }
    std::printf("\n");
  };
  const auto heading = [&](const char* title, const char* key) {
    std::printf("%-36s", title);
    for (const json& result : results) std::printf("%17d", result[key].get<int>());
    std::printf("\n");
  };
  heading("Gateways", "gateways");
  heading("proxies", "proxies");
  const auto at = [](const char* path) { return json::json_pointer(path); };
  line("controller without proxies, MiB", at("/alone_mib"), 1);
  line("resident per proxy, KiB", at("/resident_kib_per_proxy"), 1);
  line("  of it allocated, KiB", at("/heap_kib_per_proxy"), 1);
  line("  resident after all changes, KiB", at("/resident_after_kib_per_proxy"), 1);
  line("all connected and served, s", at("/connected_s"), 2);
  line("  CPU per proxy, ms", at("/connect_cpu_ms_per_proxy"), 2);
  line("  sent per proxy, KiB", at("/sent_kib_per_proxy"), 0);
  for (const std::string change : {"endpoint", "route"}) {
    const auto of = [&](const char* what) { return json::json_pointer("/" + change + "/" + what); };
    line("one " + change + ": CPU of all, ms", of("cpu_ms"), 2);
    line("  published after, ms", of("published_ms"), 2);
    line("  last ACK after, ms", of("last_ack_ms"), 2);
    line("  responses", of("responses"), 0);
    line("  sent, bytes", of("bytes"), 0);
  }
  line("endpoint 1 ms after a route: ACK, ms", at("/behind/last_ack_ms"), 2);
}

int serve(const Options& options, const std::string& address) {
  FleetServer server({options.gateways.front(), options.services}, address);
  server.run();
  return 0;
}

int run(const Options& options) {
  std::vector<json> results;
  for (const int gateways : options.gateways) {
    for (const int proxies : options.proxies) {
      std::cerr << gateways << " Gateways, " << proxies << " proxies" << std::endl;
      results.push_back(measure(options, gateways, proxies));
    }
  }
  print(results);
  std::ofstream(options.out) << json(results).dump(1) << "\n";
  return 0;
}

}  // namespace
}  // namespace kgw::app::fleet

int main(int argc, char** argv) {
  using namespace kgw::app::fleet;
  Options options;
  std::string address;
  CLI::App app("What a fleet of proxies costs a controller");
  app.add_option("--gateways", options.gateways, "numbers of Gateways")->delimiter(',');
  app.add_option("--proxies", options.proxies, "numbers of proxies in all")->delimiter(',');
  app.add_option("--services", options.services, "number of Services, routed to by every Gateway");
  app.add_option("--changes", options.changes, "how often each change is measured");
  app.add_option("--sotw-percent", options.sotw_percent,
                 "proxies that speak state-of-the-world xDS");
  app.add_flag("--tcp", options.tcp, "TCP on loopback instead of a Unix socket");
  app.add_option("--out", options.out, "where the results go as JSON");
  app.add_option("--serve", address, "be the controller")->group("");
  CLI11_PARSE(app, argc, argv);
  // Two descriptors for each connection on this side; gRPC's own on top.
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  return address.empty() ? run(options) : serve(options, address);
}
