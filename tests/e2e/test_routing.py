"""HTTPRoute and GRPCRoute: what a request gets, through a real Envoy."""

import collections
import concurrent.futures

import grpc
import pytest
from websockets.sync.client import connect

from harness import Client, eventually, free_port, gateway, http_route, service


@pytest.fixture
def served(kgw, v1, v2):
    """Serves the given rules on one host and port, with Services v1 and v2; returns a client."""
    port = free_port()

    def serve(rules: str, *more: str, **route) -> Client:
        kgw.write("gateway.yaml", gateway(port))
        kgw.write("services.yaml", service("v1", {"http": v1.http, "grpc": v1.grpc},
                                           app_protocol={"grpc": "kubernetes.io/h2c"}),
                  service("v2", {"http": v2.http, "grpc": v2.grpc},
                          app_protocol={"grpc": "kubernetes.io/h2c"}))
        kgw.write("routes.yaml", http_route("route", rules, **route), *more)
        kgw.start()
        kgw.wait_condition(route.get("kind", "HTTPRoute"), "route", "kgateway.dev/Programmed", "True")
        return Client(port)

    serve.port = port
    return serve


def test_matching_and_precedence(served):
    client = served("""
        - matches: [{path: {type: Exact, value: /one}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /v2}}]
          backendRefs: [{name: v2, port: 80}]
        - matches: [{path: {type: RegularExpression, value: "/re/[0-9]+"}}]
          backendRefs: [{name: v2, port: 80}]
        - matches: [{path: {value: /h}, headers: [{name: X-Version, value: two}]}]
          backendRefs: [{name: v2, port: 80}]
        - matches: [{path: {value: /h}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /m}, method: POST}]
          backendRefs: [{name: v2, port: 80}]
        - matches: [{path: {value: /q}, queryParams: [{name: a, value: b}]}]
          backendRefs: [{name: v2, port: 80}]
    """)
    expected = {"/one": "v1", "/v2": "v2", "/v2/": "v2", "/v2/x?y": "v2", "/re/12": "v2", "/h": "v1",
                "/q?a=b": "v2", "/q?x=1&a=b": "v2"}
    for path, backend in expected.items():
        assert client.get(path).headers.get("x-backend") == backend, path
    assert client.get("/h", headers={"x-version": "two"}).headers["x-backend"] == "v2"
    assert client.request("POST", "/m").headers["x-backend"] == "v2"
    for path in ("/", "/one/", "/One", "/v2example", "/re/x", "/m", "/q?a=c", "/q?A=b"):
        assert client.get(path).status_code == 404, path


def test_hosts(served):
    client = served("""
        - backendRefs: [{name: v1, port: 80}]
    """, http_route("exact", "- backendRefs: [{name: v2, port: 80}]", hostnames=["a.example.com"]),
        hostnames=["*.example.com", "example.org"])
    for host, backend in {"b.example.com": "v1", "x.y.example.com": "v1", "example.org": "v1",
                          "a.example.com": "v2", "A.Example.Com": "v2", "a.example.com:1234": "v2"}.items():
        assert client.wait_for("/", host=host).headers["x-backend"] == backend, host
    for host in ("example.com", "example.net"):
        assert client.get("/", host=host).status_code == 404, host


def test_redirects_and_rewrites(served):
    client = served("""
        - matches: [{path: {value: /old}}]
          filters:
          - type: RequestRedirect
            requestRedirect: {statusCode: 308, hostname: example.org, path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}
        - matches: [{path: {value: /secure}}]
          filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]
        - matches: [{path: {value: /strip}}]
          filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /full}}]
          filters: [{type: URLRewrite, urlRewrite: {hostname: in.example.com, path: {type: ReplaceFullPath, replaceFullPath: /one}}}]
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /each}}]
          backendRefs:
          - {name: v1, port: 80, filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /first}}}]}
          - {name: v2, port: 80, filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /second}}}]}
    """)
    answer = client.get("/old/shelf?x=1")
    assert (answer.status_code, answer.headers["location"]) == (308, f"http://example.org:{served.port}/new/shelf?x=1")
    answer = client.get("/secure/x")
    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/secure/x")
    answer = client.get("/secure/x", host="example.com:1234")
    assert answer.headers["location"] == "https://example.com:443/secure/x"
    assert client.get("/strip/a").json()["path"] == "/a"
    assert client.get("/strip").json()["path"] == "/"
    assert client.get("/strip/").json()["path"] == "/"
    answer = client.get("/full/x").json()
    assert (answer["path"], answer["host"]) == ("/one", "in.example.com")
    seen = {(a["backend"], a["path"]) for a in (client.get("/each/z").json() for _ in range(40))}
    assert seen == {("v1", "/first/z"), ("v2", "/second/z")}


