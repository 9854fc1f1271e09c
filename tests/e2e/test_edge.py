"""What a proxy at the edge does with clients it does not know: limits, headers, HTTP/2, datagrams."""

import contextlib
import hashlib
import json
import pathlib
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events
import pytest

import pki
from harness import Client, eventually, free_port, gateway, http_route, service
from test_tls import https_get, listener, write_gateway

ROUTE = "- backendRefs: [{name: v1, port: 80}]"


@pytest.fixture
def edge(kgw, v1):
    """An HTTP port that leads to v1."""
    port = free_port()
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kgw.write("routes.yaml", http_route("route", ROUTE))
    kgw.start()
    Client(port).wait_for("/")
    return port


class Http2:
    """One HTTP/2 connection without TLS whose frames a test sees."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False))
        self.connection.initiate_connection()
        self.events: list[h2.events.Event] = []
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.connection.data_to_send())

    def send(self, headers: list[tuple[str, str]], end: bool = True) -> int:
        stream = self.connection.get_next_available_stream_id()
        self.connection.send_headers(stream, headers, end_stream=end)
        self.flush()
        return stream

    def get(self, path: str = "/") -> int:
        return self.send([(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "x")])

    def wait(self, kind, stream: int | None = None):
        """The first event of that kind; fails when the connection ends before."""
        while True:
            for event in self.events:
                if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                    return event
            data = self.socket.recv(65536)
            assert data, f"the connection was closed; seen: {self.events}"
            self.events += self.connection.receive_data(data)
            self.flush()

    def status(self, stream: int) -> int:
        return int(dict(self.wait(h2.events.ResponseReceived, stream).headers)[b":status"])


def extended_connect(protocol: str) -> list[tuple[str, str]]:
    return [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":path", "/ws"),
            (":authority", "x"), ("sec-websocket-version", "13")]


@pytest.mark.parametrize("request_headers", [
    extended_connect("websocket"),
    extended_connect("unheard-of"),
    [(":method", "CONNECT"), (":authority", "x:80")],
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "x"), ("Upper", "case")],
    [(":method", "GET"), (":scheme", "http"), (":authority", "x")],
], ids=["websocket", "unknown-protocol", "connect", "upper-case", "no-path"])
def test_what_cannot_be_served_over_http2_costs_its_stream_alone(edge, request_headers):
    """A proxy in front sends requests of many clients over one connection."""
    connection = Http2(edge)
    before, bad = connection.get(), connection.send(request_headers, end=False)
    after = connection.get()
    assert connection.status(before) == 200 and connection.status(after) == 200
    ended = connection.wait((h2.events.StreamReset, h2.events.ResponseReceived), bad)
    assert isinstance(ended, h2.events.StreamReset) or connection.status(bad) >= 400


def test_http2_limits_are_announced(edge):
    connection = Http2(edge)
    changed = connection.wait(h2.events.RemoteSettingsChanged).changed_settings
    announced = {int(code): setting.new_value for code, setting in changed.items()}
    assert announced[3] == 100 and announced[4] == 256 * 1024
    assert announced.get(8, 0) == 0, "browsers would use WebSockets over HTTP/2"


FOREIGN = ["x-envoy-upstream-rq-timeout-ms", "x-envoy-retry-on", "x-envoy-attempt-count", "x-envoy-original-path",
           "x-envoy-peer-metadata", "x-envoy-auth-partial-body", "x-envoy-internal", "x-forwarded-client-cert",
           "forwarded", "x-forwarded-host", "x-forwarded-port"]


def seen_headers(port: int, headers: dict[str, str]) -> dict[str, str]:
    """The request's headers as the backend got them."""
    body = Client(port).get("/", headers=headers).json()
    return {name.lower(): ",".join(values) for name, values in body["headers"].items()}


def test_headers_of_envoy_and_of_untrusted_proxies_do_not_come_from_outside(edge):
    seen = seen_headers(edge, {**{name: "forged" for name in FOREIGN}, "x-forwarded-proto": "https",
                               "x-forwarded-for": "192.0.2.1", "x-own": "kept", "snake_case": "kept"})
    assert "forged" not in json.dumps(seen)
    assert seen["x-forwarded-proto"] == "http" and seen["x-forwarded-for"].startswith("192.0.2.1,")
    assert seen["x-own"] == seen["snake_case"] == "kept"


def test_a_trusted_proxy_in_front_may_say_what_was_asked_for(kgw, v1):
    port = free_port()
    kgw.extra.append("--trust-forwarded-headers")
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kgw.write("routes.yaml", http_route("route", ROUTE))
    kgw.start()
    Client(port).wait_for("/")
    seen = seen_headers(port, {name: "told" for name in FOREIGN})
    assert {name for name, value in seen.items() if value == "told"} == {
        "forwarded", "x-forwarded-host", "x-forwarded-port"}


@pytest.mark.parametrize("size", [1000, 100_000, 900_000])
def test_a_request_larger_than_the_buffer_of_its_connection_is_retried(kgw, v1, size):
    port = free_port()
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kgw.write("routes.yaml", http_route("route", ROUTE + "\n  retry: {attempts: 2, codes: [503], backoff: 10ms}"))
    kgw.start()
    client = Client(port)
    client.wait_for("/")
    assert client.request("POST", "/large?status=503", content=b"x" * size).status_code == 503
    assert v1.process.output().count("/large") == 3


