"""TLS on both sides of the gateway, and listeners that are not HTTP."""

import collections
import socket
import ssl
import threading

import pytest

import pki
from harness import Client, eventually, free_port, gateway, http_route, service


def https_get(port, context, sni, host=None, path="/"):
    """Status and server certificate's DNS names of one HTTP/1.1 request over TLS."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        with context.wrap_socket(raw, server_hostname=sni) as secure:
            names = [value for kind, value in secure.getpeercert().get("subjectAltName", ())]
            secure.sendall(f"GET {path} HTTP/1.1\r\nHost: {host or sni}\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while chunk := secure.recv(65536):
                data += chunk
    return int(data.split(b" ", 2)[1]), names, data


def listener(name, port, protocol="HTTPS", hostname=None, certificates=(), mode=None):
    tls = {"certificateRefs": [{"name": c} for c in certificates]} if certificates else {}
    if mode:
        tls["mode"] = mode
    return {"name": name, "port": port, "protocol": protocol, **({"hostname": hostname} if hostname else {}),
            **({"tls": tls} if tls else {})}


def write_gateway(kgw, listeners, **spec):
    import yaml
    kgw.write("gateway.yaml", yaml.safe_dump({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "gw"},
        "spec": {"gatewayClassName": "kgateway", "addresses": [{"value": "127.0.0.1"}],
                 "listeners": listeners, **spec}}))


class TlsServer:
    """A TLS echo of the SNI and the client's certificate, for backend TLS."""

    def __init__(self, pair, directory, client_ca=None):
        certificate, key = directory / "server.crt", directory / "server.key"
        certificate.write_text(pair[0])
        key.write_text(pair[1])
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.seen = []
        self.context.sni_callback = lambda s, name, c: self.seen.append(name)
        if client_ca:
            self.context.load_verify_locations(cadata=client_ca)
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                raw, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(raw,), daemon=True).start()

    def answer(self, raw):
        try:
            with self.context.wrap_socket(raw, server_side=True) as secure:
                secure.settimeout(5)
                request = b""
                while b"\r\n\r\n" not in request and (chunk := secure.recv(65536)):
                    request += chunk
                secure.sendall(b"HTTP/1.1 200 OK\r\nx-backend: tls\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except (OSError, ssl.SSLError):
            pass

    def close(self):
        self.socket.close()


def test_certificates_by_sni_and_misdirected_requests(kgw, v1):
    port = free_port()
    ca = pki.Authority()
    kgw.write("certificates.yaml", pki.secret("a", ca.issue("a.example.com")),
              pki.secret("wild", ca.issue("*.example.com")))
    write_gateway(kgw, [listener("a", port, hostname="a.example.com", certificates=["a"]),
                        listener("wild", port, hostname="*.example.com", certificates=["wild"]),
                        listener("any", port, certificates=["a", "wild"])])
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kgw.write("routes.yaml", http_route("route", "- backendRefs: [{name: v1, port: 80}]",
                                        hostnames=["*.example.com", "other.org"]))
    kgw.start()
    kgw.wait_condition("HTTPRoute", "route", "kgateway.dev/Programmed", "True")
    context = pki.client_context(ca, "http/1.1")
    status, names, _ = https_get(port, context, "a.example.com")
    assert (status, names) == (200, ["a.example.com"])
    status, names, _ = https_get(port, context, "b.example.com")
    assert (status, names) == (200, ["*.example.com"])
    assert https_get(port, context, "b.example.com", host="c.example.com")[0] == 200
    assert https_get(port, context, "b.example.com", host="a.example.com")[0] == 421
    assert https_get(port, context, "a.example.com", host="b.example.com")[0] == 421
    assert https_get(port, context, "a.example.com", host="other.org")[0] == 421


def test_certificate_rotation_is_seen_and_a_bad_one_keeps_the_last_good(kgw, v1):
    port = free_port()
    ca = pki.Authority()
    first, second = ca.issue("a.example.com", "one.test"), ca.issue("a.example.com", "two.test")
    kgw.write("certificates.yaml", pki.secret("a", first))
    write_gateway(kgw, [listener("https", port, certificates=["a"])])
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kgw.write("routes.yaml", http_route("route", "- backendRefs: [{name: v1, port: 80}]"))
    kgw.start()
    context = pki.client_context(ca, "http/1.1")
    eventually(lambda: "one.test" in https_get(port, context, "a.example.com")[1])
    kgw.write("certificates.yaml", pki.secret("a", second))
    eventually(lambda: "two.test" in https_get(port, context, "a.example.com")[1])
    kgw.write("certificates.yaml", pki.secret("a", (first[0], second[1])))  # does not match its key
    kgw.wait_condition("Gateway", "gw", "ResolvedRefs", "False", "InvalidCertificateRef", listener="https")
    assert "two.test" in https_get(port, context, "a.example.com")[1]
    kgw.write("certificates.yaml", pki.secret("a", first))
    eventually(lambda: "one.test" in https_get(port, context, "a.example.com")[1])
    kgw.wait_condition("Gateway", "gw", "ResolvedRefs", "True", listener="https")


def test_client_certificates(kgw, v1, directory):
    port, lax = free_port(), free_port()
    ca, other = pki.Authority(), pki.Authority("other")
    files = {}
    for name, authority in (("good", ca), ("bad", other)):
        certificate, key = authority.issue("client")
        files[name] = (str(directory / f"{name}.crt"), str(directory / f"{name}.key"))
        (directory / f"{name}.crt").write_text(certificate)
        (directory / f"{name}.key").write_text(key)
    kgw.write("certificates.yaml", pki.secret("a", ca.issue("a.example.com")), pki.config_map("ca", ca.pem))
    refs = [{"group": "", "kind": "ConfigMap", "name": "ca"}]
    write_gateway(kgw, [listener("strict", port, certificates=["a"]), listener("lax", lax, certificates=["a"])],
                  tls={"frontend": {"default": {"validation": {"caCertificateRefs": refs}},
                                    "perPort": [{"port": lax, "tls": {"validation": {
                                        "mode": "AllowInsecureFallback", "caCertificateRefs": refs}}}]}})
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kgw.write("routes.yaml", http_route("route", "- backendRefs: [{name: v1, port: 80}]"))
    kgw.start()
    kgw.wait_condition("HTTPRoute", "route", "kgateway.dev/Programmed", "True")
    def get(to, who):
        return https_get(to, pki.client_context(ca, "http/1.1", pair_files=files.get(who)), "a.example.com")[0]
    assert get(port, "good") == 200
    for who in ("bad", None):
        with pytest.raises((ssl.SSLError, OSError)):
            get(port, who)
    for who in ("good", "bad", None):
        assert get(lax, who) == 200, who
    kgw.wait_condition("Gateway", "gw", "InsecureFrontendValidationMode", "True", "ConfigurationChanged")


def backend_tls_policy(hostname, ca="ca", sans=None):
    import yaml
    return yaml.safe_dump({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy", "metadata": {"name": "policy"},
        "spec": {"targetRefs": [{"group": "", "kind": "Service", "name": "secure"}],
                 "validation": {"hostname": hostname,
                                "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": ca}],
                                **({"subjectAltNames": sans} if sans else {})}}})


