"""A tenant that does harm by what it writes reaches nobody else. Prints counts."""

import threading
import time

import httpx
import pytest
import yaml

from harness import Client, Kgateway, eventually, free_port, gateway, service
from test_poison import wrapped_envoy

SECONDS = 10.0
# This Envoy has a lower limit on regular expressions than the one that kgateway knows of.
STRICT = "--config-yaml '{layered_runtime: {layers: [{name: strict, static_layer: {re2.max_program_size.error_level: 20}}]}}'"


def route(namespace: str, name: str, host: str, rule: dict) -> str:
    return yaml.safe_dump({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"parentRefs": [{"name": "gw", "namespace": "default"}], "hostnames": [host], "rules": [rule]}})


def victim(backend: str, edit: int) -> str:
    return route("victim", "shop", "victim.example.com", {
        "backendRefs": [{"name": backend, "port": 80}],
        "filters": [{"type": "ResponseHeaderModifier",
                     "responseHeaderModifier": {"set": [{"name": "x-edit", "value": str(edit)}]}}]})


def refused(i: int, round_: int) -> str:
    """A rule of fresh content that Envoy alone refuses."""
    return route("hostile", f"bad{i}", f"bad{i}.example.com", {
        "matches": [{"path": {"type": "RegularExpression", "value": f"/{round_}-{i}-" + "[a-z]+x" * 6}}],
        "filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "a.invalid"}}]})


@pytest.fixture
def strict(directory, v1, v2):
    own = Kgateway(directory / "strict", "--envoy", wrapped_envoy(directory, STRICT))
    port = free_port()
    own.write("gateway.yaml", gateway(port))
    own.write("services.yaml", service("v1", {"http": v1.http}, namespace="victim"),
              service("v2", {"http": v2.http}, namespace="victim"))
    own.write("victim.yaml", victim("v1", 0))
    own.start()
    Client(port, host="victim.example.com").wait_for("/", backend="v1")
    yield own, port
    own.close()
    own.end_envoys()


class Loop:
    """Sends one request after the other, and notes what is not a 200 and which edit answered when."""

    def __init__(self, port: int):
        self.wrong: dict[object, int] = {}
        self.seen: dict[int, float] = {}
        self.total = 0
        self.stopping = False
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"host": "victim.example.com"})
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while not self.stopping:
            try:
                response = self.client.get("/")
                what: object = response.status_code
                if what == 200:
                    self.seen.setdefault(int(response.headers["x-edit"]), time.monotonic())
            except httpx.HTTPError as error:
                what = type(error).__name__
            self.total += 1
            if what != 200:
                self.wrong[what] = self.wrong.get(what, 0) + 1

    def stop(self) -> None:
        self.stopping = True
        self.thread.join()
        self.client.close()


def test_a_tenant_with_fresh_rejections_stops_nobody(strict):
    """16 rules that Envoy refuses every 0.2 s, while another tenant edits its route every 0.5 s."""
    own, port = strict
    loops = [Loop(port) for _ in range(4)]
    edits: dict[int, float] = {}
    try:
        start = time.monotonic()
        step = 0
        while (now := time.monotonic()) - start < SECONDS:
            own.write("hostile.yaml", *[refused(i, step) for i in range(16)])
            if step % 5 in (0, 3):  # every 0.4 and 0.6 s
                edit = len(edits) + 1
                own.write("victim.yaml", victim("v1" if edit % 2 else "v2", edit))
                edits[edit] = time.monotonic()
            step += 1
            time.sleep(max(0.0, now + 0.2 - time.monotonic()))
        last = max(edits)
        eventually(lambda: all(last in loop.seen for loop in loops), "the last edit is served")
    finally:
        for loop in loops:
            loop.stop()
    waits = sorted(loop.seen[edit] - edits[edit] for loop in loops for edit in edits if edit in loop.seen)
    wrong = {what: count for loop in loops for what, count in loop.wrong.items()}
    print(f"hostile tenant: {sum(loop.total for loop in loops)} requests of the victim, wrong: {wrong or 0}; "
          f"{step} x 16 rejections; {len(edits)} edits, served after {1000 * waits[len(waits) // 2]:.0f} ms (median), "
          f"{1000 * waits[-1]:.0f} ms (longest); refusals by Envoy: {own.metric('kgateway_envoy_xds_rejects_total'):.0f}")
    assert not wrong
    assert waits


def test_a_reason_quotes_nothing(strict):
    """Neither the status nor our log has the expression that Envoy refuses, nor what stands beside it."""
    own, _ = strict
    own.write("secret.yaml", route("other", "secret", "other.example.com", {
        "filters": [{"type": "RequestHeaderModifier",
                     "requestHeaderModifier": {"set": [{"name": "authorization", "value": "Bearer TOPSECRET"}]}}]}))
    own.write("hostile.yaml", refused(0, 4711))
    condition = own.wait_condition("HTTPRoute", "bad0", "kgateway.dev/Programmed", "False", namespace="hostile")
    assert "max program size" in condition["message"]
    eventually(lambda: "rejected" in own.process.output(), "Envoy's log is repeated")
    for text in (own.get("/status")[1], own.process.output()):
        assert "4711-0-" not in text and "TOPSECRET" not in text
