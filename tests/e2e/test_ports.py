"""A port of this host belongs to one Gateway of one kgateway, and goes over when its owner leaves."""

import json
import socket
import subprocess

import pki
import pytest
import yaml

from harness import BUILD, Client, Kgateway, eventually, free_port, gateway, http_route, service


def on(name: str, listeners: list[dict], address: str = "127.0.0.1") -> str:
    return yaml.safe_dump({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": name},
        "spec": {"gatewayClassName": "kgateway", "addresses": [{"type": "IPAddress", "value": address}],
                 "listeners": listeners}})


def http(port: int) -> dict:
    return {"name": "http", "port": port, "protocol": "HTTP"}


def to(backend: str, parent: str, kind: str = "HTTPRoute") -> str:
    return http_route(f"to-{backend}-{kind.lower()}", f"- backendRefs: [{{name: {backend}, port: 80}}]", parent=parent,
                      kind=kind)


def answers(port: int, number: int = 60) -> set[str]:
    client = Client(port)
    return {client.get("/").headers["x-backend"] for _ in range(number)}


def loser(kgw, name: str, listener: str = "http") -> str:
    """The words for a listener that cannot have its port."""
    return kgw.wait_condition("Gateway", name, "Accepted", "False", "PortUnavailable", listener=listener)["message"]


@pytest.fixture
def other(directory):
    """A second kgateway with its own state directory."""
    instance = Kgateway(directory / "other", name="other")
    yield instance
    instance.close()
    instance.end_envoys()
    if instance.process:
        print(instance.process.output())


def backends(kgw, v1, v2):
    kgw.write("services.yaml", service("v1", {"http": v1.http}), service("v2", {"http": v2.http}))


def compete(kgw, other, v1, v2) -> int:
    """A port that both want for a Gateway of theirs, one for v1, the other for v2."""
    port = free_port()
    for instance, backend in ((kgw, "v1"), (other, "v2")):
        backends(instance, v1, v2)
        instance.write("gateway.yaml", gateway(port))
        instance.write("route.yaml", http_route("r", f"- backendRefs: [{{name: {backend}, port: 80}}]"))
    return port


