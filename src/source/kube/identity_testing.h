// A server's certificate for tests: self-signed, for 127.0.0.1 and "localhost", its own authority.
#pragma once

#include <string>

namespace kgw::kube::testing {

struct Identity {
  std::string certificate;  // PEM
  std::string key;
};

// The same for the whole process.
const Identity& identity();

}  // namespace kgw::kube::testing
