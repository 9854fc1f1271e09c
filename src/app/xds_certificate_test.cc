#include "app/xds_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "attach/test_certificates.h"

namespace kgw::app {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr const char* kName = "kgateway.kgateway-system.svc";

class XdsCertificateTest : public ::testing::Test {
 protected:
  XdsCertificateTest() { std::filesystem::create_directories(directory_); }
  ~XdsCertificateTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& certificate, const std::string& key, const std::string& authority) {
    std::ofstream(directory_ + "/tls.crt") << certificate;
    std::ofstream(directory_ + "/tls.key") << key;
    std::ofstream(directory_ + "/ca.crt") << authority;
  }
  std::string problem() const {
    return xds_certificate_problem(directory_, {kName, "kgateway.kgateway-system"});
  }

  const std::string directory_ = ::testing::TempDir() + "kgw-xds-certificate";
  const attach::Pair good_ = attach::make_pair(kName);
  const attach::Pair other_ = attach::make_pair(kName);
};

TEST_F(XdsCertificateTest, WhatFitsTogetherHasNoProblem) {
  write(good_.certificate, good_.key, other_.certificate + good_.certificate);
  EXPECT_EQ(problem(), "");
}

TEST_F(XdsCertificateTest, SaysWhatProxiesWouldRefuse) {
  EXPECT_THAT(problem(), EndsWith("/tls.crt cannot be read, or is empty"));
  write(good_.certificate, other_.key, good_.certificate);
  EXPECT_THAT(problem(), HasSubstr("does not belong to the first certificate"));
  write(good_.certificate, good_.key, other_.certificate);
  EXPECT_THAT(problem(), HasSubstr("is not accepted by who trusts ca.crt: "));
  write(good_.certificate, good_.key, "nonsense");
  EXPECT_THAT(problem(), HasSubstr("ca.crt: there is no PEM certificate in it"));
  const attach::Pair misnamed = attach::make_pair("elsewhere.example");
  write(misnamed.certificate, misnamed.key, misnamed.certificate);
  EXPECT_THAT(problem(), EndsWith("is for none of the names of the Service: "
                                  "kgateway.kgateway-system.svc, kgateway.kgateway-system"));
  const attach::Pair old = attach::self_signed(kName, EVP_EC_gen("P-256"), -60);
  write(old.certificate, old.key, old.certificate);
  EXPECT_THAT(problem(), HasSubstr("certificate has expired"));
}

}  // namespace
}  // namespace kgw::app
