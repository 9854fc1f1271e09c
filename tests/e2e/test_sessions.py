"""Session persistence (GEP-1619) through a real Envoy."""

import httpx
import pytest
import yaml

from harness import Client, eventually, free_port, gateway, http_route
from web import Web


def service_of(name: str, webs: list[Web]) -> str:
    """A Service with an EndpointSlice per backend, because each has a port of its own."""
    slices = [{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
               "metadata": {"name": f"{name}-{i}", "labels": {"kubernetes.io/service-name": name}},
               "addressType": "IPv4", "ports": [{"name": "http", "port": web.port}],
               "endpoints": [{"addresses": ["127.0.0.1"]}]} for i, web in enumerate(webs)]
    return yaml.safe_dump_all([{"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                                "spec": {"ports": [{"name": "http", "port": 80}]}}, *slices])


@pytest.fixture
def served(kgw):
    """Serves the given rules with Services a and b of three endpoints each; returns a client."""
    webs = {name: [Web(f"{name}{i}") for i in range(3)] for name in "ab"}
    port = free_port()

    def serve(rules: str) -> Client:
        kgw.write("gateway.yaml", gateway(port))
        kgw.write("services.yaml", *(service_of(name, list_) for name, list_ in webs.items()))
        kgw.write("routes.yaml", http_route("route", rules))
        kgw.start()
        kgw.wait_condition("HTTPRoute", "route", "kgateway.dev/Programmed", "True")
        return Client(port)

    yield serve
    for web in [web for list_ in webs.values() for web in list_]:
        web.close()


def browser(client: Client) -> httpx.Client:
    """A client with a cookie jar."""
    return httpx.Client(base_url=client.base, headers={"host": client.host})


def backend_of(jar: httpx.Client, path: str) -> str:
    answer = jar.get(path)
    assert answer.status_code == 200, answer
    return answer.headers["x-backend"]


def test_rules_without_a_cookie_name_do_not_share_sessions(served):
    client = served("""
        - matches: [{path: {value: /a}}]
          sessionPersistence: {cookie: {}}
          backendRefs: [{name: a, port: 80}]
        - matches: [{path: {value: /a2}}]
          sessionPersistence: {cookie: {}}
          backendRefs: [{name: a, port: 80}]
        - matches: [{path: {value: /b}}]
          sessionPersistence: {cookie: {}}
          backendRefs: [{name: b, port: 80}]
    """)
    differ = 0
    for _ in range(20):
        with browser(client) as jar:
            seen = {path: {backend_of(jar, path) for _ in range(6)} for path in ("/a", "/b", "/a2", "/a", "/b")}
            assert all(len(backends) == 1 for backends in seen.values()), seen
            differ += seen["/a"] != seen["/a2"]
    assert differ > 0  # by chance 13 of 20; were the session shared, none


def test_a_backend_of_weight_zero_keeps_its_sessions_and_takes_no_new_ones(served, kgw):
    def rules(a: int, b: int) -> str:
        return f"""
            - sessionPersistence: {{cookie: {{name: s}}}}
              filters:
              - type: ResponseHeaderModifier
                responseHeaderModifier: {{set: [{{name: x-weights, value: "{a}-{b}"}}]}}
              backendRefs: [{{name: a, port: 80, weight: {a}}}, {{name: b, port: 80, weight: {b}}}]
        """
    client = served(rules(1, 1))
    jars = [browser(client) for _ in range(30)]
    before = [backend_of(jar, "/") for jar in jars]
    assert {name[0] for name in before} == {"a", "b"}

    def switch(a: int, b: int) -> None:
        kgw.write("routes.yaml", http_route("route", rules(a, b)))
        eventually(lambda: client.get("/").headers.get("x-weights") == f"{a}-{b}", "the new weights are served")

    switch(0, 1)
    for _ in range(3):
        assert [backend_of(jar, "/") for jar in jars] == before
    for _ in range(30):
        with browser(client) as jar:
            seen = {backend_of(jar, "/") for _ in range(3)}
            assert len(seen) == 1 and seen.pop().startswith("b")
    switch(0, 0)
    assert [backend_of(jar, "/") for jar in jars] == before
    assert client.get("/").status_code == 500
    switch(1, 0)
    assert [backend_of(jar, "/") for jar in jars] == before
    for jar in jars:
        jar.close()


def test_manifests_of_earlier_versions_need_no_name(served):
    client = served("""
        - matches: [{path: {value: /type}}]
          sessionPersistence: {type: Cookie}
          backendRefs: [{name: a, port: 80}]
        - matches: [{path: {value: /config}}]
          sessionPersistence: {cookieConfig: {lifetimeType: Session}, idleTimeout: 1m}
          backendRefs: [{name: a, port: 80}]
        - matches: [{path: {value: /header}}]
          sessionPersistence: {type: Header}
          backendRefs: [{name: a, port: 80}]
    """)
    for path in ("/type", "/config"):
        with browser(client) as jar:
            assert len({backend_of(jar, path) for _ in range(9)}) == 1, path
    first = client.get("/header")
    session = {"x-session-persistence": first.headers["x-session-persistence"]}
    assert {client.get("/header", headers=session).headers["x-backend"] for _ in range(9)} == \
        {first.headers["x-backend"]}
