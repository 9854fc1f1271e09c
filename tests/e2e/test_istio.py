"""Istio's automatic mTLS between a real Envoy and a server that demands a certificate of the mesh.

Standalone mode has no agent of Istio beside its proxies, so Envoy is started here, with what the golden files
say that a proxy in a cluster gets: the cluster of a Service, and the files next to its configuration. The
test plays Istio's agent: it moves the certificates into place.
"""

import http.server
import json
import os
import ssl
import threading

import pytest
import yaml

import harness
import pki

GOLDEN = harness.ROOT / "tests/golden/istio/pods-of-the-mesh-are-spoken-to-with-mtls.yaml"
DEPLOYMENT = harness.ROOT / "tests/deployment/istio-mtls.yaml"
CERTIFICATES = "/etc/istio-certs"
CONFIGURATION = "/etc/envoy"

pytestmark = pytest.mark.skipif("KGW_ENVOY" not in os.environ, reason="KGW_ENVOY names no Envoy")


def output(path):
    return yaml.safe_load(path.read_text().split("# Output\n", 1)[1])


class Mesh:
    """Istio's authority and agent."""

    def __init__(self, directory):
        self.directory = directory / "istio-certs"
        self.directory.mkdir()
        self.authority = pki.Authority("mesh")

    def issue(self, account):
        """A new certificate, written as Istio's agent does: file by file, each moved into place."""
        chain, key = self.authority.issue(f"spiffe://cluster.local/ns/shop/sa/{account}")
        for name, pem in (("key.pem", key), ("cert-chain.pem", chain), ("root-cert.pem", self.authority.pem)):
            temporary = self.directory / f".{name}.tmp"
            temporary.write_text(pem)
            temporary.replace(self.directory / name)


class Server(http.server.ThreadingHTTPServer):
    """Says who the client is. With an authority, it is a sidecar with strict mTLS."""

    def __init__(self, directory, authority=None):
        super().__init__(("127.0.0.1", 0), Handler)
        if authority:
            chain, key = authority.issue("spiffe://cluster.local/ns/shop/sa/app")
            for name, pem in (("server.crt", chain), ("server.key", key), ("root.crt", authority.pem)):
                (directory / name).write_text(pem)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(directory / "server.crt", directory / "server.key")
            context.load_verify_locations(directory / "root.crt")
            context.verify_mode = ssl.CERT_REQUIRED
            context.set_alpn_protocols(["istio"])
            context.sni_callback = lambda socket, name, _: setattr(socket, "asked_for", name)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client without a certificate


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        who = {"plain": True}
        if isinstance(self.connection, ssl.SSLSocket):
            names = self.connection.getpeercert()["subjectAltName"]
            who = {"peer": names[0][1], "alpn": self.connection.selected_alpn_protocol(),
                   "sni": self.connection.asked_for}
        body = json.dumps(who).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def bootstrap(directory, in_mesh, outside, port):
    """A proxy with the golden cluster, of one endpoint in the mesh and one outside."""
    (gateway,) = output(GOLDEN)["gateways"]
    cluster = next(c for c in gateway["clusters"] if c["name"] == "kube_default_app_80")
    (assignment,) = (e for e in gateway["endpoints"] if e["cluster_name"] == "kube_default_app_80")
    endpoints = assignment["endpoints"][0]["lb_endpoints"]
    del endpoints[2:]
    for endpoint, server in zip(endpoints, (in_mesh, outside), strict=True):
        endpoint["endpoint"]["address"]["socket_address"].update(
            address="127.0.0.1", port_value=server.server_address[1])
    del cluster["eds_cluster_config"]
    cluster.update(type="STATIC", load_assignment=assignment)
    typed = "type.googleapis.com/envoy.extensions.filters"
    manager = {"@type": f"{typed}.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "http",
               "http_filters": [{"name": "router", "typed_config": {"@type": f"{typed}.http.router.v3.Router"}}],
               "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
                   {"match": {"prefix": "/"}, "route": {"cluster": cluster["name"]}}]}]}}
    config = json.dumps({
        "node": {"id": "test", "cluster": "test"},
        "static_resources": {"clusters": [cluster], "listeners": [{
            "name": "http", "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}]}})
    config_map = next(o for o in output(DEPLOYMENT)["objects"] if o["kind"] == "ConfigMap")
    files = {name: text for name, text in config_map["data"].items() if name.startswith("istio_")}
    for name, text in {**files, "envoy.json": config}.items():
        text = text.replace(CERTIFICATES, str(directory / "istio-certs"))
        (directory / name).write_text(text.replace(CONFIGURATION, str(directory)))


@pytest.fixture
def mesh(directory):
    return Mesh(directory)


@pytest.fixture
def client(directory, mesh):
    servers = Server(directory, mesh.authority), Server(directory)
    port = harness.free_port()
    bootstrap(directory, *servers, port)
    envoy = harness.Process(
        [os.environ["KGW_ENVOY"], "-c", str(directory / "envoy.json"), "--disable-hot-restart", "--concurrency",
         "1"], directory / "envoy.log")
    yield harness.Client(port)
    envoy.close()
    for server in servers:
        server.shutdown()
        server.server_close()
    print(envoy.output())


def answer(client, **wanted):
    """Waits until one of the endpoints answers so."""
    def check():
        response = client.get("/")
        got = response.json() if response.status_code == 200 else {}
        return got if wanted.items() <= got.items() else None
    return harness.eventually(check, f"an answer with {wanted}")


def test_a_certificate_of_the_mesh_is_shown_to_its_pods_only_and_renewed(client, mesh):
    # Before Istio's agent has one, Pods outside of the mesh are served, and those in it are not.
    answer(client, plain=True)
    answers = [client.get("/") for _ in range(4)]
    assert {a.status_code for a in answers} == {200, 503}
    assert all(a.json() == {"plain": True} for a in answers if a.status_code == 200)

    mesh.issue("edge")
    answer(client, peer="spiffe://cluster.local/ns/shop/sa/edge", alpn="istio",
           sni="outbound_.80_._.app.default.svc.cluster.local")
    answer(client, plain=True)

    mesh.issue("renewed")
    answer(client, peer="spiffe://cluster.local/ns/shop/sa/renewed")
