"""Route tables in shards answer as whole ones do, also while they are cut and joined."""

import json
import random
import socket
import ssl
import threading
import urllib.parse

import pki
import pytest
import yaml

from harness import Client, eventually, free_port, http_route, service
from test_tls import https_get, listener

SHARDING = "kgateway.dev/route-sharding"


def gateway(name: str, listeners: list[dict], sharding: str | None = None) -> str:
    return yaml.safe_dump({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": name, **({"annotations": {SHARDING: sharding}} if sharding else {})},
        "spec": {"gatewayClassName": "kgateway", "addresses": [{"value": "127.0.0.1"}],
                 "listeners": listeners}})


def route(name: str, hostnames: list[str], parents: list[str], path: str = "/") -> str:
    """Answers with a redirect to its own name, so that no backend is needed to tell routes apart."""
    return yaml.safe_dump({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name},
        "spec": {"parentRefs": [{"name": p} for p in parents], **({"hostnames": hostnames} if hostnames else {}),
                 "rules": [{"matches": [{"path": {"value": path}}],
                            "filters": [{"type": "RequestRedirect",
                                         "requestRedirect": {"hostname": f"{name}.invalid"}}]}]}})


class Wire:
    """A keep-alive connection on which the Host header is exactly what the test writes."""

    def __init__(self, port: int):
        self.port = port
        self.socket: socket.socket | None = None

    def close(self) -> None:
        if self.socket:
            self.socket.close()
        self.socket = None

    def ask(self, host: str | None, path: str = "/", version: str = "1.1", extra: str = "",
            method: str = "GET") -> tuple[int, str]:
        """Status and the name of the route that answered."""
        text = f"{method} {path} HTTP/{version}\r\n" + (f"Host: {host}\r\n" if host is not None else "") + extra + "\r\n"
        reused = self.socket is not None
        try:
            head, rest = self._exchange(text.encode("latin-1"))
        except ConnectionError:  # closed while idle, before it could know of this request: as browsers do
            self.close()
            if not reused:
                raise
            head, rest = self._exchange(text.encode("latin-1"))
        headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in head.split("\r\n")[1:] if line)}
        length = int(headers.get("content-length", 0))
        while len(rest) < length:
            rest += self.socket.recv(65536)
        if headers.get("connection") == "close" or version == "1.0":
            self.close()
        where = headers.get("location", "")
        return int(head.split(" ")[1]), urllib.parse.urlsplit(where).hostname or ""

    def _exchange(self, data: bytes) -> tuple[str, bytes]:
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(data)
        got = b""
        while b"\r\n\r\n" not in got:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("closed")
            got += part
        head, rest = got.split(b"\r\n\r\n", 1)
        return head.decode("latin-1"), rest


def layouts(kgw, name: str) -> list[dict]:
    """Of the Gateway's route tables, as `explain` tells."""
    status, text = kgw.get(f"/explain?kind=Gateway&namespace=default&name={name}")
    assert status == 200, text
    return [entry["routeTable"] for entry in json.loads(text)["listeners"] if "routeTable" in entry]


LABELS = ["a", "b", "c", "app-1", "x-9"]


def random_name(dice: random.Random, tenants: int) -> str:
    parts = [dice.choice(LABELS) for _ in range(dice.randint(0, 3))]
    return ".".join(parts + [f"t{dice.randrange(tenants)}", dice.choice(["example.com", "example.org", "dev"])])


def random_table(dice: random.Random, tenants: int, wildcards: float) -> list[tuple[str, list[str], str]]:
    """Name, hostnames and path of routes."""
    table = []
    for i in range(150):
        hostnames = sorted({("*." if dice.random() < wildcards else "") + random_name(dice, tenants)
                            for _ in range(dice.randint(1, 3))})
        table.append((f"r{i}", hostnames, dice.choice(["/", "/", "/p"])))
    if dice.random() < 0.7:
        table.append(("any", [], "/"))
    if dice.random() < 0.7:
        table.append(("wide", ["*.example.com", "*.com"], "/"))
    return table


def random_host(dice: random.Random, tenants: int) -> str:
    host = random_name(dice, tenants)
    if dice.random() < 0.3:
        host = dice.choice(["z.", "y.z.", "", "a.b.c.d.e."]) + host
    if dice.random() < 0.3:
        host = "".join(c.upper() if dice.random() < 0.5 else c for c in host)
    if dice.random() < 0.1:
        host = dice.choice(["[::1]", "[2001:db8::1]", "127.0.0.1", "localhost", "other.net", "we~ird.t1.example.com",
                            "com", "x.com", "a_b.t1.dev"])
    if dice.random() < 0.15:
        host += "."
    if dice.random() < 0.25:
        host += dice.choice([":80", ":8080", ":65535"])
    return host


