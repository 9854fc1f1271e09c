"""Which rule takes a request: order, spelling of paths, preflights, matches that cannot be used."""

import socket
import subprocess

import grpc
import httpx
import pytest

from harness import BUILD, Client, free_port, gateway, http_route, service


@pytest.fixture
def serve(kgw, v1, v2):
    """Serves the given documents beside Services v1 and v2, when their routes are programmed; returns a client."""
    port = free_port()

    def start(*routes: str, wait=(("HTTPRoute", "route"),)) -> Client:
        kgw.write("gateway.yaml", gateway(port))
        kgw.write("services.yaml", service("v1", {"http": v1.http, "grpc": v1.grpc},
                                           app_protocol={"grpc": "kubernetes.io/h2c"}),
                  service("v2", {"http": v2.http, "grpc": v2.grpc},
                          app_protocol={"grpc": "kubernetes.io/h2c"}))
        kgw.write("routes.yaml", *routes)
        kgw.start()
        for kind, name in wait:
            kgw.wait_condition(kind, name, "kgateway.dev/Programmed", "True")
        return Client(port)

    start.port = port
    return start


def backend(answer: httpx.Response) -> str | None:
    return answer.headers.get("x-backend")


def test_an_expression_comes_before_a_prefix(serve):
    client = serve(http_route("route", """
        - matches: [{path: {type: RegularExpression, value: "/api/v[0-9]+/.*"}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /api}}]
          backendRefs: [{name: v2, port: 80}]
        - matches: [{path: {type: Exact, value: /api/v1/exact}}]
          backendRefs: [{name: v2, port: 80}]
        - backendRefs: [{name: v2, port: 80}]
    """))
    assert backend(client.get("/api/v1/x")) == "v1"
    for path in ("/api/v1", "/api/x", "/", "/api/v1/exact"):
        assert backend(client.get(path)) == "v2", path


def test_a_grpc_method_comes_before_a_prefix(serve):
    client = serve(http_route("web", "- backendRefs: [{name: v1, port: 80}]"),
                   http_route("rpc", """
        - matches: [{method: {type: Exact, method: Ping}}]
          backendRefs: [{name: v2, port: 81}]
    """, kind="GRPCRoute"), wait=(("HTTPRoute", "web"), ("GRPCRoute", "rpc")))
    assert backend(client.get("/")) == "v1"
    same = lambda message: message
    with grpc.insecure_channel(f"127.0.0.1:{serve.port}") as channel:
        reply, call = channel.unary_unary("/any.Service/Ping", same, same).with_call(b"hi", timeout=5)
    assert (reply, dict(call.initial_metadata())["x-backend"]) == (b"hi", "v2")


