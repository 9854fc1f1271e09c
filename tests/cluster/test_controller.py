"""What users see when the controller is killed, replaced, doubled: nothing."""

import json
import os
import signal
import socket
import subprocess
import time

import kube
import pytest
import traffic
import world


def proxies_are_back(pod: dict, streams: int) -> None:
    kube.wait_for("the proxies to be back", lambda: kube.streams(pod) >= streams)
    time.sleep(3)  # what would be sent again would be sent now


def test_a_killed_controller_costs_no_request_and_sends_nothing_again(gateway):
    gateway.alone()
    (pod,) = kube.controller_pods()
    streams, restarts = kube.streams(pod), kube.restarts(pod)
    client = traffic.Client(gateway.address)
    time.sleep(1)
    kube.send_signal(pod, signal.SIGKILL)

    def restarted():
        (now,) = kube.controller_pods()
        return now if kube.restarts(now) > restarts and kube.ready(now) else None
    pod = kube.wait_for("the controller to be restarted", restarted)
    proxies_are_back(pod, streams)
    sent, answers = kube.sent(pod), client.end()
    print(f"answers {answers}, {streams} proxies, resources sent again {sent}")
    assert set(answers) == {200}
    assert sent == 0
    gateway.apply(world.route("late", world.rule("/late", "echo")))
    kube.wait_for("the route to be programmed",
                  lambda: gateway.condition("late", "Accepted").get("status") == "True")


def test_a_rolling_update_costs_no_request_and_sends_nothing_again(gateway):
    gateway.alone()
    old = kube.controller_pods()
    streams = kube.streams(old[0])
    client = traffic.Client(gateway.address)
    kube.kubectl("-n", kube.SYSTEM, "rollout", "restart", "deployment/kgateway")
    kube.kubectl("-n", kube.SYSTEM, "rollout", "status", "deployment/kgateway", "--timeout=90s")
    pod = kube.new_controller(kube.uids(old))
    proxies_are_back(pod, streams)
    sent, answers = kube.sent(pod), client.end()
    print(f"answers {answers}, {streams} proxies, resources sent again {sent}")
    assert set(answers) == {200}
    assert sent == 0


def test_a_restart_writes_nothing(gateway):
    time.sleep(3)
    before = gateway.versions()
    kube.replace_controller()
    time.sleep(25)  # the lease of the killed leader must run out before anybody may write
    assert gateway.versions() == before
    gateway.apply(world.route("late", world.rule("/late", "echo")))
    kube.wait_for("the new controller to write", lambda: gateway.entry("late"))


@pytest.fixture
def two_replicas():
    kube.kubectl("-n", kube.SYSTEM, "scale", "deployment/kgateway", "--replicas=2")
    kube.kubectl("-n", kube.SYSTEM, "rollout", "status", "deployment/kgateway", "--timeout=90s")
    yield
    kube.kubectl("-n", kube.SYSTEM, "scale", "deployment/kgateway", "--replicas=1")
    kube.wait_for("one replica", lambda: len(kube.controller_pods()) == 1)


def leader() -> dict | None:
    """The pod that leads while two are ready."""
    pods = {pod["metadata"]["name"]: pod for pod in kube.controller_pods() if kube.ready(pod)}
    return pods.get(kube.lease_holder()) if len(pods) == 2 else None


@pytest.mark.parametrize("end", ["--grace-period=30", "--grace-period=0"])
def test_the_leader_hands_over_and_nobody_notices(gateway, two_replicas, end):
    """Ended in good order it gives the lease back; killed, the lease runs out. Every replica serves proxies."""
    gateway.alone()
    old = kube.wait_for("a leader among two", leader)
    (other,) = [pod for pod in kube.controller_pods() if pod["metadata"]["uid"] != old["metadata"]["uid"]]
    time.sleep(3)
    before, sent = gateway.versions(), kube.sent(other)
    client = traffic.Client(gateway.address)
    begin = time.monotonic()
    force = ["--force"] if end.endswith("=0") else []
    kube.kubectl("-n", kube.SYSTEM, "delete", "pod", old["metadata"]["name"], end, "--wait=false", *force)

    def successor() -> str:
        holder = kube.lease_holder()  # the other replica, or the one that is started in place of the old
        return holder if holder != old["metadata"]["name"] else ""
    holder = kube.wait_for("another replica to lead", successor, 60)
    took = time.monotonic() - begin
    kube.wait_for("two replicas", leader)
    time.sleep(3)
    resent = sum(map(kube.sent, kube.controller_pods())) - sent
    assert gateway.versions() == before
    gateway.apply(world.route("late", world.rule("/late", "echo")))
    kube.wait_for("the new leader to write", lambda: gateway.entry("late"))
    answers = client.end()
    print(f"answers {answers}, {holder} leads after {took:.1f} s, resources sent again {resent}")
    assert set(answers) == {200}
    assert resent == 0