@pytest.mark.parametrize("tenants, wildcards, layout", [
    (40, 0.02, "by the whole host"), (60, 0.5, "by label")], ids=["exact", "wildcard"])
def test_shards_answer_as_one_table_does(kgw, tenants, wildcards, layout):
    ports = {"whole": free_port(), "cut": free_port()}
    for name, sharding in (("whole", "Never"), ("cut", "Always")):
        kgw.write(f"{name}.yaml", gateway(name, [
            {"name": "http", "port": ports[name], "protocol": "HTTP"}], sharding))
    dice = random.Random(tenants)
    whole, cut = Wire(ports["whole"]), Wire(ports["cut"])
    answers = set()
    for turn in range(3):
        table = random_table(dice, tenants, wildcards)
        kgw.write("routes.yaml", *(route(name, hosts, ["whole", "cut"], path) for name, hosts, path in table),
                  route("marker", [f"marker-{turn}.test"], ["whole", "cut"]))
        if turn == 0:
            kgw.start()
        for wire in (whole, cut):
            wire.close()
            eventually(lambda wire=wire: wire.ask(f"marker-{turn}.test") == (302, "marker.invalid"), "the table serves")
        eventually(lambda: kgw.condition("HTTPRoute", "r0", "kgateway.dev/Programmed", parent=1)["status"] == "True")
        eventually(lambda: layout in layouts(kgw, "cut")[0]["layout"], "the table is cut as it should be")
        assert layouts(kgw, "whole")[0]["layout"] == "one RouteConfiguration"
        for _ in range(1200):
            host, path = random_host(dice, tenants), dice.choice(["/", "/p/q"])
            # A client cannot choose its shard.
            extra = dice.choice(["", "", f"x-kgateway-shard: listener~{ports['cut']}#{dice.randrange(64)}\r\n",
                                 "X-Kgateway-Shard: nonsense\r\nx-kgateway-shard: more\r\n"])
            expected = whole.ask(host, path, extra=extra)
            # What is told of has reached the proxies, but for the last shard of many.
            eventually(lambda: cut.ask(host, path, extra=extra) == expected, f"{host} {path}: {expected}", 3)
            answers.add(expected)
    assert len(answers) > 20, "the hosts must not all miss"
    for version, host in (("1.0", None), ("1.1", None), ("1.0", "a.t1.example.com"), ("1.1", "")):
        assert cut.ask(host, version=version) == whole.ask(host, version=version)
        cut.close(), whole.close()
    # In these the target names the host, whatever the header says.
    for host in table[0][1] + ["nobody.example.net"]:
        plain = host.replace("*", "x")
        for method, target in (("GET", f"http://{plain}/"), ("GET", f"http://{plain.upper()}:81/p"),
                               ("CONNECT", f"{plain}:443"), ("CONNECT", plain)):
            got = [wire.ask("elsewhere.test", target, method=method) for wire in (cut, whole)]
            assert got[0] == got[1], (method, target, got)
            cut.close(), whole.close()


ODD_HOSTS = [
    "x:1.a.t5.example.com:80", "x:1.a.t5.example.com", "[::1].t5.example.com", "[::1].t5.example.com:80",
    "a.t5.example.com:", "a.t5.example.com:80:90", "a.t5.example.com:]", "a.t5.example.com:[", "a.t5.example.com:http",
    "a.t5.example.com:.x.y.z", "a.t5.example.com:.t6.example.com", "a.t5.example.com:80.", "a.t5.example.com.:80",
    "a.t5.example.com.", "a.t5.example.com..", "u@a.t5.example.com", "u:p@a.t5.example.com", "u:p@a.t5.example.com:80",
    "x.t6.example.com:1].t5.example.com", "x]:1.t5.example.com", "]a.t5.example.com:80", "a:.t5.example.com:1",
    ".t5.example.com", "..t5.example.com", "t5.example.com", "t5.example.com:80", "A.T5.EXAMPLE.COM:443", ":80", ":", "",
    "*.t5.example.com", "a.*.t5.example.com:80", "-.t5.example.com", "a_b.t5.example.com", "a%2et5.example.com",
    "a.t6.example.com:1.a.t5.example.com:b.t7.example.com", "[a.t5.example.com]", "[a.t5.example.com]:80",
    "[::1]", "[::1]:80", "127.0.0.1:80", "exact.t5.example.com", "exact.t5.example.com:1:2", "x:exact.t5.example.com:80",
    "exact.t5.example.com:x.y", "EXACT.t5.example.com.", "\u00e9.t5.example.com", "a.t5.example.com:\u00e9",
    "a,t5.example.com", "a;b.t5.example.com", "(a).t5.example.com", "a=b.t5.example.com:0x50", "a.b.c.d.t5.example.com:+80",
]


