"""Others write to the same objects: a second controller in our routes' status, people in our proxies."""

import json
import threading
import time

import kube
import traffic
import world

OTHER = "example.com/other"


def test_drift_is_repaired(gateway):
    kube.kubectl("-n", gateway.name, "patch", "service", "gw", "--type=json",
                 "-p", '[{"op":"replace","path":"/spec/ports/0/targetPort","value":9}]')
    kube.wait_for("the port to be back",
                  lambda: gateway.get("Service", "gw", "v1")["spec"]["ports"][0]["targetPort"] == 80)
    gateway.delete("ConfigMap", "gw", "v1")
    kube.wait_for("the ConfigMap to be back", lambda: gateway.get("ConfigMap", "gw", "v1"))


def foreign_entry(generation: int, round_: int) -> dict:
    return {"parentRef": {"name": "elsewhere"}, "controllerName": OTHER, "conditions": [
        {"type": "Accepted", "status": "True", "reason": "Accepted", "message": f"round {round_}",
         "observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}


def test_the_status_of_others_stays_and_ours_comes_back(gateway):
    kube.session().merge(gateway.path("HTTPRoute", "route") + "/status",
                         {"status": {"parents": [foreign_entry(1, 0)]}})

    def both():
        parents = gateway.get("HTTPRoute", "route")["status"]["parents"]
        return {entry["controllerName"] for entry in parents} == {OTHER, kube.CONTROLLER}
    kube.wait_for("both entries", both)


class OtherController:
    """Writes its entry into the status of routes as controllers do: read, change, replace; again when
    somebody was faster."""

    def __init__(self, gateway, names: list[str]):
        self.gateway, self.names, self.api = gateway, names, kube.session()
        self.writes = self.conflicts = self.round = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def write(self, name: str) -> None:
        path = self.gateway.path("HTTPRoute", name)
        while not self.stopping.is_set():
            route = self.api.get(path)
            status = route.setdefault("status", {"parents": []})
            others = [entry for entry in status["parents"] if entry["controllerName"] != OTHER]
            status["parents"] = [foreign_entry(route["metadata"]["generation"], self.round), *others]
            try:
                self.api.call("PUT", f"{path}/status", route)
                self.writes += 1
                return
            except kube.ApiError as error:
                if error.code != 409:
                    raise
                self.conflicts += 1

    def loop(self) -> None:
        while not self.stopping.wait(0.02):
            self.round += 1
            for name in self.names:
                self.write(name)

    def end(self) -> None:
        self.stopping.set()
        self.thread.join(20)


def own_writes(pod: dict) -> int:
    return kube.total(kube.metrics(pod), "kgateway_status_writes_total")


def test_a_second_controller_writes_the_same_statuses_and_neither_loses(gateway):
    """Twenty routes get both controllers' entries while they change; then only the other one writes."""
    (pod,) = kube.controller_pods()
    names = [f"shared-{number}" for number in range(20)]
    hosts = {name: [f"{name}.example"] for name in names}
    gateway.apply(*(world.route(n, world.rule("/", "echo"), hostnames=hosts[n]) for n in names))
    client = traffic.Client(gateway.address)
    other, before, changes = OtherController(gateway, names), own_writes(pod), 0
    for change in range(10):
        for name in names:
            gateway.apply(world.route(name, world.rule(f"/{change}", "echo"), hostnames=hosts[name]))
            changes += 1

    def current(name: str) -> bool:
        route = gateway.get("HTTPRoute", name)
        entries = {entry["controllerName"]: entry for entry in route["status"]["parents"]}
        own = entries.get(kube.CONTROLLER, {}).get("conditions", [{}])
        return len(route["status"]["parents"]) == 2 and OTHER in entries and all(
            c.get("observedGeneration") == route["metadata"]["generation"] for c in own)
    kube.wait_for("both entries in every route", lambda: all(current(name) for name in names))
    time.sleep(2)
    writes, settled = own_writes(pod) - before, own_writes(pod)
    foreign = other.writes
    time.sleep(5)
    alone, provoked = other.writes - foreign, own_writes(pod) - settled
    other.end()
    last = {name: gateway.get("HTTPRoute", name)["status"]["parents"] for name in names}
    answers = client.end()
    print(f"{changes} changes: {writes} statuses written by kgateway, {foreign} by the other "
          f"({other.conflicts} conflicts); then {alone} by the other alone provoked {provoked}; answers {answers}")
    assert set(answers) == {200}
    assert provoked == 0
    assert writes <= 3 * changes
    for name, parents in last.items():
        said = [json.dumps(entry["conditions"]) for entry in parents if entry["controllerName"] == OTHER]
        assert len(said) == 1 and "round " in said[0], name
