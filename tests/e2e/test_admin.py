"""The admin endpoints are for whoever runs this kgateway, and not for web pages; they show no credentials."""

import json
import os
import shutil
import socket
import stat

from harness import Client, eventually, free_port, gateway, http_route, service

ROUTE = """
- matches: [{headers: [{name: x-api-key, value: hidden-one}]}]
  filters:
  - type: RequestHeaderModifier
    requestHeaderModifier: {set: [{name: authorization, value: Bearer hidden-two}]}
  - type: ResponseHeaderModifier
    responseHeaderModifier: {add: [{name: x-marker, value: hidden-three}]}
  backendRefs: [{name: v1, port: 80}]
"""


def start(kgw, v1) -> int:
    port = free_port()
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kgw.write("route.yaml", http_route("r", ROUTE))
    kgw.start()
    Client(port).wait_for("/", headers={"x-api-key": "hidden-one"})
    return port


def ask(kgw, headers: str, target: str = "/status", method: str = "GET") -> int:
    host, port = kgw.admin.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as s:
        s.sendall(f"{method} {target} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n".encode())
        return int(s.makefile("rb").readline().split()[1])


def test_a_web_page_gets_nothing(kgw, v1):
    kgw.extra += ["--admin-host", "gateway.example.com"]
    start(kgw, v1)
    port = kgw.admin.split(":")[1]
    for headers in (f"Host: localhost:{port}\r\n", f"Host: {kgw.admin}\r\n", f"Host: gateway.example.com:{port}\r\n",
                    f"Host: {kgw.admin}\r\nOrigin: http://{kgw.admin}\r\n"):
        assert ask(kgw, headers) == 200, headers
    for headers in (f"Host: rebound.example.com:{port}\r\n", f"Host: {kgw.admin}\r\nOrigin: https://evil.example.com\r\n",
                    f"Host: {kgw.admin}\r\nOrigin: null\r\n"):
        assert ask(kgw, headers) == 403, headers
        assert ask(kgw, headers + "Content-Length: 0\r\n", "/logging?level=off", "POST") == 403, headers


def test_snapshots_show_no_values_of_headers(kgw, v1):
    start(kgw, v1)
    text = kgw.get("/snapshots/xds")[1]
    assert "hidden-" not in text
    for kept in ("x-api-key", "authorization", "x-marker", "kube_default_v1_80"):
        assert kept in text, kept
    json.loads(text)


def test_the_state_directory_stays_private(kgw, v1):
    start(kgw, v1)

    def mode() -> int:
        return stat.S_IMODE(os.stat(kgw.state).st_mode)
    assert mode() == 0o700
    os.chmod(kgw.state, 0o777)
    eventually(lambda: mode() == 0o700, "the mode is set back")
    assert "0700 again" in kgw.process.output()
    shutil.rmtree(kgw.state)
    eventually(lambda: kgw.state.exists() and mode() == 0o700, "the directory is made again")
    eventually(lambda: "new ones cannot reach this kgateway" in kgw.process.output(), "and that is reported")
    assert kgw.get("/healthz")[0] == 200
