"""What keeps a proxy from being deployed, connected or running is said in the Gateway's status."""

import time

import kube
import pytest
import world

PARAMETERS = "gateway.kgateway.dev/v1alpha1"
DEPLOY_FAILED = "kgateway.dev/DeployFailed"


def named_gateway(name: str, *listeners: dict, **more) -> dict:
    item = world.gateway(*listeners, **more)
    item["metadata"]["name"] = name
    return item


def listener(name: str, port: int) -> dict:
    return {"name": name, "port": port, "protocol": "HTTP"}


def parameters(service: dict) -> dict:
    return world.manifest("GatewayParameters", "edge", {"kube": {"service": service}}, PARAMETERS)


REFERENCE = {"parametersRef": {"group": "gateway.kgateway.dev", "kind": "GatewayParameters", "name": "edge"}}


class Gateways(world.Namespace):
    def conditions(self, name: str, of_listener: str = "") -> dict[str, dict]:
        """By type."""
        status = self.get("Gateway", name).get("status", {})
        if of_listener:
            listeners = {each["name"]: each for each in status.get("listeners", [])}
            status = listeners.get(of_listener, {})
        return {each["type"]: each for each in status.get("conditions", [])}

    def says(self, name: str, words: str, kind: str, *statuses: str, of_listener: str = "",
             seconds: float = 60) -> dict:
        """Waits until the condition has one of those statuses and repeats those words."""
        def found():
            condition = self.conditions(name, of_listener).get(kind, {})
            return condition if condition.get("status") in statuses and words in condition["message"] else None
        condition = kube.wait_for(f"{name} {of_listener} {kind} with {words!r}", found, seconds)
        print(f"{name} {of_listener}: {kind}={condition['status']} {condition['reason']}: {condition['message']}")
        return condition

    def programmed(self, name: str, seconds: float = 120) -> None:
        kube.wait_for(f"{name} to be programmed",
                      lambda: self.conditions(name).get("Programmed", {}).get("status") == "True", seconds)

    def events(self, name: str) -> list[dict]:
        listed = self.api.get(f"/api/v1/namespaces/{self.name}/events")["items"]
        return [each for each in listed
                if each["involvedObject"]["kind"] == "Gateway" and each["involvedObject"]["name"] == name]


@pytest.fixture
def gateways():
    instance = Gateways()
    yield instance
    instance.close()


def failures(pod: dict) -> int:
    return kube.total(kube.metrics(pod), "kgateway_proxy_object_failures_total")


def test_what_the_api_server_refuses_is_reported(gateways):
    (pod,) = kube.controller_pods()
    before = failures(pod)
    taken = world.service("taken")
    gateways.apply(taken, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "one"},
                           "spec": {"hard": {"services.loadbalancers": "1"}}},
                   parameters({"type": "LoadBalancer"}),
                   named_gateway("edge", listener("http", 80), infrastructure=REFERENCE))
    gateways.programmed("edge")
    gateways.apply(named_gateway("quota", listener("http", 80)), named_gateway("taken", listener("http", 80)))
    foreign = "exists and is not owned by the Gateway"
    for name, words in (("taken", foreign), ("quota", "exceeded quota")):
        gateways.says(name, words, "Programmed", "False")
        gateways.says(name, words, "Programmed", "False", of_listener="http")
        gateways.says(name, words, DEPLOY_FAILED, "True")
    assert gateways.get("Service", "taken", "v1")["spec"]["selector"] == taken["spec"]["selector"]

    gateways.apply(parameters({"type": "LoadBalancer", "loadBalancerClass": "example.com/x"}),
                   named_gateway("edge", listener("http", 80), listener("more", 8080), infrastructure=REFERENCE))
    words = "may not change once set"
    gateways.says("edge", words, DEPLOY_FAILED, "True")
    gateways.says("edge", words, "Programmed", "False", of_listener="more")
    assert gateways.conditions("edge", "http")["Programmed"]["status"] == "True"
    assert "more: " in gateways.conditions("edge")["Programmed"]["message"]
    assert failures(pod) > before
    time.sleep(5)  # attempts are repeated, Events are not
    told = [event for event in gateways.events("edge") if words in event["message"]]
    assert len(told) == 1 and told[0]["type"] == "Warning"

    gateways.apply(parameters({"type": "LoadBalancer"}))
    gateways.delete("Service", "taken", "v1")
    gateways.delete("ResourceQuota", "one", "v1")
    for name in ("edge", "quota", "taken"):
        gateways.programmed(name)
        assert DEPLOY_FAILED not in gateways.conditions(name)
    assert gateways.conditions("edge", "more")["Programmed"]["status"] == "True"