def test_backend_tls(kgw, directory):
    port = free_port()
    ca, gateway_ca = pki.Authority(), pki.Authority("gateway ca")
    server = TlsServer(ca.issue("in.example.com", "spiffe://example.com/app"), directory, gateway_ca.pem)
    kgw.write("gateway.yaml", "")
    write_gateway(kgw, [{"name": "http", "port": port, "protocol": "HTTP"}],
                  tls={"backend": {"clientCertificateRef": {"name": "client"}}})
    kgw.write("certificates.yaml", pki.secret("client", gateway_ca.issue("gateway")),
              pki.config_map("ca", ca.pem), pki.config_map("wrong", pki.Authority("x").pem))
    kgw.write("services.yaml", service("secure", {"https": server.port}))
    kgw.write("routes.yaml", http_route("route", "- backendRefs: [{name: secure, port: 80}]"))
    kgw.write("policy.yaml", backend_tls_policy("in.example.com"))
    kgw.start()
    client = Client(port)
    try:
        client.wait_for("/", backend="tls")
        assert server.seen[-1] == "in.example.com"
        for policy in (backend_tls_policy("wrong.example.com"), backend_tls_policy("in.example.com", ca="wrong"),
                       backend_tls_policy("in.example.com", ca="nobody"),
                       backend_tls_policy("x.example.com", sans=[{"type": "URI", "uri": "spiffe://example.com/no"}])):
            kgw.write("policy.yaml", policy)
            eventually(lambda: client.get("/").status_code >= 500, "a backend that cannot be verified fails")
        kgw.write("policy.yaml", backend_tls_policy(
            "sni.example.com", sans=[{"type": "Hostname", "hostname": "no.example.com"},
                                     {"type": "URI", "uri": "spiffe://example.com/app"}]))
        client.wait_for("/", backend="tls")
        assert server.seen[-1] == "sni.example.com"
    finally:
        server.close()