@pytest.mark.parametrize("first, second", [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.1")])
def test_of_two_gateways_one_has_the_port(kgw, v1, v2, first, second):
    port = free_port()
    backends(kgw, v1, v2)
    kgw.write("a.yaml", on("a", [http(port)], first), to("v1", "a"))
    kgw.write("b.yaml", on("b", [http(port)], second), to("v2", "b"))
    kgw.start()
    Client(port).wait_for("/")
    assert "Gateway default/a" in loser(kgw, "b")
    assert kgw.condition("Gateway", "b", "Programmed", listener="http")["status"] == "False"
    kgw.wait_condition("Gateway", "a", "Programmed", "True", listener="http")
    assert answers(port) == {"v1"}
    kgw.remove("a.yaml")
    Client(port).wait_for("/", backend="v2")
    kgw.wait_condition("Gateway", "b", "Programmed", "True", listener="http")
    assert answers(port) == {"v2"}
    # Comes back, and has the port by its name again.
    kgw.write("a.yaml", on("a", [http(port)], first), to("v1", "a"))
    Client(port).wait_for("/", backend="v1")
    loser(kgw, "b")
    assert answers(port) == {"v1"}


def test_https_does_not_share_with_http(kgw, v1, v2):
    port, ca = free_port(), pki.Authority()
    backends(kgw, v1, v2)
    kgw.write("certificate.yaml", pki.secret("cert", ca.issue("example.com")))
    kgw.write("a.yaml", on("a", [http(port)]), to("v1", "a"))
    kgw.write("b.yaml", on("b", [{"name": "https", "port": port, "protocol": "HTTPS",
                                  "tls": {"certificateRefs": [{"name": "cert"}]}}]), to("v2", "b"))
    kgw.start()
    Client(port).wait_for("/", backend="v1")
    assert "Gateway default/a" in loser(kgw, "b", "https")
    assert answers(port) == {"v1"}


def datagram(port: int) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        client.sendto(b"x", ("127.0.0.1", port))
        return client.recvfrom(4096)[0].decode()


def test_udp_too_and_apart_from_tcp(kgw, v1, v2):
    port = free_port(socket.SOCK_DGRAM)
    udp = {"name": "udp", "port": port, "protocol": "UDP"}
    kgw.write("services.yaml", *(service(b.name, {"udp": b.udp}, protocol="UDP") for b in (v1, v2)),
              service("web", {"http": v1.http}))
    kgw.write("a.yaml", on("a", [udp]), to("v1", "a", "UDPRoute"))
    kgw.write("b.yaml", on("b", [udp]), to("v2", "b", "UDPRoute"))
    kgw.write("c.yaml", on("c", [http(port)]), to("web", "c"))
    kgw.start()
    first = eventually(lambda: datagram(port), "UDP answers")
    assert "Gateway default/a" in loser(kgw, "b", "udp")
    assert "v1" in first and all("v1" in datagram(port) for _ in range(30)), first
    Client(port).wait_for("/", backend="v1")
    kgw.remove("a.yaml")
    eventually(lambda: "v2" in datagram(port), "the other one answers")


def test_a_second_kgateway_waits_for_the_port(kgw, other, v1, v2):
    port = compete(kgw, other, v1, v2)
    kgw.start()
    Client(port).wait_for("/", backend="v1")
    other.start()
    assert "kgateway" in loser(other, "gw")
    assert answers(port) == {"v1"}
    kgw.close()
    Client(port).wait_for("/", backend="v2")
    assert answers(port) == {"v2"}
    other.wait_condition("Gateway", "gw", "Programmed", "True", listener="http")


def test_an_envoy_that_was_left_behind_keeps_its_port(kgw, other, v1, v2):
    port = compete(kgw, other, v1, v2)
    kgw.start()
    Client(port).wait_for("/", backend="v1")
    (pid,) = eventually(kgw.envoy_pids)
    kgw.kill()
    other.start()
    message = loser(other, "gw")
    assert f"the Envoy of Gateway default/gw (process {pid}" in message and str(kgw.state) in message
    assert answers(port) == {"v1"}
    kgw.start()  # takes it over, though another one waits for the port
    kgw.wait_condition("Gateway", "gw", "Programmed", "True", listener="http")
    assert answers(port) == {"v1"} and kgw.envoy_pids() == [pid]
    kgw.close()
    Client(port).wait_for("/", backend="v2")
    assert answers(port) == {"v2"}


def test_an_envoy_that_crashes_does_not_lose_its_port(kgw, other, v1, v2):
    """While there is no Envoy the port is free, and still its kgateway's."""
    port = free_port()
    kgw.extra += ["--envoy", "/bin/false"]  # it never comes up
    for instance, backend in ((kgw, "v1"), (other, "v2")):
        backends(instance, v1, v2)
        instance.write("gateway.yaml", gateway(port))
        instance.write("route.yaml", http_route("r", f"- backendRefs: [{{name: {backend}, port: 80}}]"))
    kgw.start()
    eventually(lambda: kgw.status("Gateway", "gw"), "the port is taken")
    other.start()
    assert "another kgateway: process" in loser(other, "gw")
    kgw.close()
    Client(port).wait_for("/", backend="v2")


def test_check_reports_the_conflict(tmp_path):
    (tmp_path / "gateways.yaml").write_text("---\n".join([on("a", [http(8080)]), on("b", [http(8080)])]))
    done = subprocess.run([BUILD / "kgateway", "check", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
    assert "PortUnavailable" in done.stdout + done.stderr and "Gateway default/a" in done.stdout + done.stderr


@pytest.mark.parametrize("flags, expected", [
    ([], {"PortUnavailable": "Gateway default/b"}),
    (["--for-cluster"], {"PortUnavailable": "Gateway default/drain", "AddressNotAllowed": "HTTPRoute default/r"})])
def test_check_judges_for_this_host_or_for_a_cluster(tmp_path, flags, expected):
    backend = {"apiVersion": "gateway.kgateway.dev/v1alpha1", "kind": "Backend", "metadata": {"name": "here"},
               "spec": {"type": "Static", "static": {"hosts": [{"host": "127.0.0.1", "port": 80}]}}}
    rule = "- backendRefs: [{name: here, kind: Backend, group: gateway.kgateway.dev}]"
    (tmp_path / "all.yaml").write_text("---\n".join([
        on("a", [http(8080)]), on("b", [http(8080)]), on("drain", [http(19000)]),
        yaml.safe_dump(backend), http_route("r", rule, parent="a")]))
    done = subprocess.run([BUILD / "kgateway", "check", *flags, "-o", "json", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
    assert {each["reason"]: each["object"] for each in json.loads(done.stdout)["problems"]
            if each["severity"] == "error"} == expected
