#include "attach/local_address.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace kgw::attach {
namespace {

// f(word) for each word of a text.
template <typename F>
void for_each_word(const char* text, F&& f) {
  std::istringstream words(text);
  for (std::string word; words >> word;) f(word);
}

TEST(LocalAddress, OfEverySpelling) {
  for_each_word(
      "127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 169.254.169.254 "
      ":: ::1 0:0:0:0:0:0:0:1 fe80::1 FEBF::1 fe80::1%eth0 "
      "::ffff:127.0.0.1 ::ffff:7f00:1 ::FFFF:169.254.169.254 ::ffff:0.0.0.0 ::127.0.0.1 "
      "localhost LocalHost localhost. a.localhost a.b.LOCALHOST. 1.localhost 127.localhost "
      "localhost.localdomain localhost6 ip6-localhost ip6-loopback",
      [](const std::string& host) { EXPECT_TRUE(is_local(host)) << host; });
}

TEST(LocalAddress, NothingElse) {
  for_each_word(
      "10.0.0.1 128.0.0.1 126.255.255.255 169.253.0.1 1.0.0.0 fec0::1 fd00::1 2001:db8::1 ::2 "
      "::ffff:10.0.0.1 ::10.0.0.1 1::ffff:127.0.0.1 example.com localhost.example.com "
      "notlocalhost 127.example.com 0.pool.ntp.org 1.localhost9 .",
      [](const std::string& host) { EXPECT_FALSE(is_local(host)) << host; });
  EXPECT_FALSE(is_local(""));
}

}  // namespace
}  // namespace kgw::attach
