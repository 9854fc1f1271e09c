// What this installation trusts: said once, by the command that starts, before the first Model.
// Everything that is computed may rely on it as on a constant.
#pragma once

namespace kgw::attach {

struct Trust {
  // Backends may be addresses of the proxy's own host or pod (local_address.h): whoever writes the
  // objects runs the host.
  bool local_backends = true;
  // Every client is a proxy that can be believed about the request that it got.
  bool forwarded_headers = false;
};

const Trust& trust();
void set_trust(const Trust& trust);

}  // namespace kgw::attach
