// The subcommands of kgateway and their flags.
#pragma once

namespace CLI {
class App;
}

namespace kgw::app {

// Adds all subcommands; the chosen one runs while the command line is parsed and sets
// `exit_status`.
void add_commands(CLI::App& app, int& exit_status);

}  // namespace kgw::app
