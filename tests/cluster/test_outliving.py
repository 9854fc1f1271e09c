"""Proxies outlive what describes their Gateway: its class, its name, the label of its namespace."""

import json
import time

import kube
import pytest
import traffic
import world

CLASSES = "/apis/gateway.networking.k8s.io/v1/gatewayclasses"
AWAY = 5  # seconds in which something is missing under load
SELECTORS = "KGW_DISCOVERY_NAMESPACE_SELECTORS"


def gateway_class(name: str, controller: str = kube.CONTROLLER) -> dict:
    return {"apiVersion": kube.GATEWAY_API, "kind": "GatewayClass", "metadata": {"name": name},
            "spec": {"controllerName": controller}}


@pytest.fixture
def classes():
    """Names of GatewayClasses that are deleted at the end."""
    names: list[str] = []
    yield names
    for name in names:
        kube.kubectl("delete", "gatewayclass", name, "--ignore-not-found")


@pytest.fixture
def borrowed(classes):
    """A Gateway of a class of the user."""
    classes.append("borrowed")
    kube.session().apply(gateway_class("borrowed"))
    instance = world.EchoGateway(world.manifest("Gateway", "gw", {
        "gatewayClassName": "borrowed", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}))
    yield instance
    instance.close()


def condition(instance: world.Namespace, name: str) -> dict:
    conditions = instance.get("Gateway", "gw").get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == name), {})


def identities(instance: world.Namespace) -> dict[str, str]:
    return {kind: instance.get(kind, "gw", version)["metadata"]["uid"]
            for kind, version in (("Deployment", "apps/v1"), ("Service", "v1"))}


def test_a_deleted_class_costs_no_request_and_routes_are_followed(borrowed):
    before, client = identities(borrowed), traffic.Client(borrowed.address)
    kube.session().delete(f"{CLASSES}/borrowed")
    kube.wait_for("the Gateway to say so", lambda: condition(borrowed, "Accepted").get("status") == "Unknown" and
                  condition(borrowed, "Programmed").get("status") == "Unknown")
    assert '"borrowed"' in condition(borrowed, "Accepted")["message"]
    borrowed.rollout("echo")
    borrowed.apply(world.route("late", world.rule("/late", "echo")))
    kube.wait_for("a new route", lambda: borrowed.status("/late") == 200)
    time.sleep(AWAY)
    kube.session().apply(gateway_class("borrowed"))
    kube.wait_for("the Gateway to be accepted", lambda: condition(borrowed, "Accepted").get("status") == "True")
    answers = client.end()
    print(f"answers {answers}")
    assert set(answers) == {200}
    assert identities(borrowed) == before


def test_a_misspelt_class_costs_no_request_nor_the_address(borrowed):
    before, client = identities(borrowed), traffic.Client(borrowed.address)
    spell = {"spec": {"gatewayClassName": "borrowd"}}
    borrowed.api.merge(borrowed.path("Gateway", "gw"), spell)
    generation = borrowed.get("Gateway", "gw")["metadata"]["generation"]
    kube.wait_for("the Gateway to say so", lambda: condition(borrowed, "Programmed").get("status") == "Unknown")
    said = condition(borrowed, "Accepted")
    assert said["observedGeneration"] == generation and '"borrowd"' in said["message"]
    time.sleep(AWAY)
    assert identities(borrowed) == before
    assert borrowed.get("Gateway", "gw")["status"]["addresses"][0]["value"] == borrowed.address
    spell["spec"]["gatewayClassName"] = "borrowed"
    borrowed.api.merge(borrowed.path("Gateway", "gw"), spell)
    kube.wait_for("the Gateway to be programmed", lambda: condition(borrowed, "Programmed").get("status") == "True")
    answers = client.end()
    print(f"answers {answers}")
    assert set(answers) == {200}
    assert identities(borrowed) == before