def test_header_modifiers_of_rule_and_backend(served):
    client = served("""
        - matches: [{path: {value: /rule}}]
          filters:
          - type: RequestHeaderModifier
            requestHeaderModifier: {set: [{name: x-set, value: "100%"}, {name: x-path, value: "at %REQ(:path)%"}], add: [{name: x-add, value: b}], remove: [x-gone]}
          - type: ResponseHeaderModifier
            responseHeaderModifier: {set: [{name: x-backend, value: masked}], add: [{name: x-more, value: "1"}]}
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /backend}}]
          backendRefs:
          - {name: v1, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: chosen, value: v1}]}}]}
          - {name: v2, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: chosen, value: v2}]}}]}
    """)
    answer = client.get("/rule", headers={"x-add": "a", "x-gone": "1", "x-set": "old"})
    headers = {name.lower(): value for name, value in answer.json()["headers"].items()}
    assert headers["x-set"] == ["100%"] and headers["x-path"] == ["at /rule"] and "x-gone" not in headers
    assert ",".join(headers["x-add"]) == "a,b"
    assert answer.headers["x-backend"] == "masked" and answer.headers["x-more"] == "1"
    for _ in range(30):
        answer = client.get("/backend").json()
        assert answer["headers"]["chosen"] == [answer["backend"]]


def test_weights(served):
    client = served("""
        - matches: [{path: {value: /split}}]
          backendRefs: [{name: v1, port: 80, weight: 9}, {name: v2, port: 80, weight: 1}]
        - matches: [{path: {value: /half}}]
          backendRefs: [{name: v1, port: 80}, {name: missing, port: 80}]
        - matches: [{path: {value: /zero}}]
          backendRefs: [{name: v1, port: 80, weight: 0}]
        - matches: [{path: {value: /never}}]
          backendRefs: [{name: v1, port: 80}, {name: v2, port: 80, weight: 0}]
    """)
    def spread(path, key):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return collections.Counter(key(a) for a in pool.map(lambda _: client.get(path), range(400)))
    split = spread("/split", lambda a: a.headers["x-backend"])
    assert 15 <= split["v2"] <= 75, split  # 40 expected, 6 sigma
    half = spread("/half", lambda a: a.status_code)
    assert set(half) == {200, 500} and 130 <= half[500] <= 270, half
    assert client.get("/zero").status_code == 500
    assert set(spread("/never", lambda a: a.headers["x-backend"])) == {"v1"}


def test_invalid_backends_answer_500(served):
    client = served("""
        - matches: [{path: {value: /missing}}]
          backendRefs: [{name: missing, port: 80}]
        - matches: [{path: {value: /none}}]
        - matches: [{path: {value: /kind}}]
          backendRefs: [{kind: Cabbage, name: v1, port: 80}]
        - matches: [{path: {value: /foreign}}]
          backendRefs: [{name: v1, namespace: other, port: 80}]
        - matches: [{path: {value: /fine}}]
          backendRefs: [{name: v1, port: 80}]
    """)
    for path in ("/missing", "/none", "/kind", "/foreign"):
        assert client.get(path).status_code == 500, path
    assert client.get("/fine").status_code == 200


def test_mirror(served, v2):
    client = served("""
        - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}}}]
          backendRefs: [{name: v1, port: 80}]
    """)
    for _ in range(10):
        assert client.get("/mirrored").headers["x-backend"] == "v1"
    eventually(lambda: v2.process.output().count("GET /mirrored") == 10, "v2 got every copy")


def test_timeouts(served):
    client = served("""
        - matches: [{path: {value: /request}}]
          timeouts: {request: 200ms}
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /backend}}]
          timeouts: {backendRequest: 200ms}
          backendRefs: [{name: v1, port: 80}]
        - matches: [{path: {value: /off}}]
          timeouts: {request: 0s}
          backendRefs: [{name: v1, port: 80}]
    """)
    assert client.get("/request?delay=2000").status_code == 504
    assert client.get("/backend?delay=2000").status_code == 504
    assert client.get("/off?delay=400").status_code == 200
    assert client.get("/request").status_code == 200


