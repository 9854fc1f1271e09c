// Test support: random routes with everything that a rule can hold, as YAML.
#pragma once

#include <initializer_list>
#include <random>
#include <string>

namespace kgw::app::test {

using Random = std::mt19937;

inline std::string pick(Random& random, std::initializer_list<const char*> choices) {
  return *(choices.begin() + random() % choices.size());
}

inline std::string number(Random& random, unsigned below) {
  return std::to_string(random() % below);
}

// Two tenants.
inline std::string random_namespace(Random& random) { return pick(random, {"default", "team"}); }

inline std::string random_labels(Random& random) {
  return "labels: {tenant: " + pick(random, {"a", "b"}) + "}";
}

inline std::string random_backend_ref(Random& random) {
  return pick(random, {"name: s", "name: s", "name: s",
                       "group: gateway.kgateway.dev, kind: Backend, name: b"}) +
         number(random, 4) + ", namespace: " + random_namespace(random) + ", port: 80";
}

inline std::string random_header_filter(Random& random) {
  const std::string field = pick(random, {"request", "response"});
  return "{type: " + std::string(field == "request" ? "Request" : "Response") + "HeaderModifier, " +
         field + "HeaderModifier: {set: [{name: " + pick(random, {"x-a", "x-b", "host"}) +
         ", value: \"" + pick(random, {"v", "50%", "%REQ(x-c):9%", "%ENVIRONMENT(HOME)%"}) +
         "\"}], remove: [" + pick(random, {"", "x-d"}) + "]}}";
}

inline std::string random_path_edit(Random& random) {
  return pick(random, {"{type: ReplaceFullPath, replaceFullPath: /full}",
                       "{type: ReplaceFullPath, replaceFullPath: /}",
                       "{type: ReplaceFullPath, replaceFullPath: /%C3%A9}",
                       "{type: ReplacePrefixMatch, replacePrefixMatch: /new}",
                       "{type: ReplacePrefixMatch, replacePrefixMatch: /}"});
}

inline std::string random_mirror(Random& random) {
  return "{type: RequestMirror, requestMirror: {backendRef: {" + random_backend_ref(random) +
         "}, percent: " + number(random, 101) + "}}";
}

inline std::string random_cors(Random& random) {
  return "{type: CORS, cors: {allowOrigins: [\"" +
         pick(random, {"*", "https://a.test", "https://*.test"}) + "\"], allowMethods: [GET]}}";
}

inline std::string random_auth(Random& random) {
  return "{type: ExternalAuth, externalAuth: {protocol: " +
         pick(random, {"HTTP, http: {path: /check}", "GRPC, grpc: {}"}) + ", backendRef: {" +
         random_backend_ref(random) + "}}}";
}

inline std::string random_rewrite(Random& random) {
  return "{type: URLRewrite, urlRewrite: {" + pick(random, {"", "hostname: in.test, "}) +
         "path: " + random_path_edit(random) + "}}";
}

inline std::string random_redirect(Random& random) {
  return "{type: RequestRedirect, requestRedirect: {" +
         pick(random, {"", "scheme: https, ", "hostname: out.test, ", "port: 8443, "}) +
         "path: " + random_path_edit(random) + "}}";
}

using MakeText = std::string (*)(Random&);

// Each of `makers` now and then.
inline std::string random_filters(Random& random, std::initializer_list<MakeText> makers) {
  std::string list;
  for (const MakeText make : makers) {
    if (random() % 5 == 0) list += (list.empty() ? "" : ", ") + make(random);
  }
  return list;
}

inline std::string random_http_filters(Random& random) {
  return random_filters(
      random, {random_header_filter, random_mirror, random_cors, random_auth, random_rewrite});
}

inline std::string random_grpc_filters(Random& random) {
  return random_filters(random, {random_header_filter, random_mirror});
}

inline std::string random_backends(Random& random, MakeText filters) {
  std::string list;
  for (unsigned i = 0; i <= random() % 2; ++i) {
    list += (list.empty() ? "{" : ", {") + random_backend_ref(random) +
            ", weight: " + number(random, 3) +
            (random() % 4 == 0 ? ", filters: [" + filters(random) + "]" : "") + "}";
  }
  return list;
}

// What stands beside matches, filters and backends.
inline std::string random_limits(Random& random) {
  return pick(random, {"", "", "    timeouts: {request: 2s, backendRequest: 1s}\n",
                       "    timeouts: {request: 0s}\n"}) +
         pick(random, {"", "", "    retry: {attempts: 3, codes: [503], backoff: 10ms}\n"}) +
         pick(random, {"", "", "    sessionPersistence: {cookie: {}}\n",
                       "    sessionPersistence: {type: Header, header: {name: x-session}}\n"});
}

inline std::string random_match(Random& random) {
  return "{path: {type: " +
         pick(random, {"PathPrefix, value: /a", "Exact, value: /b", "PathPrefix, value: /",
                       "RegularExpression, value: \"/x.*\"", "RegularExpression, value: \".*\"",
                       "RegularExpression, value: \"/a/((\"", "Exact, value: \"/c%7Ed%c3%a9\""}) +
         "}" + pick(random, {"", "", ", method: GET", ", method: OPTIONS"}) +
         pick(random, {"", "", ", headers: [{name: x-v, value: v1}]",
                       ", headers: [{name: x-v, type: RegularExpression, value: \"(\"}]"}) +
         pick(random, {"", "", "", ", queryParams: [{name: q, value: q1}]"}) + "}";
}

inline std::string random_parent(Random& random) {
  return pick(random, {"name: gw0", "name: gw1", "kind: ListenerSet, name: ls0",
                       "kind: ListenerSet, name: ls1"}) +
         ", namespace: " + pick(random, {"default", "default", "team"}) +
         pick(random, {"", "", ", sectionName: l0", ", port: 81"});
}

// A route that takes connections or datagrams as they are; or, of TLS, by name.
inline std::string random_stream_route(Random& random) {
  const std::string kind = pick(random, {"TCPRoute", "UDPRoute", "TLSRoute"});
  return "apiVersion: gateway.networking.k8s.io/" + std::string("v1") +
         (kind == "TLSRoute" ? "" : "alpha2") + "\nkind: " + kind + "\nmetadata: {name: t" +
         number(random, 3) + ", namespace: " + pick(random, {"default", "team"}) +
         "}\nspec:\n  parentRefs: [{" + random_parent(random) + "}]\n" +
         (kind == "TLSRoute"
              ? "  hostnames: [" +
                    pick(random, {"a.example.com", "\"*.example.com\"", "other.org"}) + "]\n"
              : "") +
         "  rules: [{backendRefs: [{name: s" + number(random, 4) +
         ", port: 80, weight: " + number(random, 3) + "}]}]\n";
}

inline std::string random_grpc_route(Random& random) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: g" +
         number(random, 3) + ", namespace: " + pick(random, {"default", "team"}) +
         "}\nspec:\n  parentRefs: [{" + random_parent(random) + "}]\n  hostnames: [" +
         pick(random, {"", "a.example.com", "\"*.example.com\""}) +
         "]\n  rules: [{matches: [{method: {" +
         pick(random, {"service: a.B", "service: a.B, method: C", "method: C",
                       "type: RegularExpression, service: \"a.*\""}) +
         "}}], filters: [" + random_grpc_filters(random) + "], backendRefs: [" +
         random_backends(random, random_grpc_filters) + "]}]\n";
}

