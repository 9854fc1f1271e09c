// Whether the files that the xDS port is served with fit together, as proxies will judge them.
#pragma once

#include <string>
#include <vector>

namespace kgw::app {

// What is wrong with tls.crt, tls.key and ca.crt of the directory, in one sentence; empty: nothing.
// Proxies trust ca.crt, and want one of `names` in the certificate.
std::string xds_certificate_problem(const std::string& directory,
                                    const std::vector<std::string>& names);

}  // namespace kgw::app
