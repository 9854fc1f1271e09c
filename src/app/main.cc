#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "app/signals.h"

int main(int argc, char** argv) {
  kgw::app::SignalWatch::block_signals();
  CLI::App app{"kgateway: the Gateway API on Envoy, in a cluster or from a folder of YAML"};
  app.require_subcommand(1);
  int exit_status = 0;
  kgw::app::add_commands(app, exit_status);
  CLI11_PARSE(app, argc, argv);
  return exit_status;
}
