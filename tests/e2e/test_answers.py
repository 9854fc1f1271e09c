"""Rules that answer by themselves (a redirect, a failure), and headers of answers, through a real Envoy."""

import collections

import grpc
import pytest

from harness import Client, eventually, free_port, gateway, http_route, service
from web import Web

CORS = """{type: CORS, cors: {allowOrigins: ["https://ui.test", "https://*.ui.test"], allowMethods: [GET, PUT], \
allowHeaders: [x-version], exposeHeaders: [x-more], allowCredentials: true}}"""
FRAME = "{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-frame-options, value: DENY}]}}"
REDIRECT = "{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}"


@pytest.fixture
def served(kgw):
    """Serves the given rules with Services app and other; returns a client."""
    app, other = Web("app"), Web("other")
    port = free_port()

    def serve(rules: str, kind: str = "HTTPRoute") -> Client:
        kgw.write("gateway.yaml", gateway(port))
        kgw.write("services.yaml", service("app", {"http": app.port}), service("other", {"http": other.port}))
        kgw.write("routes.yaml", http_route("route", rules, kind=kind))
        kgw.start()
        kgw.wait_condition(kind, "route", "kgateway.dev/Programmed", "True")
        return Client(port)

    serve.port, serve.other = port, other
    yield serve
    app.close()
    other.close()


def test_cors_acts_on_redirects_and_failures(served):
    client = served(f"""
        - matches: [{{path: {{value: /moved}}}}]
          filters: [{CORS}, {REDIRECT}]
        - matches: [{{path: {{value: /gone}}}}]
          filters: [{CORS}, {FRAME}]
          backendRefs: [{{name: nothere, port: 80}}]
        - matches: [{{path: {{value: /none}}}}]
          filters: [{CORS}, {FRAME}]
        - matches: [{{path: {{value: /half}}}}]
          filters: [{CORS}, {FRAME}]
          backendRefs: [{{name: app, port: 80}}, {{name: nothere, port: 80}}]
    """)
    preflight = {"access-control-request-method": "PUT", "access-control-request-headers": "x-version"}
    for path in ("/moved", "/gone", "/none", "/half"):
        for origin in ("https://ui.test", "https://a.ui.test"):
            answer = client.request("OPTIONS", path, headers={"origin": origin, **preflight})
            assert answer.status_code == 200, path
            assert answer.headers["access-control-allow-origin"] == origin, path
            assert answer.headers["access-control-allow-methods"] == "GET, PUT", path
            assert answer.headers["access-control-allow-credentials"] == "true", path
        answer = client.request("OPTIONS", path, headers={"origin": "https://evil.test", **preflight})
        assert "access-control-allow-origin" not in answer.headers and "location" not in answer.headers, path
    for path, statuses in (("/moved", {301}), ("/gone", {500}), ("/none", {500}), ("/half", {200, 500})):
        seen = set()
        for _ in range(20):
            answer = client.get(path, headers={"origin": "https://ui.test"})
            seen.add(answer.status_code)
            assert answer.headers["access-control-allow-origin"] == "https://ui.test", path
            assert answer.headers["access-control-expose-headers"] == "x-more", path
            assert path == "/moved" or answer.headers["x-frame-options"] == "DENY", path
        assert seen == statuses, path
    answer = client.get("/moved/x", headers={"origin": "https://evil.test"})
    assert (answer.status_code, answer.headers["location"]) == (301, "https://example.com/moved/x")
    assert "access-control-allow-origin" not in answer.headers


def test_a_mirror_of_a_redirect_is_reported(served, kgw):
    client = served(f"""
        - filters: [{{type: RequestMirror, requestMirror: {{backendRef: {{name: other, port: 80}}}}}}, {REDIRECT}]
    """)
    assert client.get("/").status_code == 301
    accepted = kgw.condition("HTTPRoute", "route", "Accepted")
    assert accepted["status"] == "True" and "spec.rules[0].filters[0]: nothing is mirrored" in accepted["message"]
    assert served.other.paths == []


