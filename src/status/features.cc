#include <algorithm>
#include <string>
#include <vector>

#include "status/gateway_status.h"

namespace kgw::status {

// GatewayClass.status.supportedFeatures of Gateway API v1.7. Only what is built and tested is
// listed.
std::vector<std::string> supported_features(const Platform& platform) {
  std::vector<std::string> features = {
      "BackendTLSPolicy",
      "BackendTLSPolicySANValidation",
      "GRPCRoute",
      "GRPCRouteNamedRouteRule",
      "GRPCRouteRequestHeaderModifier",
      "Gateway",
      "GatewayBackendClientCertificate",
      "GatewayFrontendClientCertificateValidation",
      "GatewayFrontendClientCertificateValidationInsecureFallback",
      "GatewayHTTPListenerIsolation",
      "GatewayHTTPSListenerDetectMisdirectedRequests",
      "GatewayPort8080",
      "GatewayRouteHostnameIntersectionPrecedence",
      "HTTPRoute",
      "HTTPRoute303RedirectStatusCode",
      "HTTPRoute307RedirectStatusCode",
      "HTTPRoute308RedirectStatusCode",
      "HTTPRouteBackendProtocolH2C",
      "HTTPRouteBackendProtocolWebSocket",
      "HTTPRouteBackendRequestHeaderModification",
      "HTTPRouteBackendTimeout",
      "HTTPRouteBackendURLRewrite",
      "HTTPRouteCORS",
      "HTTPRouteDestinationPortMatching",
      "HTTPRouteHostRewrite",
      "HTTPRouteMethodMatching",
      "HTTPRouteNamedRouteRule",
      "HTTPRouteParentRefPort",
      "HTTPRoutePathRedirect",
      "HTTPRoutePathRewrite",
      "HTTPRoutePortRedirect",
      "HTTPRouteQueryParamMatching",
      "HTTPRouteRequestMirror",
      "HTTPRouteRequestMultipleMirrors",
      "HTTPRouteRequestPercentageMirror",
      "HTTPRouteRequestTimeout",
      "HTTPRouteResponseHeaderModification",
      "HTTPRouteRetryCodes",
      "HTTPRouteRetryConnectionError",
      "HTTPRouteSchemeRedirect",
      "ListenerSet",
      "ReferenceGrant",
      "TCPRoute",
      "TLSRoute",
      "TLSRouteModeMixed",
      "TLSRouteModeTerminate",
      "UDPRoute",
  };
  if (platform.deploys) {
    for (const char* feature :
         {"GatewayAddressEmpty", "GatewayInfrastructure", "GatewayStaticAddresses"}) {
      features.insert(std::ranges::upper_bound(features, feature), feature);
    }
  }
  for (const Kind kind : platform.missing_kinds) {
    std::erase_if(features,
                  [&](const std::string& feature) { return feature.starts_with(kind_name(kind)); });
  }
  return features;
}

}  // namespace kgw::status