def test_a_controller_that_starts_without_the_class_leaves_the_proxies_alone(borrowed):
    before, client = identities(borrowed), traffic.Client(borrowed.address)
    kube.session().delete(f"{CLASSES}/borrowed")
    pod = kube.replace_controller()
    kube.wait_for("the controller to lead", lambda: kube.lease_holder() == pod["metadata"]["name"])
    time.sleep(AWAY)
    assert identities(borrowed) == before
    kube.session().apply(gateway_class("borrowed"))
    borrowed.apply(world.route("late", world.rule("/late", "echo")))
    kube.wait_for("a new route", lambda: borrowed.status("/late") == 200)
    answers = client.end()
    print(f"answers {answers}")
    assert set(answers) == {200}


def test_a_class_of_another_controller_ends_the_proxies(borrowed, classes):
    classes.append("theirs")
    kube.session().apply(gateway_class("theirs", "example.com/other"))
    borrowed.api.merge(borrowed.path("Gateway", "gw"), {"spec": {"gatewayClassName": "theirs"}})

    def programmed():
        conditions = borrowed.get("Gateway", "gw")["status"]["conditions"]
        return next(each for each in conditions if each["type"] == "Programmed")
    kube.wait_for("the Gateway to wait", lambda: "has not accepted it" in programmed()["message"], 30)
    assert borrowed.pods(world.PROXIES)
    accepted = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "theirs", "observedGeneration": 1,
                "lastTransitionTime": "2026-01-01T00:00:00Z"}
    kube.kubectl("patch", "gatewayclass", "theirs", "--subresource=status", "--type=merge",
                 "-p", json.dumps({"status": {"conditions": [accepted]}}))
    kube.wait_for("the proxies to go", lambda: not borrowed.pods(world.PROXIES), 90)


@pytest.fixture
def selecting(gateway):
    """Only namespaces with the label watched=yes count; the Gateway's is one."""
    kube.kubectl("label", "namespace", gateway.name, "watched=yes")
    found = kube.session().get(f"/apis/apps/v1/namespaces/{kube.SYSTEM}/deployments/kgateway")
    variables = found["spec"]["template"]["spec"]["containers"][0]["env"]
    before = next(each.get("value", "") for each in variables if each["name"] == SELECTORS)

    def select(value: str) -> None:
        kube.kubectl("-n", kube.SYSTEM, "set", "env", "deployment/kgateway", f"{SELECTORS}={value}")
        kube.kubectl("-n", kube.SYSTEM, "rollout", "status", "deployment/kgateway", "--timeout=90s")
    select(json.dumps([{"matchLabels": {"watched": "yes"}}]))
    yield gateway
    select(before)


def test_a_namespace_that_is_not_selected_any_more_keeps_its_proxies(selecting):
    follows(selecting, "before")
    before, client = identities(selecting), traffic.Client(selecting.address)
    written = selecting.get("Gateway", "gw")["metadata"]["resourceVersion"]
    kube.kubectl("label", "namespace", selecting.name, "watched-")
    time.sleep(AWAY)
    selecting.delete("HTTPRoute", "before")
    assert selecting.get("Gateway", "gw")["metadata"]["resourceVersion"] == written
    assert selecting.status("/before") == 200, "nothing is read there"
    kube.kubectl("label", "namespace", selecting.name, "watched=yes")
    kube.wait_for("the deleted route to go", lambda: selecting.condition("route", "Accepted") and
                  selecting.api.get(selecting.path("Gateway", "gw"))["status"]["listeners"][0]["attachedRoutes"] == 1)
    follows(selecting, "after")
    kube.wait_for("the route's status", lambda: selecting.condition(
        "after", "kgateway.dev/Programmed").get("status") == "True")
    answers = client.end()
    print(f"answers {answers}")
    assert set(answers) == {200}
    assert identities(selecting) == before


def follows(gateway: world.EchoGateway, name: str) -> None:
    gateway.apply(world.route(name, world.rule(f"/{name}", "echo")))
    kube.wait_for(f"route {name}", lambda: gateway.status(f"/{name}") == 200)


def test_a_deleted_gateway_of_a_namespace_that_is_not_selected_is_ended(selecting):
    kube.kubectl("label", "namespace", selecting.name, "watched-")
    selecting.delete("Gateway", "gw")
    kube.wait_for("the proxies to go", lambda: not selecting.pods(world.PROXIES), 90)
