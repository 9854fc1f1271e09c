// For tests that run the real Envoy.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace kgw::deploy {

// $KGW_ENVOY, else the pinned one.
inline std::string envoy_path() {
  if (const char* given = std::getenv("KGW_ENVOY")) return given;
  std::string path;
  if (FILE* pipe = popen("tools/envoy_binary.py", "r")) {
    std::array<char, 4096> line;
    if (fgets(line.data(), line.size(), pipe) != nullptr) path = line.data();
    pclose(pipe);
  }
  while (!path.empty() && path.back() == '\n') path.pop_back();
  return path;
}

}  // namespace kgw::deploy