class Datagrams:
    """A UDP server that sends back what it gets."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                data, sender = self.socket.recvfrom(65536)
                self.socket.sendto(data, sender)


@pytest.fixture
def datagrams():
    server = Datagrams()
    yield server
    server.socket.close()


def test_datagrams_of_any_size_pass_both_ways(kgw, datagrams):
    port = free_port(socket.SOCK_DGRAM)
    kgw.write("gateway.yaml", gateway(port, listeners=f"[{{name: dns, port: {port}, protocol: UDP}}]"))
    kgw.write("services.yaml", service("echo", {"dns": datagrams.port}, protocol="UDP"))
    kgw.write("routes.yaml", http_route("route", "- backendRefs: [{name: echo, port: 80}]", kind="UDPRoute"))
    kgw.start()

    def answer(text: bytes) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(1)
            client.sendto(text, ("127.0.0.1", port))
            return client.recv(65536)

    for size in (100, 1500, 1501, 4096, 9000, 60_000, 65_507):
        text = (bytes(range(256)) * 256)[:size]
        assert eventually(lambda sent=text: answer(sent), f"{size} bytes come back") == text


def test_a_tcp_route_takes_what_a_tls_listener_terminates(kgw, v1, v2):
    """A TLSRoute has the hosts that it names; the TCPRoute has the rest, and of two of them the elder."""
    port = free_port()
    ca = pki.Authority()
    kgw.write("certificates.yaml", pki.secret("cert", ca.issue("*.example.com")))
    write_gateway(kgw, [listener("tls", port, "TLS", certificates=["cert"], mode="Terminate")])
    kgw.write("services.yaml", service("v1", {"tcp": v1.tcp}), service("v2", {"tcp": v2.tcp}))
    kgw.write("routes.yaml", http_route("rest", ROUTE, kind="TCPRoute"),
              http_route("named", "- backendRefs: [{name: v2, port: 80}]", kind="TLSRoute",
                         hostnames=["named.example.com"]))
    kgw.start()
    kgw.wait_condition("TCPRoute", "rest", "kgateway.dev/Programmed", "True")
    (entry,) = kgw.status("Gateway", "gw")["listeners"]
    assert [kind["kind"] for kind in entry["supportedKinds"]] == ["TLSRoute", "TCPRoute"]
    assert entry["attachedRoutes"] == 2

    def answer(name: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            with pki.client_context(ca).wrap_socket(raw, server_hostname=name) as secure:
                secure.sendall(b"hello")
                return secure.recv(100)

    eventually(lambda: answer("any.example.com") == b"v1: hello")
    assert answer("named.example.com") == b"v2: hello"


def certificate_hash(pem: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


@pytest.mark.parametrize("form", ["{0}", "- {1} - {0}", "{1},{0}"], ids=["one", "dashes", "commas"])
@pytest.mark.parametrize("protocol", ["HTTPS", "TLS"])
def test_clients_are_known_by_the_hash_of_their_certificate_without_an_authority(kgw, v1, directory, form, protocol):
    port = free_port()
    ca, anybody = pki.Authority(), pki.Authority("anybody")
    files, hashes = {}, {}
    for name in ("right", "wrong"):
        pair = anybody.issue(name)
        files[name] = (str(directory / f"{name}.crt"), str(directory / f"{name}.key"))
        for path, text in zip(files[name], pair):
            (directory / path).write_text(text)
        hashes[name] = certificate_hash(pair[0])
    entry = listener("tls", port, protocol, certificates=["a"])
    entry["tls"]["options"] = {"kgateway.dev/verify-certificate-hash": form.format(hashes["right"], "ab" * 32)}
    kgw.write("certificates.yaml", pki.secret("a", ca.issue("a.example.com")))
    write_gateway(kgw, [entry])
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kind = "HTTPRoute" if protocol == "HTTPS" else "TCPRoute"
    kgw.write("routes.yaml", http_route("route", ROUTE, kind=kind))
    kgw.start()
    kgw.wait_condition(kind, "route", "kgateway.dev/Programmed", "True")

    def get(who: str | None) -> int:
        context = pki.client_context(ca, "http/1.1", pair_files=files.get(who))
        return https_get(port, context, "a.example.com")[0]

    assert eventually(lambda: get("right")) == 200
    for who in ("wrong", None):
        with pytest.raises((ssl.SSLError, OSError)):
            get(who)
    assert get("right") == 200


def test_an_envoy_knows_nothing_of_the_environment_but_what_it_needs(kgw, monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    monkeypatch.setenv("TZ", "UTC")
    kgw.write("gateway.yaml", gateway(free_port()))
    kgw.start()
    (pid,) = eventually(kgw.envoy_pids)
    names = {entry.partition("=")[0] for entry in
             pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0") if entry}
    assert "TZ" in names and names <= {"PATH", "TZ", "RES_OPTIONS", "LOCALDOMAIN"}


def test_an_envoy_sheds_load_before_memory_or_files_end(kgw):
    kgw.write("gateway.yaml", gateway(free_port()))
    kgw.start()
    (pid,) = eventually(kgw.envoy_pids)
    command = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    overload = json.loads(pathlib.Path(command[command.index("-c") + 1]).read_text())["overload_manager"]
    limits = {each["name"].rsplit(".", 1)[1]: each["typed_config"] for each in overload["resource_monitors"]}
    assert int(limits["fixed_heap"]["max_heap_size_bytes"]) > 0
    assert int(limits["global_downstream_max_connections"]["max_active_downstream_connections"]) >= 100
