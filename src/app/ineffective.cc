#include "app/ineffective.h"

#include "attach/local_address.h"
#include "attach/tls_options.h"
#include "attach/trust.h"

namespace kgw::app {

Diagnostics ineffective_in_listeners(const Translation& translation) {
  Diagnostics found;
  const auto report = [&](const attach::BoundListener& listener, const attach::Fault& fault) {
    if (!fault) return;
    found.push_back({listener.id.owner,
                     "spec.listeners[" + listener.id.name.str() + "].tls",
                     fault.reason.str(),
                     fault.message.str(),
                     Severity::kWarning,
                     {}});
  };
  translation.model.listeners.for_each(
      [&](const ObjectKey&, const attach::GatewayListeners& gateway) {
        for (const attach::BoundListener& listener : gateway.listeners) {
          report(listener, attach::ineffective_tls_options(listener));
          const auto* tls = translation.model.listener_tls.find(listener.id);
          if (tls != nullptr) report(listener, tls->warning);
        }
      });
  return found;
}

Diagnostics refused_endpoints(const Translation& translation) {
  Diagnostics found;
  if (attach::trust().local_backends) return found;
  translation.model.inputs.endpoint_slices.for_each(
      [&](const ObjectKey&, const EndpointSlice& slice) {
        for (std::size_t i = 0; i < slice.endpoints.size(); ++i) {
          const auto& addresses = slice.endpoints[i].addresses;
          if (addresses.empty()) continue;
          const attach::Fault fault = attach::local_host(addresses.front());
          if (!fault) continue;
          found.push_back({slice.ref(),
                           "endpoints[" + std::to_string(i) + "].addresses[0]",
                           fault.reason.str(),
                           fault.message.str(),
                           Severity::kError,
                           {}});
        }
      });
  return found;
}

}  // namespace kgw::app