def test_tls_passthrough_terminate_and_https_on_one_port(kgw, v1, directory):
    port = free_port()
    ca, inside = pki.Authority(), pki.Authority("inside")
    server = TlsServer(inside.issue("pass.example.com"), directory)
    kgw.write("certificates.yaml", pki.secret("cert", ca.issue("*.example.com")))
    write_gateway(kgw, [listener("pass", port, "TLS", "pass.example.com", mode="Passthrough"),
                        listener("term", port, "TLS", "term.example.com", ["cert"], "Terminate"),
                        listener("web", port, "HTTPS", "web.example.com", ["cert"])])
    kgw.write("services.yaml", service("v1", {"http": v1.http}), service("tcp", {"tcp": v1.tcp}),
              service("secure", {"https": server.port}))
    kgw.write("routes.yaml",
              http_route("pass", "- backendRefs: [{name: secure, port: 80}]", kind="TLSRoute", hostnames=["pass.example.com"]),
              http_route("term", "- backendRefs: [{name: tcp, port: 80}]", kind="TLSRoute", hostnames=["term.example.com"]),
              http_route("web", "- backendRefs: [{name: v1, port: 80}]", hostnames=["web.example.com"]))
    kgw.start()
    kgw.wait_condition("HTTPRoute", "web", "kgateway.dev/Programmed", "True")
    try:
        eventually(lambda: https_get(port, pki.client_context(ca, "http/1.1"), "web.example.com")[0] == 200)
        eventually(lambda: https_get(port, pki.client_context(inside), "pass.example.com")[0] == 200)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            with pki.client_context(ca).wrap_socket(raw, server_hostname="term.example.com") as secure:
                secure.sendall(b"hello")
                assert secure.recv(100) == b"v1: hello"
        with pytest.raises((ssl.SSLError, OSError)):
            https_get(port, pki.client_context(ca), "unknown.example.com")
    finally:
        server.close()


def test_tcp_and_udp(kgw, v1, v2):
    tcp, udp = free_port(), free_port(socket.SOCK_DGRAM)
    write_gateway(kgw, [{"name": "tcp", "port": tcp, "protocol": "TCP"}, {"name": "udp", "port": udp, "protocol": "UDP"}])
    kgw.write("services.yaml", service("t1", {"tcp": v1.tcp}), service("t2", {"tcp": v2.tcp}),
              service("u1", {"udp": v1.udp}, protocol="UDP"), service("u2", {"udp": v2.udp}, protocol="UDP"))
    kgw.write("routes.yaml",
              http_route("tcp", "- backendRefs: [{name: t1, port: 80, weight: 3}, {name: t2, port: 80, weight: 1}]", kind="TCPRoute"),
              http_route("udp", "- backendRefs: [{name: u1, port: 80, weight: 3}, {name: u2, port: 80, weight: 1}]", kind="UDPRoute"))
    kgw.start()

    def over_tcp():
        with socket.create_connection(("127.0.0.1", tcp), timeout=5) as connection:
            connection.sendall(b"x")
            return connection.recv(100)

    def over_udp():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            s.sendto(b"x", ("127.0.0.1", udp))
            return s.recv(100)

    for send in (over_tcp, over_udp):
        eventually(lambda: send() in (b"v1: x", b"v2: x"))
        spread = collections.Counter(send() for _ in range(200))
        assert set(spread) == {b"v1: x", b"v2: x"} and 20 <= spread[b"v2: x"] <= 85, spread