@pytest.mark.parametrize("wildcards, layout", [(0, "whole host"), (60, "label 3")], ids=["whole", "label"])
def test_no_host_escapes_its_wildcard(kgw, wildcards, layout):
    """A host that a wildcard covers never meets a wider rule, however it is written."""
    ports = {"whole": free_port(), "cut": free_port()}
    for name, sharding in (("whole", "Never"), ("cut", "Always")):
        kgw.write(f"{name}.yaml", gateway(name, [{"name": "http", "port": ports[name], "protocol": "HTTP"}], sharding))
    both = ["whole", "cut"]
    kgw.write("routes.yaml", route("t5", ["*.t5.example.com"], both), route("exact", ["exact.t5.example.com"], both),
              route("wide", ["*.example.com"], both), route("any", [], both),
              *(route(f"w{i}", [f"*.w{i}.example.com"], both) for i in range(wildcards)))
    kgw.start()
    whole, cut = (Wire(ports[name]) for name in both)
    for wire in (whole, cut):
        eventually(lambda wire=wire: wire.ask("a.t5.example.com") == (302, "t5.invalid"), "the table serves")
    eventually(lambda: layout in layouts(kgw, "cut")[0]["layout"], "the table is cut as it should be")
    answers = {}
    for host in ODD_HOSTS:
        got = []
        for wire in (whole, cut):
            wire.close()
            got.append(wire.ask(host))
        answers[host] = got
    assert {host: got for host, got in answers.items() if got[0] != got[1]} == {}
    assert answers["x:1.a.t5.example.com:80"][0] == (302, "t5.invalid")
    assert len({got[0] for got in answers.values()}) >= 4, answers


def test_the_key_stays_inside(kgw, v1):
    port = free_port()
    kgw.write("gateway.yaml", gateway("gw", [{"name": "http", "port": port, "protocol": "HTTP"}], "Always"))
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kgw.write("route.yaml", http_route("r", "- backendRefs: [{name: v1, port: 80}]", hostnames=["a.example.com"]))
    kgw.start()
    answer = Client(port, host="a.example.com").wait_for("/", headers={"x-kgateway-shard": "mine", "x-other": "stays"})
    assert "x-other" in answer.text and "shard" not in answer.text.lower(), answer.text
    explained = json.loads(kgw.get("/explain?kind=HTTPRoute&namespace=default&name=r")[1])
    shard = explained["parents"][0]["listeners"][0]["hosts"][0]["shard"]
    assert shard.startswith(f"listener~{port}#"), explained
    assert "64 shards" in layouts(kgw, "gw")[0]["layout"]


def test_misdirected_requests(kgw, v1):
    """Several tables of one Gateway are in shards, each with its own scopes; 421 is the same."""
    authority = pki.Authority()
    kgw.write("secret.yaml", pki.secret("cert", authority.issue("a.example.com", "b.example.com", "*.example.com")))
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    ports = {"whole": free_port(), "cut": free_port()}
    for name, sharding in (("whole", "Never"), ("cut", "Always")):
        kgw.write(f"{name}.yaml", gateway(name, [
            listener("a", ports[name], hostname="a.example.com", certificates=["cert"]),
            listener("b", ports[name], hostname="b.example.com", certificates=["cert"]),
            listener("wild", ports[name], hostname="*.example.com", certificates=["cert"])], sharding))
    kgw.write("route.yaml", yaml.safe_dump({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"},
        "spec": {"parentRefs": [{"name": "whole"}, {"name": "cut"}],
                 "rules": [{"backendRefs": [{"name": "v1", "port": 80}]}]}}))
    kgw.start()
    context = ssl.create_default_context(cadata=authority.pem)
    for port in ports.values():
        for sni in ("a.example.com", "b.example.com", "c.example.com"):
            eventually(lambda: https_get(port, context, sni)[0] == 200, sni)
    for sni in ("a.example.com", "b.example.com", "c.example.com"):
        for host in ("a.example.com", "B.example.com:443", "c.example.com", "d.c.example.com", "other.org", "[::1]"):
            got = {name: https_get(port, context, sni, host=host)[0] for name, port in ports.items()}
            assert got["cut"] == got["whole"], (sni, host, got)


