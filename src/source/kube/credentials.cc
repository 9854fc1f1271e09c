#include "source/kube/credentials.h"

#include <fmt/format.h>

#include <boost/asio/ssl/host_name_verification.hpp>

namespace kgw::kube {
namespace {

namespace ssl = boost::asio::ssl;

constexpr std::chrono::minutes kMaxAge{1};

std::unexpected<Error> unusable(std::string_view what, const boost::system::error_code& error) {
  return std::unexpected(Error{
      0, "InvalidConfig", fmt::format("{} of the API server's client: {}", what, error.message())});
}

}  // namespace

Result<void> Credentials::refresh() {
  refreshed_ = std::chrono::steady_clock::now();
  if (auto done = refresh_token(); !done) return done;
  return with_tls_ ? refresh_tls() : Result<void>();
}

void Credentials::refresh_if_old() {
  if (std::chrono::steady_clock::now() - refreshed_ > kMaxAge) (void)refresh();
}

Result<void> Credentials::refresh_token() {
  auto token = config_.token.read();
  if (!token) return token_.empty() ? std::unexpected(token.error()) : Result<void>();
  while (!token->empty() && std::isspace(static_cast<unsigned char>(token->back())) != 0) {
    token->pop_back();
  }
  if (token->find_first_of("\r\n") != std::string::npos) {
    return std::unexpected(Error{0, "InvalidConfig", "the token has several lines"});
  }
  token_ = std::move(*token);
  return {};
}

Result<void> Credentials::refresh_tls() {
  const auto keep = [&](const Error& error) {
    return context_ == nullptr ? std::unexpected(error) : Result<void>();
  };
  const auto authority = config_.authority.read();
  if (!authority) return keep(authority.error());
  const auto chain = config_.client_certificate.read();
  if (!chain) return keep(chain.error());
  const auto key = config_.client_key.read();
  if (!key) return keep(key.error());
  std::string pems = *authority + '\0' + *chain + '\0' + *key;
  if (context_ != nullptr && pems == pems_) return {};

  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  boost::system::error_code error;
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  if (config_.authority.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->add_certificate_authority(boost::asio::buffer(*authority), error);
  }
  if (error) return keep(unusable("certificate authority", error).error());
  if (!chain->empty()) {
    context->use_certificate_chain(boost::asio::buffer(*chain), error);
    if (error) return keep(unusable("client certificate", error).error());
    context->use_private_key(boost::asio::buffer(*key), ssl::context::pem, error);
    if (error) return keep(unusable("client key", error).error());
  }
  if (config_.insecure) {
    context->set_verify_mode(ssl::verify_none);
  } else {
    context->set_verify_mode(ssl::verify_peer);
    context->set_verify_callback(ssl::host_name_verification(tls_name_));
  }
  context_ = std::move(context);
  pems_ = std::move(pems);
  return {};
}

}  // namespace kgw::kube