def raw_get(port: int, path: str) -> int:
    """The status of a request with exactly this path, which HTTP libraries would normalize."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])


LONG = "%E4%BD%A0" * 40  # too long for an expression


def test_spellings_of_a_path_match_alike(serve):
    serve(http_route("route", f"""
        - matches: [{{path: {{type: Exact, value: "/a%7Eb"}}}}, {{path: {{type: Exact, value: "/x%41y"}}}}]
          backendRefs: [{{name: v1, port: 80}}]
        - matches: [{{path: {{value: "/p%2Dq"}}}}, {{path: {{value: "/caf%C3%A9"}}}}]
          backendRefs: [{{name: v1, port: 80}}]
        - matches: [{{path: {{type: Exact, value: "/low%c3%a9"}}}}, {{path: {{value: "/{LONG}"}}}}]
          backendRefs: [{{name: v1, port: 80}}]
    """))
    for path in ("/a%7Eb", "/a%7eb", "/a~b", "/x%41y", "/xAy", "/%78%41%79", "/p%2Dq/z", "/p-q/z", "/p%2dq",
                 "/caf%C3%A9", "/caf%c3%a9", "/caf%C3%a9/z?q=%C3", "/%63af%c3%A9", "/x/../caf%c3%A9//z",
                 "/low%C3%A9", "/low%c3%a9", "/low%c3%A9?x", f"/{LONG}/z", f"/{LONG.lower()}"):
        assert raw_get(serve.port, path) == 200, path
    for path in ("/a%257Eb", "/xay", "/Caf%C3%A9", "/caf%C3%A9s", "/caf%C3%A8", "/Low%c3%a9", "/low%c3%a9/",
                 "/LOW%C3%A9?x=/low%C3%A9", f"/{LONG}z"):
        assert raw_get(serve.port, path) == 404, path


def test_a_prefix_with_escapes_is_replaced_whatever_its_spelling(serve):
    client = serve(http_route("route", """
        - matches: [{path: {value: "/caf%C3%A9"}}]
          filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: "/th%C3%A9"}}]
          filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: "/o%7Eld"}}]
          filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}}]
    """))
    assert client.get("/caf%c3%a9/a").json()["path"] == "/new/a"
    assert client.get("/th%c3%a9/a").json()["path"] == "/a"
    assert client.get("/th%c3%a9").json()["path"] == "/"
    assert client.get("/o~ld/a").headers["location"].endswith("/new/a")


CORS = """
          filters: [{type: CORS, cors: {allowOrigins: ["https://ui.test"], allowMethods: [GET, PUT], allowHeaders: [x-version]}}]"""


def preflight(client: Client, path: str, origin: str = "https://ui.test", method: str = "GET",
              **headers: str) -> httpx.Response:
    asked = {"access-control-request-method": method, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return client.request("OPTIONS", path, headers={"origin": origin, **asked})


def test_preflights_of_narrow_matches_are_answered(serve):
    client = serve(http_route("route", f"""
        - matches: [{{path: {{value: /method}}, method: GET}}, {{path: {{value: /method}}, method: PUT}}]{CORS}
          backendRefs: [{{name: v1, port: 80}}]
        - matches: [{{path: {{value: /header}}, headers: [{{name: x-version, value: v1}}]}}]{CORS}
          backendRefs: [{{name: v1, port: 80}}]
        - matches: [{{path: {{value: /shared}}, method: GET}}]{CORS}
          backendRefs: [{{name: v1, port: 80}}]
        - matches: [{{path: {{value: /shared}}}}]
          backendRefs: [{{name: v2, port: 80}}]
        - matches: [{{path: {{value: /own}}, method: GET}}]{CORS}
          backendRefs: [{{name: v1, port: 80}}]
        - matches: [{{path: {{value: /own}}, method: OPTIONS}}]
          backendRefs: [{{name: v2, port: 80}}]
    """))
    for path in ("/method", "/header", "/shared", "/shared/deeper?x=1"):
        answer = preflight(client, path, access_control_request_headers="x-version")
        assert answer.status_code in (200, 204), path
        assert answer.headers.get("access-control-allow-origin") == "https://ui.test", path
        assert backend(answer) is None, path
    assert preflight(client, "/method", method="PUT").headers["access-control-allow-origin"] == "https://ui.test"
    # From elsewhere: answered, not allowed, not forwarded.
    answer = preflight(client, "/shared", origin="https://evil.test")
    assert "access-control-allow-origin" not in answer.headers and backend(answer) is None
    # What is no preflight of these rules goes where it went.
    assert backend(client.request("OPTIONS", "/shared")) == "v2"
    assert backend(client.request("OPTIONS", "/shared", headers={"origin": "https://ui.test"})) == "v2"
    assert backend(preflight(client, "/shared", origin="")) == "v2"
    assert backend(preflight(client, "/shared", method="PUT")) == "v2"
    assert backend(preflight(client, "/own")) == "v2"
    assert preflight(client, "/header").status_code == 404  # announces another request
    answer = client.get("/method", headers={"origin": "https://ui.test"})
    assert backend(answer) == "v1" and answer.headers["access-control-allow-origin"] == "https://ui.test"


AUTH = """
          filters: [{type: ExternalAuth, externalAuth: {protocol: HTTP, http: {path: /check}, backendRef: {name: v2, port: 80}}}]"""


def test_what_protects_never_falls_through(serve, kgw):
    client = serve(http_route("open", """
        - matches: [{path: {value: /}}, {path: {value: /header}}, {path: {value: /query}}, {path: {type: Exact, value: /exact}}]
          backendRefs: [{name: v1, port: 80}]
    """), http_route("route", f"""
        - matches: [{{path: {{type: RegularExpression, value: "/admin/(("}}}}]{AUTH}
          backendRefs: [{{name: v1, port: 80}}]
        - matches: [{{path: {{value: /header}}, headers: [{{name: x-a, type: RegularExpression, value: "("}}]}}]{AUTH}
          backendRefs: [{{name: v1, port: 80}}]
        - matches: [{{path: {{value: /query}}, queryParams: [{{name: q, type: RegularExpression, value: "("}}]}}]
          backendRefs: [{{name: v1, port: 80, filters: [{{type: ExternalAuth, externalAuth: {{protocol: HTTP, http: {{path: /check}}, backendRef: {{name: v2, port: 80}}}}}}]}}]
        - matches: [{{path: {{type: RegularExpression, value: "/unprotected/(("}}}}]
          backendRefs: [{{name: v2, port: 80}}]
    """), wait=(("HTTPRoute", "open"),))
    kgw.wait_condition("HTTPRoute", "route", "Accepted", "False")
    client.wait_for("/admin/x", status=500)
    assert client.get("/admin/x").status_code == 500
    assert client.get("/admin/x/../y?q=1").status_code == 500
    assert client.get("/header", headers={"x-a": "anything"}).status_code == 500
    assert client.get("/query/x?q=anything").status_code == 500
    for path in ("/", "/adminx", "/header", "/query?r=1", "/exact", "/unprotected/x"):
        assert backend(client.get(path)) == "v1", path


def test_a_protecting_rule_without_any_certain_path_takes_the_host(serve):
    client = serve(http_route("open", """
        - matches: [{path: {value: /long/prefix}}, {path: {value: /}}]
          backendRefs: [{name: v1, port: 80}]
    """), http_route("other", "- backendRefs: [{name: v1, port: 80}]", hostnames=["other.test"]),
        http_route("route", f"""
        - matches: [{{path: {{type: RegularExpression, value: "(("}}}}]{AUTH}
          backendRefs: [{{name: v1, port: 80}}]
    """), wait=(("HTTPRoute", "other"),))
    assert client.wait_for("/long/prefix", status=500)
    assert client.get("/").status_code == 500
    assert backend(client.get("/", host="other.test")) == "v1"


def test_headers_tell_nothing_of_the_proxy(serve, kgw):
    client = serve(http_route("route", """
        - matches: [{path: {value: /environment}}]
          filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-a, value: "%ENVIRONMENT(PATH)%"}]}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /length}}]
          filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-a, value: "%REQ(x):18446744073709551616%"}]}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /redirect}}]
          filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: "/%ENVIRONMENT(PATH)%"}}}]
        - matches: [{path: {value: /rewrite}}]
          filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: "/%ENVIRONMENT(PATH)%"}}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /fine}}]
          filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-a, value: "%REQ(x-b):3%"}]}}]
          backendRefs: [{name: v1, port: 80}]
    """), wait=())
    message = kgw.wait_condition("HTTPRoute", "route", "PartiallyInvalid", "True")["message"]
    assert "spec.rules[0].filters[0].responseHeaderModifier.set[0]" in message
    client.wait_for("/fine")
    for path in ("/environment", "/length"):
        answer = client.get(path)
        assert answer.status_code == 500 and "x-a" not in answer.headers, path
    assert client.get("/redirect").headers["location"].endswith("/%ENVIRONMENT(PATH)%")
    assert client.get("/rewrite").json()["path"] == "/%ENVIRONMENT(PATH)%"
    assert client.get("/fine", headers={"x-b": "abcdef"}).headers["x-a"] == "abc"


def test_check_warns_of_rules_that_are_never_reached(directory):
    routes = directory / "routes.yaml"
    routes.write_text("---\n".join([gateway(80), service("v1", {"http": 1}), http_route("route", """
        - matches: [{path: {type: RegularExpression, value: "/.*"}}]
          backendRefs: [{name: v1, port: 80}]
        - backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {type: Exact, value: /a}}]
          backendRefs: [{name: v1, port: 80}]
    """)]))
    result = subprocess.run([BUILD / "kgateway", "check", str(routes)], capture_output=True, text=True)
    warnings = [line for line in result.stdout.splitlines() + result.stderr.splitlines() if "(Unreachable)" in line]
    assert result.returncode == 0 and len(warnings) == 1, result
    assert "spec.rules[1]: no request gets here: rule 0 of HTTPRoute default/route" in warnings[0]