def test_external_auth_protects_redirects_and_failures(served):
    """Service other does not speak the protocol of an authorization server: whoever asks it is refused."""
    auth = "{type: ExternalAuth, externalAuth: {protocol: GRPC, grpc: {}, backendRef: {name: other, port: 80}}}"
    client = served(f"""
        - matches: [{{path: {{value: /moved}}}}]
          filters: [{auth}, {REDIRECT}]
        - matches: [{{path: {{value: /cors}}}}]
          filters: [{auth}, {CORS}, {REDIRECT}]
        - matches: [{{path: {{value: /gone}}}}]
          filters: [{auth}]
          backendRefs: [{{name: nothere, port: 80}}]
        - matches: [{{path: {{value: /none}}}}]
          filters: [{auth}]
    """)
    for path in ("/moved", "/cors", "/gone", "/none"):
        for headers in ({}, {"origin": "https://ui.test"}):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 403 and "location" not in answer.headers, path


def test_server_header(served):
    client = served(f"""
        - matches: [{{path: {{value: /set}}}}]
          filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: Server, value: mine}}]}}}}]
          backendRefs: [{{name: app, port: 80}}]
        - matches: [{{path: {{value: /remove}}}}]
          filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{remove: [server]}}}}]
          backendRefs: [{{name: app, port: 80}}]
        - matches: [{{path: {{value: /moved}}}}]
          filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{remove: [server]}}}}, {REDIRECT}]
        - matches: [{{path: {{value: /gone}}}}]
          filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: server, value: mine}}]}}}}]
          backendRefs: [{{name: nothere, port: 80}}]
        - matches: [{{path: {{value: /share}}}}]
          backendRefs:
          - name: app
            port: 80
            filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: server, value: mine}}]}}}}]
        - matches: [{{path: {{value: /plain}}}}]
          backendRefs: [{{name: app, port: 80}}]
    """)
    expected = {"/set": ["mine"], "/remove": [], "/moved": [], "/gone": ["mine"], "/share": ["mine"],
                "/plain": ["envoy"], "/unknown": ["envoy"]}
    for path, values in expected.items():
        assert client.get(path).headers.get_list("server") == values, path


def test_edits_of_headers_of_the_connection_do_no_harm(served, kgw):
    edit = "{set: [{name: Content-Length, value: '5'}, {name: Transfer-Encoding, value: chunked}, {name: x-kept, value: 'yes'}]}"
    client = served(f"""
        - filters:
          - {{type: RequestHeaderModifier, requestHeaderModifier: {edit}}}
          - {{type: ResponseHeaderModifier, responseHeaderModifier: {edit}}}
          backendRefs: [{{name: app, port: 80}}]
    """)
    for _ in range(3):
        answer = client.request("POST", "/", content=b"0123456789")
        assert answer.json()["headers"]["content-length"] == "10"
        assert answer.json()["headers"]["x-kept"] == answer.headers["x-kept"] == "yes"
    message = kgw.condition("HTTPRoute", "route", "Accepted")["message"]
    for field in ("requestHeaderModifier.set[0]", "responseHeaderModifier.set[1]"):
        assert field in message


def test_a_grpc_route_without_a_valid_backend_is_unavailable(kgw, v1):
    port = free_port()
    refs = {"missing": "[{name: nothere, port: 80}]", "zero": "[{name: v1, port: 80, weight: 0}]", "none": "[]",
            "half": "[{name: v1, port: 80}, {name: nothere, port: 80}]"}
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"grpc": v1.grpc}))
    kgw.write("routes.yaml", *(http_route(name, f"- backendRefs: {list_}", kind="GRPCRoute",
                                          hostnames=[f"{name}.test"]) for name, list_ in refs.items()))
    kgw.start()
    for name in refs:
        kgw.wait_condition("GRPCRoute", name, "kgateway.dev/Programmed", "True")
    identity = lambda message: message

    def codes(name: str) -> collections.Counter:
        counter: collections.Counter = collections.Counter()
        options = [("grpc.default_authority", f"{name}.test")]
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            call = channel.unary_unary("/demo.Greeter/Hello", identity, identity)
            for _ in range(40):
                try:
                    call(b"hi", timeout=5)
                    counter[grpc.StatusCode.OK] += 1
                except grpc.RpcError as error:
                    counter[error.code()] += 1
        return counter

    eventually(lambda: codes("half")[grpc.StatusCode.OK], "the route is served")
    for name in ("missing", "zero", "none"):
        assert set(codes(name)) == {grpc.StatusCode.UNAVAILABLE}, name
    assert set(codes("half")) == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
