#include <CLI/CLI.hpp>
#include <csignal>

#include "app/commands.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a peer that is gone is an error of the write
  CLI::App app{"kgateway: the Gateway API on Envoy, in a cluster or from a folder of YAML"};
  app.require_subcommand(1);
  int exit_status = 0;
  kgw::app::add_commands(app, exit_status);
  CLI11_PARSE(app, argc, argv);
  return exit_status;
}
