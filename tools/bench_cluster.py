#!/usr/bin/env python3
"""Side by side on a real cluster: this controller, Envoy Gateway, and a bare watcher as the floor.

usage: bench_cluster.py [--json FILE]     (make bench-cluster)

Each controller is installed with its own chart, one at a time, and deploys the same Envoy for one
Gateway. Then, the same for each:
  attach  1,000 routes at once: seconds until the Gateway's status counts them, status writes
  probe   at each size: routes are added one by one, each with its own hostname; from the return of
          the API write to the first 200, asked every millisecond; CPU per route, resident memory
  churn   the same while one other route and one other EndpointSlice change every second
  endpoint  an EndpointSlice points elsewhere: from the write's return to the first answer from there,
          which is when the proxy has it (and acknowledges it)
  cold    controller and proxy start at the largest size: until the last route answers

KGW_BENCH_SIZES (0,500,1500,3000), KGW_BENCH_REPEATS (30), KGW_BENCH_PEERS (kgateway,envoy-gateway),
KGW_BENCH_ATTACH (1000) choose other amounts; no step waits longer than KGW_BENCH_PATIENCE (600) seconds.
Everything made is removed at the end; the cluster stays.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import itertools
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "cluster"))

import bench_cluster_report as report  # noqa: E402
import cluster  # noqa: E402
import layout  # noqa: E402
import peers  # noqa: E402
import probe  # noqa: E402
from api import Api, ApiError, Session, collection  # noqa: E402
from layout import ClusterError, cache  # noqa: E402
from processes import wait  # noqa: E402

NAMESPACE = "kgw-bench"
ECHO = "registry.k8s.io/gateway-api/conformance/echo-basic:v0.1.0"
ROUTES = collection(peers.GATEWAY_API, "HTTPRoute", NAMESPACE)
WRITERS = 4
DRAIN = 70  # seconds after which proxies have done with what the first growth replaced (a cut route table)
QUIET = 0.3  # seconds between two probes, in which what follows the first answer is done


def number(name: str, otherwise: int) -> int:
    return int(os.environ.get(name) or otherwise)


SIZES = [int(size) for size in (os.environ.get("KGW_BENCH_SIZES") or "0,500,1500,3000").split(",")]
REPEATS = number("KGW_BENCH_REPEATS", 30)
ATTACH = number("KGW_BENCH_ATTACH", 1000)
PATIENCE = number("KGW_BENCH_PATIENCE", 600)
CHOSEN = (os.environ.get("KGW_BENCH_PEERS") or "kgateway,envoy-gateway").split(",")


def manifest(kind: str, name: str, spec: dict, api_version: str = peers.GATEWAY_API) -> dict:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": spec}


def route(name: str, service: str = "echo") -> dict:
    return manifest("HTTPRoute", name, {
        "parentRefs": [{"name": "gw"}], "hostnames": [host(name)],
        "rules": [{"backendRefs": [{"name": service, "port": 80}]}]})


def host(name: str) -> str:
    return f"{name}.bench.example"


def right(status: int, _: bytes) -> bool:
    return status == 200


class World:
    """The namespace with its backends; routes by the hundred."""

    def __init__(self, place: layout.Layout):
        self.place, self.api = place, Session(Api(place))
        self.addresses: dict[str, str] = {}
        self.remove()
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for name in ("echo", "other"):
            self.api.create(self.deployment(name))
        self.api.create(manifest("Service", "echo", {
            "selector": {"app": "echo"}, "ports": [{"port": 80, "targetPort": 3000}]}, "v1"))
        self.api.create(manifest("Service", "moving", {"ports": [{"port": 80, "targetPort": 3000}]}, "v1"))
        wait("the backends", lambda: all(self.pod_address(name) for name in ("echo", "other")), 90, lambda: "")
        self.point_at("echo")

    def deployment(self, name: str) -> dict:
        environment = [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
        container = {"name": "echo", "image": ECHO, "imagePullPolicy": "Never", "env": environment,
                     "readinessProbe": {"tcpSocket": {"port": 3000}, "periodSeconds": 1}}
        return manifest("Deployment", name, {
            "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}}, "apps/v1")

    def pod_address(self, name: str) -> str:
        listed = self.api.get(f"{collection('v1', 'Pod', NAMESPACE)}?labelSelector=app%3D{name}")["items"]
        return next((pod["status"].get("podIP", "") for pod in listed), "")

    def point_at(self, name: str) -> None:
        """The Service `moving` gets that backend's pod as its only endpoint."""
        self.api.apply(self.slice_of("moving", name))

    def slice_of(self, service: str, name: str) -> dict:
        if name not in self.addresses:
            self.addresses[name] = self.pod_address(name)
        return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": f"{service}-1", "namespace": NAMESPACE,
                             "labels": {"kubernetes.io/service-name": service}},
                "endpoints": [{"addresses": [self.addresses[name]], "conditions": {"ready": True}}],
                "ports": [{"port": 3000, "protocol": "TCP", "name": ""}]}

    def add_routes(self, names: list[str]) -> float:
        """Creates them with several connections; returns when the last write returned."""
        def write(part: list[str]) -> None:
            session = Session(Api(self.place))
            for name in part:
                session.create(route(name))
        with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
            for _ in pool.map(write, [names[n::WRITERS] for n in range(WRITERS)]):
                pass
        return time.monotonic()

    def remove_routes(self) -> None:
        """So many that the API server may say that it did not finish in time."""
        def removed() -> bool:
            try:
                self.api.call("DELETE", ROUTES)
            except ApiError as error:
                if error.code != 504:
                    raise
                return False
            return True
        wait("the routes going", removed, PATIENCE, lambda: "")

    def gateway_status(self) -> dict:
        return self.api.get(f"{collection(peers.GATEWAY_API, 'Gateway', NAMESPACE)}/gw").get("status", {})

    def attached(self) -> int:
        return sum(each.get("attachedRoutes", 0) for each in self.gateway_status().get("listeners", []))

    def address(self) -> str | None:
        status = self.gateway_status()
        programmed = any(c["type"] == "Programmed" and c["status"] == "True"
                         for c in status.get("conditions", []))
        return status["addresses"][0]["value"] if programmed and status.get("addresses") else None

    def open_gateway(self) -> probe.Poller:
        """A programmed Gateway, its poller."""
        self.api.apply(manifest("Gateway", "gw", {"gatewayClassName": peers.CLASS, "listeners": [
            {"name": "http", "port": 80, "protocol": "HTTP"}]}))
        self.api.apply(route("first"))
        wait("the Gateway being programmed", lambda: self.address() is not None, 180,
             lambda: json.dumps(self.gateway_status()))
        poller = probe.Poller(self.address() or "")
        self.await_answer(poller, "first")
        return poller

    def close_gateway(self) -> None:
        self.remove_routes()
        self.api.delete(f"{collection(peers.GATEWAY_API, 'Gateway', NAMESPACE)}/gw")
        wait("no routes", lambda: not self.api.get(ROUTES + "?limit=1")["items"], 120, lambda: "")

    def await_answer(self, poller: probe.Poller, name: str) -> float:
        when, said = poller.until(host(name), right, PATIENCE)
        if when is None:
            raise ClusterError(f"no 200 from {host(name)} within {PATIENCE} s, but {dict(said)}")
        return when

    def remove(self) -> None:
        path = f"/api/v1/namespaces/{NAMESPACE}"
        self.api.delete(path)

        def gone() -> bool:
            try:
                self.api.get(path)
            except ApiError as error:
                return error.code == 404
            return False
        wait("the old namespace going", gone, 180, lambda: "")