class Closed:
    """A client that asks one host after the other, and notes every answer that is not the right one."""

    def __init__(self, port: int, hosts: list[str]):
        self.wire, self.hosts = Wire(port), hosts
        self.answers, self.wrong = 0, []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while not self.stop.is_set():
            for host in self.hosts:
                try:
                    got = self.wire.ask(host)
                except OSError as error:
                    got = error
                self.answers += 1
                if got != (302, "base.invalid"):
                    self.wrong.append((host, got))
                if self.stop.is_set():
                    return

    def close(self) -> None:
        self.stop.set()
        self.thread.join()


def many(prefix: str, first: int, last: int) -> list[str]:
    """Routes of 16 hostnames each."""
    names = [f"{prefix}-{i}.example.com" for i in range(first, last)]
    return [route(f"{prefix}-{i}", names[i:i + 16], ["gw"]) for i in range(0, len(names), 16)]


def test_crossing_the_limits_loses_nothing(kgw):
    port = free_port()
    kgw.write("gateway.yaml", gateway("gw", [{"name": "http", "port": port, "protocol": "HTTP"}]))
    hosts = [f"base-{i}.example.com" for i in range(14)] + ["x.wild.example.com", "any.thing"]
    kgw.write("base.yaml", route("base", hosts[:14] + ["*.wild.example.com"], ["gw"]),
              route("any", [], ["gw"]).replace("any.invalid", "base.invalid"))
    kgw.write("more.yaml", *many("more", 0, 80))
    kgw.start()
    wire = Wire(port)
    eventually(lambda: wire.ask("more-0.example.com") == (302, "more-0.invalid"))
    assert layouts(kgw, "gw")[0]["layout"] == "one RouteConfiguration"
    clients = [Closed(port, hosts) for _ in range(2)]
    try:
        for turn in range(2):
            before = [c.answers for c in clients]
            kgw.write("more.yaml", *many("more", 0, 720))
            eventually(lambda: "64 shards" in layouts(kgw, "gw")[0]["layout"], "the table is cut")
            eventually(lambda: Wire(port).ask("more-719.example.com") == (302, "more-704.invalid"))
            kgw.write("more.yaml", *many("more", 0, 160))  # between the limits: stays as it is
            eventually(lambda: Wire(port).ask("more-719.example.com") == (302, "base.invalid"))
            assert "64 shards" in layouts(kgw, "gw")[0]["layout"]
            kgw.write("more.yaml", *many("more", 0, 80))
            eventually(lambda: layouts(kgw, "gw")[0]["layout"] == "one RouteConfiguration", "the table is joined")
            eventually(lambda: all(c.answers > b + 200 for c, b in zip(clients, before)), "the clients go on")
    finally:
        for client in clients:
            client.close()
    assert [c.wrong for c in clients] == [[], []]
    print(f"{sum(c.answers for c in clients)} answers")


def test_a_label_tells_wildcards_apart_without_a_gap(kgw):
    """Both layouts have shards: the next one must be there before the listener asks for it."""
    port = free_port()
    kgw.write("gateway.yaml", gateway("gw", [{"name": "http", "port": port, "protocol": "HTTP"}], "Always"))
    hosts = ["base-1.example.com", "x.base.example.com", "a.b.base.example.com"]
    kgw.write("base.yaml", route("base", ["base-1.example.com", "*.base.example.com"], ["gw"]))
    kgw.start()
    eventually(lambda: Wire(port).ask(hosts[1]) == (302, "base.invalid"))
    client = Closed(port, hosts)
    try:
        for _ in range(2):
            kgw.write("more.yaml", *(route(f"w{i}", [f"*.w{i}.example.com"], ["gw"]) for i in range(60)))
            eventually(lambda: "label 3" in layouts(kgw, "gw")[0]["layout"], "cut by a label")
            eventually(lambda: Wire(port).ask("a.b.w59.example.com") == (302, "w59.invalid"))
            kgw.remove("more.yaml")
            eventually(lambda: "whole host" in layouts(kgw, "gw")[0]["layout"], "cut by the whole host")
    finally:
        client.close()
    assert client.answers > 50 and client.wrong == []
