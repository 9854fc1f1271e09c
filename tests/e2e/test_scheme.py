""":scheme follows the transport to the backend, whatever the client's connection is."""

import ssl

import httpx
import pytest
import yaml

import pki
from harness import Client, free_port, gateway, http_route, service
from web import Http2Web, Web


def backend_tls_policy(ca: pki.Authority) -> str:
    return yaml.safe_dump_all([
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": ca.pem}},
        {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy", "metadata": {"name": "policy"},
         "spec": {"targetRefs": [{"group": "", "kind": "Service", "name": "secure"}],
                  "validation": {"hostname": "in.example.com",
                                 "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}}}])


@pytest.fixture
def backends(directory):
    """A plain HTTP/2 server, one with TLS, and one that takes mirrored requests."""
    ca = pki.Authority()
    certificate, key = ca.issue("in.example.com")
    (directory / "backend.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "backend.pem")
    context.set_alpn_protocols(["h2"])
    servers = Http2Web(), Http2Web(context), Web("mirror")
    yield ca, *servers
    for server in servers:
        server.close()


def test_scheme_follows_the_backend(kgw, backends):
    ca, plain, secure, mirror = backends
    http, https = free_port(), free_port()
    h2c = {"http": "kubernetes.io/h2c"}
    kgw.write("gateway.yaml", gateway(http, listeners=f"""
        - {{name: http, port: {http}, protocol: HTTP}}
        - {{name: https, port: {https}, protocol: HTTPS, tls: {{certificateRefs: [{{name: edge}}]}}}}
    """), pki.secret("edge", ca.issue("example.com")), backend_tls_policy(ca))
    kgw.write("services.yaml", service("plain", {"http": plain.port}, app_protocol=h2c),
              service("secure", {"http": secure.port}, app_protocol=h2c), service("mirror", {"http": mirror.port}))
    kgw.write("routes.yaml", http_route("route", """
        - matches: [{path: {value: /plain}}]
          backendRefs: [{name: plain, port: 80}]
        - matches: [{path: {value: /secure}}]
          filters: [{type: RequestMirror, requestMirror: {backendRef: {name: mirror, port: 80}}}]
          backendRefs: [{name: secure, port: 80}]
        - matches: [{path: {value: /moved}}]
          filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org, path: {type: ReplaceFullPath, replaceFullPath: /x}}}]
    """))
    kgw.start()
    kgw.wait_condition("HTTPRoute", "route", "kgateway.dev/Programmed", "True")
    Client(http).wait_for("/plain")
    for scheme, port in (("http", http), ("https", https)):
        with httpx.Client(base_url=f"{scheme}://127.0.0.1:{port}", verify=False,
                          headers={"host": "example.com"}) as client:
            for path, expected in (("/plain", "http"), ("/secure", "https")):
                headers = client.get(path).json()
                assert headers[":scheme"] == expected, (scheme, path)
                assert headers["x-forwarded-proto"] == scheme, (scheme, path)
            assert client.get("/moved").headers["location"] == f"{scheme}://example.org:{port}/x"