def measure_attach(world: World, peer: peers.Peer) -> dict:
    """Adds ATTACH routes at once, and takes them away."""
    names = [f"attach-{n}" for n in range(ATTACH)]
    base = world.attached()
    gateways = probe.Watcher(world.place, peers.GATEWAY_API, "Gateway", NAMESPACE)
    routes = probe.Watcher(world.place, peers.GATEWAY_API, "HTTPRoute", NAMESPACE)
    before = peer.usage(peer.controller())
    end = world.add_routes(names)
    wait("the Gateway's count", lambda: world.attached() == base + ATTACH, PATIENCE,
         lambda: f"it is {world.attached()}")
    counted = time.monotonic()
    time.sleep(5)  # writes that come after the right count are writes as well
    gateway_events, route_events = gateways.events(), routes.events()
    used = peer.usage(peer.controller()) - before
    gateways.close()
    routes.close()
    world.remove_routes()
    world.api.apply(route("first"))
    wait("the count after", lambda: world.attached() == 1, PATIENCE, lambda: f"it is {world.attached()}")
    return {"seconds": max(0.0, counted - end), "cpu": used.cpu,
            "gateway_writes": probe.status_writes(gateway_events),
            "route_writes": probe.status_writes(route_events)}


def measure_probes(world: World, peer: peers.Peer, poller: probe.Poller, prefix: str) -> dict:
    times, wrong = [], collections.Counter()
    controller, proxy = peer.controller(), peer.proxy(NAMESPACE)
    before, proxy_before = peer.usage(controller), peer.usage(proxy)
    durations = peer.durations()
    for count in range(REPEATS):
        name = f"{prefix}-{count}"
        world.api.create(route(name))
        begin = time.monotonic()
        when, said = poller.until(host(name), right, PATIENCE)
        if when is None:
            raise ClusterError(f"{peer.name}: no answer from {name} within {PATIENCE} s, but {dict(said)}")
        times.append(when - begin)
        wrong.update({status: times_ for status, times_ in said.items() if status != 404})
        time.sleep(QUIET)
    used, proxy_used = peer.usage(controller) - before, peer.usage(proxy) - proxy_before
    parts = {part: (now - durations[part]).mean() for part, now in peer.durations().items()}
    return {"p50": probe.percentile(times, 0.5), "p99": probe.percentile(times, 0.99), "parts": parts,
            "errors": dict(wrong), "cpu": used.cpu / REPEATS, "proxy_cpu": proxy_used.cpu / REPEATS,
            "resident": peer.usage(controller).resident, "proxy_resident": peer.usage(proxy).resident}