def test_retry_on_connection_error_finds_the_healthy_endpoint(kgw, v1):
    port = free_port()
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"http": v1.http}, addresses=["127.0.0.1", "127.0.0.9"]))
    kgw.write("routes.yaml", http_route("route", """
        - retry: {attempts: 5}
          backendRefs: [{name: v1, port: 80}]
    """))
    kgw.start()
    client = Client(port)
    client.wait_for("/")
    assert [client.get("/").status_code for _ in range(30)] == [200] * 30


def test_session_persistence(served):
    client = served("""
        - sessionPersistence: {cookie: {}}
          backendRefs: [{name: v1, port: 80}, {name: v2, port: 80}]
    """)
    seen = set()
    for _ in range(40):  # sessions; that all of them go to one of two backends is as good as impossible
        first = client.get("/")
        cookies = "; ".join(c.split(";")[0] for c in first.headers.get_list("set-cookie"))
        later = [client.get("/", headers={"cookie": cookies}) for _ in range(6)]
        assert {answer.headers["x-backend"] for answer in later} == {first.headers["x-backend"]}
        seen.add(first.headers["x-backend"])
    assert seen == {"v1", "v2"}


def test_cors(served):
    client = served("""
        - filters:
          - type: CORS
            cors: {allowOrigins: ["https://*.example.org", "http://one.example.com:8080"], allowMethods: [GET, PUT], allowHeaders: [x-a], maxAge: 60, allowCredentials: true}
          backendRefs: [{name: v1, port: 80}]
    """)
    preflight = {"access-control-request-method": "PUT", "access-control-request-headers": "x-a"}
    for origin in ("https://www.example.org", "http://one.example.com:8080"):
        answer = client.request("OPTIONS", "/", headers={"origin": origin, **preflight})
        assert answer.status_code in (200, 204)
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert {m.strip() for m in answer.headers["access-control-allow-methods"].split(",")} == {"GET", "PUT"}
    for origin in ("https://example.net", "http://www.example.org", "http://one.example.com"):
        answer = client.get("/", headers={"origin": origin})
        assert "access-control-allow-origin" not in answer.headers, origin


def test_websocket(served):
    served("- backendRefs: [{name: v1, port: 80}]")
    with connect(f"ws://127.0.0.1:{served.port}/chat", additional_headers={"host": "example.com"}) as socket:
        for message in ("text", b"binary"):
            socket.send(message)
            assert socket.recv(timeout=5) == message


def test_grpc(served):
    served("""
        - matches: [{method: {service: demo.Greeter, method: Hello}}]
          backendRefs: [{name: v2, port: 81}]
        - matches: [{method: {service: demo.Greeter}}]
          backendRefs: [{name: v1, port: 81}]
    """, kind="GRPCRoute")
    identity = lambda message: message
    with grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel:
        def call(method):
            reply = channel.unary_unary(method, identity, identity).with_call(b"hi", timeout=5)
            return reply[0], dict(reply[1].initial_metadata())["x-backend"]
        assert call("/demo.Greeter/Hello") == (b"hi", "v2")
        assert call("/demo.Greeter/Bye") == (b"hi", "v1")
        with pytest.raises(grpc.RpcError) as error:
            call("/demo.Other/Hello")
        assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_http2_and_h2c_backend(served):
    client = served("""
        - backendRefs: [{name: v1, port: 80}]
    """)
    h2 = Client(served.port, http1=False, http2=True)
    answer = h2.get("/")
    assert answer.http_version == "HTTP/2" and answer.headers["x-backend"] == "v1"
    assert client.get("/").http_version == "HTTP/1.1"


def test_external_auth(kgw, v1, v2):
    """v2 plays the authorization service: its status decides."""
    port = free_port()
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"http": v1.http}), service("v2", {"http": v2.http}))
    kgw.write("routes.yaml", http_route("route", """
        - matches: [{path: {value: /open}}]
          backendRefs: [{name: v1, port: 80}]
        - filters:
          - type: ExternalAuth
            externalAuth: {protocol: HTTP, backendRef: {name: v2, port: 80}, http: {path: /check, allowedHeaders: [x-token]}, forwardBody: {maxSize: 8}}
          backendRefs: [{name: v1, port: 80}]
    """))
    kgw.start()
    client = Client(port)
    client.wait_for("/open", backend="v1")
    assert client.get("/ok").headers["x-backend"] == "v1"
    assert client.get("/refused?status=403").status_code == 403
    assert client.request("POST", "/ok", content=b"12345678").headers["x-backend"] == "v1"
    assert client.request("POST", "/ok", content=b"123456789").status_code == 413
    v2.close()
    eventually(lambda: client.get("/ok").status_code == 403, "a dead authorization service fails closed")
    assert client.get("/open").status_code == 200