def test_resources_that_contradict_each_other_are_reported_and_what_runs_serves_on(gateway):
    """Kubernetes refuses a request above its limit; the Deployment stays as it is."""
    gateway.apply(world.manifest("GatewayParameters", "edge", {"kube": {"envoyContainer": {"resources": {
        "requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}}}, PARAMETERS))
    item = world.gateway(infrastructure=REFERENCE)
    gateway.apply(item)

    def said():
        conditions = gateway.get("Gateway", "gw")["status"]["conditions"]
        return next((each["message"] for each in conditions if each["type"] == DEPLOY_FAILED), None)
    message = kube.wait_for("the refusal", said)
    print(message)
    assert "must be less than or equal to memory limit" in message
    assert gateway.status("/") == 200 and gateway.programmed_address()


def test_proxies_whose_service_account_was_made_again_are_rolled(gateway):
    before = kube.uids(gateway.pods(world.PROXIES))
    kube.kubectl("-n", gateway.name, "delete", "serviceaccount", "gw")

    def rolled() -> bool:
        now = gateway.pods(world.PROXIES)
        return not kube.uids(now) & before and all(kube.ready(each) for each in now)
    kube.wait_for("pods with tokens of the new account", rolled, 120)
    kube.replace_controller()
    gateway.apply(world.route("late", world.rule("/late", "echo")))
    kube.wait_for("the late route to answer", lambda: gateway.status("/late") == 200, 90)
    settled = gateway.versions()["Deployment"]
    kube.replace_controller()
    time.sleep(25)  # the lease of the killed leader must run out before anybody may write
    assert gateway.versions()["Deployment"] == settled, "a restart rolls nothing again"


def test_a_refused_token_is_said_while_its_pods_cannot_be_rolled(gateway):
    """The Deployment is paused, so the proxies keep the tokens of the account that was deleted."""
    kube.kubectl("-n", gateway.name, "rollout", "pause", "deployment/gw")
    kube.kubectl("-n", gateway.name, "delete", "serviceaccount", "gw")
    kube.wait_for("the account to be back", lambda: gateway.get("ServiceAccount", "gw", "v1"))
    time.sleep(15)  # for 10 s the API server remembers that it accepted a token
    kube.replace_controller()

    def said():
        conditions = gateway.get("Gateway", "gw")["status"]["conditions"]
        (programmed,) = [each for each in conditions if each["type"] == "Programmed"]
        return programmed["message"] if "refuses the token" in programmed["message"] else None
    print(kube.wait_for("the refusal of the token", said, 90))
    kube.kubectl("-n", gateway.name, "rollout", "resume", "deployment/gw")
    kube.wait_for("the Gateway to be programmed", gateway.programmed_address, 120)


def test_without_a_proxy_nothing_is_programmed(gateways):
    gateways.apply(named_gateway("edge", listener("http", 80)))
    gateways.programmed("edge")
    kube.kubectl("-n", gateways.name, "scale", "deployment", "edge", "--replicas=0")
    words = "Deployment " + gateways.name + "/edge is scaled to 0 replicas"
    gateways.says("edge", words, "Programmed", "False")
    gateways.says("edge", words, "Programmed", "False", of_listener="http")
    gateways.apply(named_gateway("edge", listener("http", 80), listener("more", 8080)))
    gateways.says("edge", words, "Programmed", "False", of_listener="more")
    kube.kubectl("-n", gateways.name, "scale", "deployment", "edge", "--replicas=1")
    gateways.programmed("edge")
    kube.wait_for("the second listener", lambda: gateways.conditions("edge", "more")["Programmed"]["status"] == "True")


IMAGE = world.manifest("GatewayParameters", "edge", {"kube": {"envoyContainer": {
    "image": {"registry": "none.invalid", "tag": "none"}}}}, PARAMETERS)
PLACE = world.manifest("GatewayParameters", "edge", {"kube": {"podTemplate": {
    "nodeSelector": {"no-such": "node"}}}}, PARAMETERS)
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-pods"}, "spec": {"hard": {"pods": "0"}}}


@pytest.mark.parametrize("cause, words", [(QUOTA, "exceeded quota"), (IMAGE, "none.invalid"),
                                          (PLACE, "nodes are available")], ids=["quota", "image", "place"])
def test_pods_that_cannot_start_are_said_with_the_reason(gateways, cause, words):
    infrastructure = {"infrastructure": REFERENCE} if cause["kind"] == "GatewayParameters" else {}
    gateways.apply(cause, named_gateway("edge", listener("http", 80), **infrastructure))
    gateways.says("edge", words, "Programmed", "False", "Unknown", seconds=90)