PROGRAMMED = "kgateway.dev/Programmed"


def proxies_at(pod: dict, gateway) -> int:
    """How many of the Gateway's proxies are connected to that replica."""
    environment = {**os.environ, "KUBECONFIG": str(kube.PLACE.kubeconfig)}
    said = subprocess.run([str(kube.ROOT / "build/release/kgateway"), "explain", "--cluster", "--pod",
                           pod["metadata"]["name"], "Gateway", f"{gateway.name}/gw", "-o", "json"],
                          text=True, env=environment, capture_output=True, timeout=30)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)["proxies"]


def connect_to(pod: dict, gateway) -> None:
    """Replaces the Gateway's proxy until it is connected to that replica: chance decides."""
    for _ in range(12):
        kube.wait_for("the proxy to be connected", lambda: any(
            proxies_at(each, gateway) for each in kube.controller_pods()))
        if proxies_at(pod, gateway) == 1:
            return
        gateway.rollout("gw")
    pytest.fail(f"no proxy of twelve has connected to {pod['metadata']['name']}")


def allow_short_expressions_only(pod: dict) -> None:
    """Envoy refuses from now on what kgateway believes that it takes."""
    (pid,) = kube.pods.processes(pod, "envoy")
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(10)
        admin.connect(f"/proc/{pid}/root/run/kgateway/admin.sock")
        admin.sendall(b"POST /runtime_modify?re2.max_program_size.error_level=20 HTTP/1.1\r\nHost: admin\r\n"
                      b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        assert admin.recv(100).startswith(b"HTTP/1.1 200")


def test_the_leader_tells_what_a_proxy_of_the_other_replica_takes_over(gateway, two_replicas):
    """Every replica serves proxies, the leader alone writes statuses."""
    gateway.alone()
    first = kube.wait_for("a leader among two", leader)
    (other,) = [pod for pod in kube.controller_pods() if pod["metadata"]["uid"] != first["metadata"]["uid"]]
    connect_to(other, gateway)
    kube.wait_for("drained proxies to go", lambda: sum(
        proxies_at(each, gateway) for each in kube.controller_pods()) == 1, 90)
    assert (proxies_at(first, gateway), proxies_at(other, gateway)) == (0, 1)
    kube.wait_for("the Gateway to be programmed", gateway.programmed_address)

    gateway.apply(world.route("late", world.rule("/late", "echo")))
    kube.wait_for("the new route to be programmed",
                  lambda: gateway.condition("late", PROGRAMMED).get("status") == "True")
    assert gateway.status("/late") == 200

    (proxy,) = gateway.pods(world.PROXIES)
    allow_short_expressions_only(proxy)
    bad = world.rule("/", "echo")
    bad["matches"][0]["path"] = {"type": "RegularExpression", "value": "/" + "[a-z]+x" * 12}
    gateway.apply(world.route("bad", bad, world.rule("/sibling", "echo")),
                  world.route("beside", world.rule("/beside", "echo")))
    said = kube.wait_for("the refusal to be told", lambda: next((c for c in [
        gateway.condition("bad", PROGRAMMED)] if c.get("status") == "False"), None))
    print(f"{said['reason']}: {said['message']}")
    assert "max program size" in said["message"]
    kube.wait_for("the route beside it",
                  lambda: gateway.condition("beside", PROGRAMMED).get("status") == "True")
    assert gateway.status("/beside") == 200 and gateway.status("/sibling") == 200
    gateway.apply(world.route("bad", world.rule("/mended", "echo")))
    kube.wait_for("the mended route",
                  lambda: gateway.condition("bad", PROGRAMMED).get("status") == "True")

    time.sleep(3)
    before = gateway.versions()
    kube.kubectl("-n", kube.SYSTEM, "delete", "pod", first["metadata"]["name"], "--wait=false")
    kube.wait_for("another replica to lead",
                  lambda: kube.lease_holder() not in ("", first["metadata"]["name"]), 60)
    kube.wait_for("two replicas", leader)
    time.sleep(3)
    assert gateway.versions() == before
    gateway.apply(world.route("later", world.rule("/later", "echo")))
    kube.wait_for("the new leader to tell",
                  lambda: gateway.condition("later", PROGRAMMED).get("status") == "True")