@contextlib.contextmanager
def churn(world: World):
    """Meanwhile a route of its own and the endpoints of a Service of its own change every second."""
    done = threading.Event()
    failures: list[Exception] = []

    def work() -> None:
        session = Session(Api(world.place))
        for count in itertools.count():
            if done.wait(1):
                return
            try:
                session.apply(churned_route(count))
                session.apply(world.slice_of("churn", ("echo", "other")[count % 2]))
            except (ApiError, OSError) as error:
                failures.append(error)
                return

    world.api.apply(manifest("Service", "churn", {"ports": [{"port": 80, "targetPort": 3000}]}, "v1"))
    world.api.apply(churned_route(0))
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        world.api.delete(f"{ROUTES}/churned")
    if failures:
        raise ClusterError(f"the churn ended early: {failures[0]}")


def churned_route(count: int) -> dict:
    changed = route("churned", "churn")
    changed["spec"]["rules"][0]["matches"] = [{"path": {"type": "PathPrefix", "value": f"/{count % 2}"}}]
    return changed


def measure_endpoint(world: World, poller: probe.Poller) -> dict:
    world.api.apply(route("moving", "moving"))
    times, wrong = [], collections.Counter()
    world.await_answer(poller, "moving")
    for count in range(REPEATS):
        name = ("other", "echo")[count % 2]
        world.point_at(name)
        begin = time.monotonic()
        when, said = poller.until(host("moving"), lambda status, body, name=name:
                                  status == 200 and f'"{name}-'.encode() in body, PATIENCE)
        if when is None:
            raise ClusterError(f"the moved endpoint does not answer within {PATIENCE} s, but {dict(said)}")
        times.append(when - begin)
        wrong.update({status: times_ for status, times_ in said.items() if status != 200})
        time.sleep(QUIET)
    world.api.delete(f"{ROUTES}/moving")
    return {"p50": probe.percentile(times, 0.5), "p99": probe.percentile(times, 0.99), "errors": dict(wrong)}


def measure_cold(world: World, peer: peers.Peer, last: str) -> dict:
    """Controller and proxy are gone; from the order to start the controller to the last route's answer."""
    peer.scale(0)
    wait("the controller going", lambda: not peer.listed(peer.controller()), 120, lambda: "")
    where = peer.proxy(NAMESPACE)
    for pod in peer.listed(where):
        peer.api.call("DELETE", f"{collection('v1', 'Pod', where.namespace)}/{pod['metadata']['name']}",
                      {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0})
    time.sleep(5)  # the new proxy runs and asks for its configuration
    poller = probe.Poller(world.address() or "")
    peer.scale(1)
    begin = time.monotonic()
    when = world.await_answer(poller, last)
    poller.close()
    time.sleep(QUIET)
    return {"seconds": when - begin, "cpu": peer.usage(peer.controller()).cpu,
            "resident": peer.usage(peer.controller()).resident}


