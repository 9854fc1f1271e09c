// Credentials: what the files of a Config say now: the token, and a TLS context made of the
// certificates. Thread: the client's.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "source/kube/config.h"

namespace kgw::kube {

class Credentials {
 public:
  // `tls_name`: whom the server must prove to be.
  Credentials(Config config, bool tls, std::string tls_name)
      : config_(std::move(config)), with_tls_(tls), tls_name_(std::move(tls_name)) {}

  // Reads the files. What cannot be read now leaves the last good version in force, if there is
  // one; certificates that did not change keep their context.
  Result<void> refresh();
  // refresh(), if the last one is older than a minute: tokens of a pod are replaced on disk.
  void refresh_if_old();

  const std::string& token() const { return token_; }
  // Null: plain connections.
  const std::shared_ptr<boost::asio::ssl::context>& tls() const { return context_; }

 private:
  Result<void> refresh_token();
  Result<void> refresh_tls();

  Config config_;
  bool with_tls_;
  std::string tls_name_;
  std::string token_;
  std::string pems_;  // of which context_ is made
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::chrono::steady_clock::time_point refreshed_;
};

}  // namespace kgw::kube
