"""What statuses, `status`, `explain` and `check` say, held against what clients get."""

import json
import os
import pathlib
import shutil
import signal
import socket
import socketserver
import subprocess
import threading

import pytest
import yaml

from harness import BUILD, Client, eventually, free_port, gateway, http_route, service

HOSTILE = "x\x1b[2J\nHTTPRoute default/forged: all is well\u202e\u0085"


@pytest.fixture
def speakers():
    """TCP servers that say who they are, HTTP clients included."""
    servers = []

    def start(name: str) -> int:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                body = name.encode()
                self.request.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
                                     % (len(body), body))

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def answer_of(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.settimeout(5)
        return connection.makefile().read().rsplit("\n", 1)[-1]


def stream_route(kind: str, name: str, created: str, section: str, backend: str, **spec) -> str:
    version = "v1" if kind == "TLSRoute" else "v1alpha2"
    return yaml.safe_dump({
        "apiVersion": f"gateway.networking.k8s.io/{version}", "kind": kind,
        "metadata": {"name": name, "creationTimestamp": f"{created}-01-01T00:00:00Z"},
        "spec": {"parentRefs": [{"name": "gw", "sectionName": section}], **spec,
                 "rules": [{"backendRefs": [{"name": backend, "port": 80}]}]}})


def command(kgw, *arguments: str) -> str:
    return subprocess.run([str(BUILD / "kgateway"), *arguments, "--admin", kgw.admin], capture_output=True,
                          text=True, check=True).stdout


def explain(kgw, kind: str, name: str) -> dict:
    return json.loads(command(kgw, "explain", kind, f"default/{name}", "-o", "json"))


def test_a_route_that_lost_its_listener_is_served_when_the_winner_goes(kgw, speakers):
    tcp, tls = free_port(), free_port()
    kgw.write("gateway.yaml", gateway(0, listeners=f"""
        [{{name: tcp, port: {tcp}, protocol: TCP}},
         {{name: tls, port: {tls}, protocol: TLS, tls: {{mode: Passthrough}}}}]"""))
    kgw.write("services.yaml", service("one", {"tcp": speakers("one")}), service("two", {"tcp": speakers("two")}))
    kgw.write("old.yaml", stream_route("TCPRoute", "old", "2024", "tcp", "one"),
              stream_route("TLSRoute", "old", "2024", "tls", "one", hostnames=["app.test"]))
    kgw.write("young.yaml", stream_route("TCPRoute", "young", "2025", "tcp", "two"),
              stream_route("TLSRoute", "young", "2025", "tls", "two", hostnames=["app.test"]))
    kgw.start()
    eventually(lambda: answer_of(tcp) == "one", "the older route has the listener")
    for kind in ("TCPRoute", "TLSRoute"):
        kgw.wait_condition(kind, "old", "kgateway.dev/Programmed", "True")
        lost = kgw.wait_condition(kind, "young", "kgateway.dev/Programmed", "False", "Conflicted")
        assert f"{kind} default/old" in lost["message"], lost
        assert explain(kgw, kind, "old")["inForce"] is True
        explained = explain(kgw, kind, "young")
        assert explained["inForce"] is False and f"{kind} default/old" in explained["because"], explained
    assert "warning: TCPRoute default/young: spec.parentRefs[0]" in command(kgw, "status")

    kgw.remove("old.yaml")
    eventually(lambda: answer_of(tcp) == "two", "the younger route has the listener")
    for kind in ("TCPRoute", "TLSRoute"):
        kgw.wait_condition(kind, "young", "kgateway.dev/Programmed", "True")
        assert explain(kgw, kind, "young")["inForce"] is True


@pytest.fixture
def envoy_link(directory):
    """What `--envoy` names; break it, and no Envoy can start."""
    link = directory / "envoy"
    link.symlink_to(os.environ.get("KGW_ENVOY") or shutil.which("envoy") or BUILD / "envoy")
    return link


def replace_link(link: pathlib.Path, target: str) -> None:
    fresh = link.with_name("envoy.new")
    fresh.symlink_to(target)
    fresh.replace(link)


def test_nothing_is_programmed_while_no_envoy_runs(kgw, envoy_link, speakers):
    port = free_port()
    kgw.extra += ["--envoy", str(envoy_link)]
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"http": speakers("v1")}))
    kgw.write("route.yaml", http_route("r", "- backendRefs: [{name: v1, port: 80}]"))
    kgw.start()
    eventually(lambda: Client(port).get("/").text == "v1")
    objects = (("Gateway", "gw", "Programmed", {}), ("Gateway", "gw", "Programmed", {"listener": "http"}),
               ("HTTPRoute", "r", "kgateway.dev/Programmed", {}))
    for kind, name, condition, where in objects:
        kgw.wait_condition(kind, name, condition, "True", **where)

    working = os.readlink(envoy_link)
    replace_link(envoy_link, "/bin/false")
    for pid in kgw.envoy_pids():
        os.kill(pid, signal.SIGKILL)
    for kind, name, condition, where in objects:
        gone = kgw.wait_condition(kind, name, condition, "False", "Pending", **where)
        assert "No proxy" in gone["message"], gone
    assert "Envoy does not run" in kgw.condition("Gateway", "gw", "Programmed")["message"]

    replace_link(envoy_link, working)
    eventually(lambda: Client(port).get("/").text == "v1", "Envoy is back", patience=60)
    for kind, name, condition, where in objects:
        kgw.wait_condition(kind, name, condition, "True", **where)


def check(path: pathlib.Path) -> list[str]:
    done = subprocess.run([str(BUILD / "kgateway"), "check", str(path)], capture_output=True)
    return done.stderr.decode().splitlines()


def assert_no_control_characters(text: str) -> None:
    odd = [c for c in text if c != "\n" and (ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0 or c in "\u202e\u2028")]
    assert not odd, odd
    assert "\nHTTPRoute default/forged" not in text


def test_a_tenant_forges_no_line_on_a_terminal(kgw, directory):
    kgw.write("gateway.yaml", gateway(free_port()))
    kgw.write("hostile.yaml", yaml.safe_dump({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "r", "annotations": {"kgateway.dev/http-redirect-status-code": HOSTILE}},
        "spec": {"parentRefs": [{"name": "gw"}, {"name": HOSTILE}],
                 "rules": [{"matches": [{"path": {"type": "RegularExpression", "value": "/(" + HOSTILE}}]},
                           {"filters": [{"type": "RequestRedirect", "requestRedirect": {"port": 81}}]},
                           {"backendRefs": []}]}}),
        yaml.safe_dump({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                        "metadata": {"name": HOSTILE}, "spec": {HOSTILE: 1}}))
    kgw.start()
    kgw.wait_condition("HTTPRoute", "r", "Accepted", "True")
    assert kgw.process
    for text in ("\n".join(check(kgw.config)), command(kgw, "status"), command(kgw, "status", "-o", "json"),
                 command(kgw, "explain", "HTTPRoute", "default/r"), kgw.process.output()):
        assert "forged" in text
        assert_no_control_characters(text)


@pytest.mark.parametrize("line", ["- : [\n---\n", "apiVersion: v1\n---\n", "a: b\n---\n"])
def test_a_broken_file_of_ten_megabytes_gives_some_lines(directory, line):
    path = directory / "broken.yaml"
    path.write_text(line * (10_000_000 // len(line)))
    lines = check(path)
    assert 1 < len(lines) < 200, len(lines)
