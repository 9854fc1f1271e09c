#include "app/xds_credentials.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace kgw::app {
namespace {

namespace tls = grpc::experimental;

constexpr unsigned kRefreshSeconds = 10;

// The chain to the CA is verified before. Thread: gRPC's.
class OneOfNames final : public tls::ExternalCertificateVerifier {
 public:
  explicit OneOfNames(std::vector<std::string> names) : names_(std::move(names)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* status) override {
    for (const grpc::string_ref& name : request->dns_names()) {
      if (std::ranges::find(names_, std::string(name.data(), name.size())) != names_.end()) {
        return true;
      }
    }
    *status = {grpc::StatusCode::UNAUTHENTICATED,
               "the certificate is not for " + names_.front() + " or another name of the Service"};
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::vector<std::string> names_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> xds_server_credentials(const std::string& directory) {
  auto certificates = std::make_shared<tls::FileWatcherCertificateProvider>(
      directory + "/tls.key", directory + "/tls.crt", kRefreshSeconds);
  tls::TlsServerCredentialsOptions options(certificates);
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  return tls::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> xds_client_credentials(const std::string& directory,
                                                                 std::vector<std::string> names) {
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::FileWatcherCertificateProvider>(
      directory + "/ca.crt", kRefreshSeconds));
  options.watch_root_certs();
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);  // that is an address
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<OneOfNames>(std::move(names)));
  return tls::TlsCredentials(options);
}

}  // namespace kgw::app