// What a rule of an HTTPRoute does with what it matches.
inline std::string random_redirecting(Random& random) {
  return "    filters: [" + random_redirect(random) +
         (random() % 3 == 0 ? ", " + random_cors(random) : "") + "]\n";
}

inline std::string random_forwarding(Random& random) {
  return "    filters: [" + random_http_filters(random) + "]\n    backendRefs: [" +
         random_backends(random, random_http_filters) + "]\n" + random_limits(random);
}

inline std::string random_route(Random& random) {
  std::string text =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r" +
      number(random, 6) + ", namespace: " + random_namespace(random) + ", " +
      random_labels(random) + "}\nspec:\n  parentRefs: [{" + random_parent(random) +
      "}]\n  hostnames: [" +
      pick(random, {"", "a.example.com", "\"*.example.com\"", "b.example.com, other.org",
                    "\"*.t1.example.com\", \"*.t2.example.com\"", "x.t1.example.com"}) +
      "]\n  rules:\n";
  for (unsigned i = 0; i <= random() % 3; ++i) {
    text += "  - matches: [" + random_match(random) +
            (random() % 3 == 0 ? ", " + random_match(random) : "") + "]\n" +
            (random() % 6 == 0 ? random_redirecting(random) : random_forwarding(random));
  }
  return text;
}

}  // namespace kgw::app::test
