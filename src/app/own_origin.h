// Whether a request to the admin endpoints comes from somebody who means them, and not from a web
// page in a browser on the same machine: by DNS rebinding a page reaches loopback under a name of
// its own, and any page may send forms to any address.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/http.h"

namespace kgw::app {

// Why the request is refused, for its sender. Taken are: no Host at all (no browser leaves it out);
// a Host that is localhost, a loopback address, the address that the client connected to, or one of
// `names`; and an Origin only if it is the Host's own.
std::optional<std::string> foreign_origin(const HttpRequest& request,
                                          const std::vector<std::string>& names);

}  // namespace kgw::app
