"""What an installation decides: the GatewayClass that is always there, and which namespaces count."""

import json

import kube
import pytest
import traffic
import world

CLASSES = "/apis/gateway.networking.k8s.io/v1/gatewayclasses"
SELECTORS = "KGW_DISCOVERY_NAMESPACE_SELECTORS"


def test_the_gateway_class_comes_back_and_no_proxy_goes(gateway):
    gateway.alone()
    pods = gateway.pods(world.PROXIES)
    client = traffic.Client(gateway.address)
    old = kube.session().get(f"{CLASSES}/kgateway")
    kube.session().delete(f"{CLASSES}/kgateway")

    def accepted() -> bool:
        now = kube.session().get(f"{CLASSES}/kgateway")
        return now["metadata"]["uid"] != old["metadata"]["uid"] and kube.is_true(
            now.get("status", {}).get("conditions", []), "Accepted")
    kube.wait_for("another GatewayClass", accepted)
    gateway.apply(world.route("late", world.rule("/late", "echo")))
    kube.wait_for("the Gateway to serve what is new", lambda: gateway.status("/late") == 200)
    answers = client.end()
    print(f"answers {answers}")
    assert set(answers) == {200}
    assert kube.uids(gateway.pods(world.PROXIES)) == kube.uids(pods)


def set_selectors(value: str) -> None:
    kube.kubectl("-n", kube.SYSTEM, "set", "env", "deployment/kgateway", f"{SELECTORS}={value}")
    kube.kubectl("-n", kube.SYSTEM, "rollout", "status", "deployment/kgateway", "--timeout=90s")


@pytest.fixture
def chosen_namespaces():
    """Only namespaces with the label kgw-test=yes count meanwhile."""
    found = kube.session().get(f"/apis/apps/v1/namespaces/{kube.SYSTEM}/deployments/kgateway")
    variables = found["spec"]["template"]["spec"]["containers"][0]["env"]
    before = next(each.get("value", "") for each in variables if each["name"] == SELECTORS)
    set_selectors(json.dumps([{"matchLabels": {"kgw-test": "yes"}}]))
    yield
    set_selectors(before)


def programmed(instance: world.Namespace) -> bool:
    return kube.is_true(instance.get("Gateway", "gw").get("status", {}).get("conditions", []), "Programmed")


@pytest.fixture
def namespaces():
    both = world.Namespace(), world.Namespace()
    yield both
    for each in both:
        each.close()


def test_namespaces_come_and_go_with_their_labels(chosen_namespaces, namespaces):
    chosen, other = namespaces
    kube.kubectl("label", "namespace", chosen.name, "kgw-test=yes")
    for each in namespaces:
        each.apply(world.gateway())
    kube.wait_for("the Gateway of a chosen namespace", lambda: programmed(chosen), 120)
    untouched = other.get("Gateway", "gw")["metadata"]["managedFields"]
    assert not [entry for entry in untouched if entry["manager"] == kube.CONTROLLER]
    assert not other.pods(world.PROXIES)

    kube.kubectl("label", "namespace", other.name, "kgw-test=yes")
    kube.wait_for("the Gateway of a namespace that is chosen now", lambda: programmed(other), 120)
