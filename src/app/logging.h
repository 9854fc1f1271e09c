// Logs: lines for people, or one JSON object per line for machines, on standard error. gRPC's own
// lines are among them.
#pragma once

#include <spdlog/formatter.h>

#include <memory>
#include <string>

namespace kgw::app {

// `level` as spdlog names it ("warn" too); `format` is "text" or "json".
void set_up_logging(const std::string& level, const std::string& format);

// "2026-01-02T03:04:05.678 info ..." and a newline: each message is one line.
std::unique_ptr<spdlog::formatter> text_log_formatter();
// {"time": "2026-01-02T03:04:05.678+00:00", "level": "info", "message": "..."} and a newline.
std::unique_ptr<spdlog::formatter> json_log_formatter();

}  // namespace kgw::app
