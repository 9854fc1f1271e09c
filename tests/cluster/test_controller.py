"""What users see when the controller is killed, replaced, doubled: nothing."""

import signal
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
