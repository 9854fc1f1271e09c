"""Proxies, backends and routes change under a closed loop of requests; none is lost, none is wrong."""

import time

import kube
import pytest
import traffic
import world


def test_a_backend_is_rolled_without_a_failed_request(gateway):
    client = traffic.Client(gateway.address)
    gateway.rollout("echo")
    time.sleep(4)
    answers = client.end()
    print(f"answers {answers}, from {len(client.pods)} pods in turn")
    assert set(answers) == {200}
    assert len(set(client.pods)) == 2


def test_proxies_are_rolled_without_a_failed_request(gateway):
    client = traffic.Client(gateway.address)
    gateway.rollout("gw")
    time.sleep(12)
    answers = client.end()
    print(f"answers {answers}")
    assert set(answers) == {200}


@pytest.fixture
def doubled():
    """A Gateway with two proxies."""
    parameters = world.manifest("GatewayParameters", "two", {"kube": {"deployment": {"replicas": 2}}},
                                "gateway.kgateway.dev/v1alpha1")
    reference = {"group": "gateway.kgateway.dev", "kind": "GatewayParameters", "name": "two"}
    instance = world.EchoGateway(world.gateway(infrastructure={"parametersRef": reference}), (parameters,))
    kube.wait_for("two proxies", lambda: instance.get("Deployment", "gw", "apps/v1")["status"].get(
        "readyReplicas") == 2)
    yield instance
    instance.close()


def test_a_proxy_pod_is_deleted_without_a_failed_request(doubled):
    pods = doubled.pods(world.PROXIES)
    clients = [traffic.Client(doubled.address) for _ in range(4)]  # some of them at either proxy
    time.sleep(1)
    kube.kubectl("-n", doubled.name, "delete", "pod", pods[0]["metadata"]["name"], "--wait=false")
    kube.wait_for("a new proxy", lambda: [p for p in doubled.pods(world.PROXIES) if kube.ready(p)
                                          and p["metadata"]["uid"] not in kube.uids(pods)], 90)
    time.sleep(12)
    answers = [client.end() for client in clients]
    print(f"answers {answers}")
    assert all(set(each) == {200} for each in answers)


def test_an_autoscaler_takes_over_as_many_proxies_as_there_are(doubled):
    seen = []

    def look() -> dict:
        spec = doubled.get("Deployment", "gw", "apps/v1")["spec"]
        seen.append(spec["replicas"])
        return spec
    doubled.apply(world.manifest("GatewayParameters", "two", {"kube": {"horizontalPodAutoscaler": {
        "spec": {"minReplicas": 2, "maxReplicas": 4, "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization",
                                                                        "averageUtilization": 80}}}]}}}},
                                 "gateway.kgateway.dev/v1alpha1"))
    kube.wait_for("the autoscaler", lambda: look() and doubled.get("HorizontalPodAutoscaler", "gw",
                                                                   "autoscaling/v2"))
    kube.wait_for("replicas that are not ours any more", lambda: look() and not replicas_are_ours(doubled))
    for _ in range(20):
        look()
        time.sleep(0.1)
    print(f"replicas {sorted(set(seen))} in {len(seen)} looks")
    assert set(seen) == {2}


def replicas_are_ours(instance) -> bool:
    fields = instance.get("Deployment", "gw", "apps/v1")["metadata"]["managedFields"]
    return any(entry["manager"] == kube.CONTROLLER and "f:replicas" in entry["fieldsV1"].get("f:spec", {})
               for entry in fields)


def test_a_service_is_pointed_at_other_pods_without_a_failed_request(gateway):
    gateway.apply(world.echo_deployment("other"))
    kube.wait_for("the other backend", lambda: gateway.available("other"))
    client = traffic.Client(gateway.address)
    for selected in ("other", "echo", "other"):
        time.sleep(1.5)
        gateway.apply(world.service("echo", selected))
        kube.wait_for("answers from there", lambda: client.pods[-1].startswith(f"{selected}-"))
    answers = client.end()
    turns = [pod.rpartition("-")[0].rpartition("-")[0] for pod in client.pods]
    print(f"answers {answers}, from {turns} in turn")
    assert set(answers) == {200}
    assert turns[-1] == "other"


class Changes:
    """Twenty routes that change in every way that must not be noticed at /stable, and at /swap only by
    the backend: swapped backends, reordered rules, rules that come and go, filters, a deleted neighbour."""

    ROUTES = 20

    def __init__(self, gateway):
        self.gateway = gateway
        self.swap = ["echo"] * self.ROUTES
        for number in range(self.ROUTES):
            self.write(number, 0)

    def target(self, number: int, path: str) -> traffic.Target:
        return traffic.Target(path, f"changing-{number}.example")

    def targets(self) -> list[traffic.Target]:
        return [self.target(n, path) for n in range(self.ROUTES) for path in ("/stable", "/swap")]

    def write(self, number: int, kind: int) -> None:
        stable, swap = world.rule("/stable", "echo"), world.rule("/swap", self.swap[number])
        rules = [stable, swap]
        if kind == 1:
            rules.reverse()
        if kind == 2:
            rules.insert(0, world.rule("/extra", "other"))
        if kind == 3:
            swap["filters"] = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {
                "set": [{"name": "x-change", "value": "yes"}]}}]
        self.gateway.apply(world.route(f"changing-{number}", *rules, hostnames=[f"changing-{number}.example"]))

    def make(self, change: int) -> None:
        number, kind = change % self.ROUTES, change // self.ROUTES % 5
        if kind == 4:
            self.swap[number] = "other" if self.swap[number] == "echo" else "echo"
        self.write(number, kind)


def judge(target: traffic.Target, answer: traffic.Answer) -> object:
    if answer.status != 200:
        return answer.status
    right = ("echo-",) if target.path == "/stable" else ("echo-", "other-")
    return 200 if answer.pod.startswith(right) else f"200 from {answer.pod}"


def test_a_thousand_changes_of_routes_and_no_wrong_answer(gateway):
    changes, seconds = 1000, 200
    gateway.apply(world.echo_deployment("other"), world.service("other"))
    kube.wait_for("the other backend", lambda: gateway.available("other"))
    world_of_changes = Changes(gateway)
    targets = world_of_changes.targets()
    kube.wait_for("all routes", lambda: all(gateway.status(t.path, t.host) == 200 for t in targets))
    clients = [traffic.Client(gateway.address, targets, judge) for _ in range(2)]
    begin, late = time.monotonic(), 0.0
    for change in range(changes):
        due = begin + change * seconds / changes
        late = max(late, time.monotonic() - due)
        time.sleep(max(0.0, due - time.monotonic()))
        world_of_changes.make(change)
    took = time.monotonic() - begin

    def settled() -> bool:
        return all(traffic.ask(gateway.address, "/swap", f"changing-{n}.example").pod.startswith(f"{backend}-")
                   for n, backend in enumerate(world_of_changes.swap))
    kube.wait_for("the last change to be in force", settled)
    answers = [client.end() for client in clients]
    print(f"{changes} changes in {took:.0f} s (at most {late:.2f} s late), answers {answers}")
    assert all(set(each) == {200} for each in answers), [client.bad for client in clients]