def grow(world: World, poller: probe.Poller, have: int, want: int) -> str:
    """Adds routes up to a size and waits until all of them are in force. Returns the last one."""
    names = [f"base-{n}" for n in range(have, want)]
    if not names:
        return "first"
    world.add_routes(names)
    for name in names[-WRITERS:]:
        world.await_answer(poller, name)
    wait("the Gateway's count", lambda: world.attached() >= want, PATIENCE, lambda: f"it is {world.attached()}")
    time.sleep(2)
    return names[-1]


def measure(world: World, peer: peers.Peer) -> dict:
    result: dict = {"probe": {}, "churn": {}}
    poller = world.open_gateway()
    try:
        result["idle"] = peer.usage(peer.controller()).resident
        if ATTACH:
            cache.say(f"-- bench: {peer.name}: {ATTACH} routes at once")
            result["attach"] = measure_attach(world, peer)
            cache.say(f"   {result['attach']}")
        have, last = 0, "first"
        for size in SIZES:
            cache.say(f"-- bench: {peer.name}: growing to {size} routes")
            last = grow(world, poller, have, size)
            if not have and size:
                time.sleep(DRAIN)
            result["probe"][size] = measure_probes(world, peer, poller, f"probe-{size}")
            cache.say(f"   {result['probe'][size]}")
            with churn(world):
                result["churn"][size] = measure_probes(world, peer, poller, f"churn-{size}")
            cache.say(f"   under churn {result['churn'][size]}")
            have = max(have, size)
        result["endpoint"] = measure_endpoint(world, poller)
        cache.say(f"   endpoint {result['endpoint']}")
        result["cold"] = measure_cold(world, peer, last)
        cache.say(f"   cold start {result['cold']}")
    except ClusterError as error:
        cache.say(f"-- bench: {peer.name}: {error}")
        result["gave_up"] = str(error).splitlines()[0]
    finally:
        poller.close()
        world.close_gateway()
    return result


def measure_floor(world: World) -> dict:
    """When a bare watcher hears of a new route, counted from the return of the write. No controller runs."""
    result = {}
    have = 0
    for size in SIZES:
        world.add_routes([f"base-{n}" for n in range(have, size)])
        have = size
        watcher = probe.Watcher(world.place, peers.GATEWAY_API, "HTTPRoute", NAMESPACE)
        written = {}
        for count in range(REPEATS):
            world.api.create(route(f"probe-{size}-{count}"))
            written[f"probe-{size}-{count}"] = time.monotonic()
            time.sleep(0.05)
        heard = {name: when for when, kind, name, *_ in watcher.events(1) if kind == "ADDED"}
        watcher.close()
        delays = [max(0.0, heard[name] - when) for name, when in written.items() if name in heard]
        result[size] = {"p50": probe.percentile(delays, 0.5), "p99": probe.percentile(delays, 0.99)}
    world.remove_routes()
    return result


@contextlib.contextmanager
def installed(peer: peers.Peer):
    cache.say(f"-- bench: installing {peer.name}")
    try:
        peer.install()
        yield
    finally:
        peer.uninstall()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=pathlib.Path, help="where the numbers go (build/bench-cluster.json)",
                        default=pathlib.Path(__file__).resolve().parents[1] / "build/bench-cluster.json")
    arguments = parser.parse_args()
    if unknown := [name for name in CHOSEN if name not in peers.PEERS]:
        raise ClusterError(f"KGW_BENCH_PEERS: no peer {unknown[0]}; there are {', '.join(peers.PEERS)}")
    place = layout.layout()
    with cache.lock("cluster-state"):
        cluster.up(place)
    for name in peers.PEERS:  # what an earlier run or another target installed
        peers.PEERS[name](place).uninstall()
    world = World(place)
    results: dict = {"sizes": SIZES, "repeats": REPEATS, "attach": ATTACH, "peers": {}}
    try:
        results["floor"] = measure_floor(world)
        for name in CHOSEN:
            peer = peers.PEERS[name](place)
            with installed(peer):
                results["peers"][name] = measure(world, peer)
            arguments.json.parent.mkdir(parents=True, exist_ok=True)
            arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    finally:
        world.remove()
    print(report.table(json.loads(arguments.json.read_text())))
    return 1 if any("gave_up" in result for result in results["peers"].values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (ClusterError, ApiError, RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench_cluster.py: {error}")
