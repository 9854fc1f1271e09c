"""The API server restarts, is away, forgets its history, loses and regains kinds: traffic goes on."""

import json
import signal
import socket
import time
import urllib.request

import cluster
import components
import kube
import layout
import pytest
import traffic
import world

API_SERVER = "kube-apiserver"


def start(name: str) -> None:
    api = kube.cluster_api.Api(kube.PLACE)
    component, process = components.ALL[name](kube.PLACE, api), cluster.process(kube.PLACE, name)
    process.start(component.command, component.environment)
    process.await_ready(component.ready)


def stop(name: str) -> None:
    cluster.process(kube.PLACE, name).stop()


@pytest.fixture
def absence():
    """Ends with an API server in any case, and with a cluster that has noticed: what Kubernetes' own
    controllers wait after failures is not what the next test is about."""
    yield
    if not cluster.process(kube.PLACE, API_SERVER).pid():
        start(API_SERVER)
    for name in ("kube-controller-manager", "kube-scheduler"):
        stop(name)
        start(name)


def etcd(path: str, body: dict) -> dict:
    request = urllib.request.Request(f"http://127.0.0.1:{layout.ETCD_PORT}{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def forget_history() -> int:
    """Compacts etcd up to now, so that no watch can resume from before."""
    revision = int(etcd("/v3/kv/range", {"key": "AA=="})["header"]["revision"])
    etcd("/v3/kv/compaction", {"revision": revision, "physical": True})
    return revision


def reachable_for_pods() -> bool:
    """Through its Service: kube-proxy has to find the API server first, and takes its time."""
    try:
        with socket.create_connection((layout.KUBERNETES_SERVICE, 443), 2):
            return True
    except OSError:
        return False


def follows(gateway, name: str) -> float:
    """Seconds until a new route is answered and reported, once the controller can know of it."""
    kube.wait_for("the API server to be found", reachable_for_pods, 90, 0.02)
    begin = time.monotonic()
    kube.wait_for("the API server to take a route", lambda: gateway.apply(
        world.marked_route(name, f"{name}.example")) is None, 60)
    kube.wait_for("the route to answer", lambda: gateway.answered_by(f"{name}.example") == name, 90, 0.01)
    kube.wait_for("its status", lambda: gateway.condition(name, "Accepted").get("status") == "True")
    return time.monotonic() - begin


@pytest.mark.parametrize("seconds", [0, 60])
def test_an_api_server_that_is_away_costs_nothing(gateway, absence, seconds):
    (pod,) = kube.controller_pods()
    before, restarts = kube.sent(pod), kube.restarts(pod)
    client = traffic.Client(gateway.address)
    stop(API_SERVER)
    time.sleep(seconds)
    start(API_SERVER)
    time.sleep(5)
    resent = kube.sent(pod) - before
    took = follows(gateway, "late")
    (pod,) = kube.wait_for("the controller", kube.controller_pods)
    answers = client.end()
    print(f"away {seconds} s: answers {answers}, resources sent again {resent}, "
          f"a new route in force {took:.2f} s later, restarts {kube.restarts(pod) - restarts}")
    assert set(answers) == {200}
    assert resent == 0
    assert kube.restarts(pod) == restarts


def test_what_changed_in_a_forgotten_history_is_found_again(gateway, absence):
    """The controller sleeps while routes come and go; what it had seen last is compacted away."""
    (pod,) = kube.controller_pods()
    gateway.apply(world.marked_route("old", "old.example"))
    kube.wait_for("the old route", lambda: gateway.answered_by("old.example") == "old")
    seen = gateway.get("HTTPRoute", "old")["metadata"]["resourceVersion"]
    client = traffic.Client(gateway.address)
    before = kube.sent(pod)
    kube.send_signal(pod, signal.SIGSTOP)
    try:
        gateway.apply(world.marked_route("new", "new.example"), world.marked_route("old", "moved.example"))
        stop(API_SERVER)
        revision = forget_history()
        start(API_SERVER)
        gone = events_since(seen)
    finally:
        kube.send_signal(pod, signal.SIGCONT)
    kube.wait_for("the API server to be found", reachable_for_pods, 90, 0.02)
    begin = time.monotonic()
    kube.wait_for("the new route", lambda: gateway.answered_by("new.example") == "new", 90, 0.01)
    kube.wait_for("the moved route", lambda: gateway.answered_by("moved.example") == "old")
    kube.wait_for("the old host to be gone", lambda: gateway.answered_by("old.example") == "")
    took = time.monotonic() - begin
    kube.wait_for("its status", lambda: gateway.entry("new"))
    answers = client.end()
    print(f"all in force after {took:.2f} s; compacted up to {revision}, a watch from {seen} is answered with {gone}, answers {answers}, "
          f"resources sent {kube.sent(pod) - before}")
    assert gone == 410
    assert set(answers) == {200}


def events_since(version: str) -> int:
    """How the API server answers a watch from that version: 410, or 200."""
    api = kube.cluster_api.Api(kube.PLACE)
    try:
        for _ in api.watch(kube.collection(kube.GATEWAY_API, "HTTPRoute"), version):
            return 200
    except kube.ApiError as error:
        return error.code
    except OSError:
        pass
    return 200


def class_says() -> str:
    """All that the GatewayClass reports as not in order."""
    status = kube.session().get("/apis/gateway.networking.k8s.io/v1/gatewayclasses/kgateway").get("status", {})
    return " ".join(c.get("message", "") for c in status.get("conditions", []))


def test_a_kind_that_is_deleted_and_restored_disturbs_no_other(gateway, restored):
    (pod,) = kube.controller_pods()
    name = "grpcroutes.gateway.networking.k8s.io"
    restored.append(kube.crd(name))
    client = traffic.Client(gateway.address)
    kube.kubectl("delete", "crd", name, "--timeout=60s")
    said = kube.wait_for("the GatewayClass to tell", lambda: next(
        (text for text in [class_says()] if "GRPCRoute" in text or "grpcroutes" in text), None))
    took = follows(gateway, "meanwhile")
    kube.restore_crd(restored[0])
    kube.wait_for("the GatewayClass to be content", lambda: "GRPCRoute" not in class_says())
    gateway.apply(world.manifest("GRPCRoute", "again", {
        "parentRefs": [{"name": "gw"}], "rules": [{"backendRefs": [{"name": "echo", "port": 80}]}]}))
    kube.wait_for("a GRPCRoute to be accepted",
                  lambda: gateway.condition("again", "Accepted", "GRPCRoute").get("status") == "True")
    answers = client.end()
    (now,) = kube.controller_pods()
    print(f"answers {answers}; the class said {said!r}; an HTTPRoute meanwhile took {took:.2f} s")
    assert set(answers) == {200}
    assert kube.restarts(now) == kube.restarts(pod)


def test_routes_return_with_their_kind(gateway, restored):
    """Deleting a CRD deletes its objects; restoring both restores traffic, with the same controller."""
    (pod,) = kube.controller_pods()
    name = "httproutes.gateway.networking.k8s.io"
    restored.append(kube.crd(name))
    kube.kubectl("delete", "crd", name, "--timeout=60s")
    kube.wait_for("traffic to end with its route", lambda: gateway.status("/") == 404)
    kube.restore_crd(restored[0])
    begin = time.monotonic()
    gateway.apply(world.route("route", world.rule("/", "echo")))
    kube.wait_for("traffic to be back", lambda: gateway.status("/") == 200, 60, 0.01)
    took = time.monotonic() - begin
    kube.wait_for("its status", lambda: gateway.condition("route", "Accepted").get("status") == "True")
    (now,) = kube.controller_pods()
    print(f"a restored route answered after {took:.2f} s")
    assert kube.restarts(now) == kube.restarts(pod)
