"""GatewayParameters that are mistaken, taken away, or leave the proxies to the user."""

import json

import kube
import pytest
import traffic
import world

PARAMETERS = "gateway.kgateway.dev/v1alpha1"


def parameters(spec: dict) -> dict:
    return world.manifest("GatewayParameters", "own", spec, PARAMETERS)


def gateway_of(instance_spec: dict) -> world.EchoGateway:
    reference = {"group": "gateway.kgateway.dev", "kind": "GatewayParameters", "name": "own"}
    return world.EchoGateway(world.gateway(infrastructure={"parametersRef": reference}),
                             (parameters(instance_spec),))


@pytest.fixture
def tuned():
    instance = gateway_of({"kube": {"podTemplate": {"extraLabels": {"tuned": "yes"}}}})
    yield instance
    instance.close()


def condition(instance: world.Namespace, kind: str) -> dict:
    conditions = instance.get("Gateway", "gw").get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})


def test_parameters_and_their_kind_go_and_traffic_does_not(tuned, restored):
    pods = kube.uids(tuned.pods(world.PROXIES))
    (controller,) = kube.controller_pods()
    client = traffic.Client(tuned.address)

    def refused() -> bool:
        return condition(tuned, "Accepted").get("reason") == "InvalidParameters"

    def serves(path: str) -> None:
        tuned.apply(world.route(path.strip("/"), world.rule(path, "echo")))
        kube.wait_for(f"{path} to be served", lambda: tuned.status(path) == 200)

    tuned.delete("GatewayParameters", "own", PARAMETERS)
    kube.wait_for("the Gateway to tell", refused)
    serves("/without-parameters")
    assert kube.is_true([condition(tuned, "Programmed")], "Programmed")
    tuned.apply(parameters({"kube": {"podTemplate": {"extraLabels": {"tuned": "yes"}}}}))
    kube.wait_for("the Gateway to be accepted", lambda: condition(tuned, "Accepted").get("status") == "True")

    restored.append(kube.crd("gatewayparameters.gateway.kgateway.dev"))
    kube.kubectl("delete", "crd", "gatewayparameters.gateway.kgateway.dev", "--timeout=60s")
    kube.wait_for("the Gateway to tell", refused)
    serves("/without-kind")
    answers = client.end()
    (now,) = kube.controller_pods()
    print(f"answers {answers}")
    assert set(answers) == {200}
    assert kube.uids(tuned.pods(world.PROXIES)) == pods
    assert kube.restarts(now) == kube.restarts(controller)


def test_parameters_that_cannot_be_merged_are_told_and_end_nothing(tuned):
    (controller,) = kube.controller_pods()
    overlay = {"kube": {"deploymentOverlay": {"spec": {"template": {"$patch": 5}}}}}
    tuned.apply(parameters(overlay))
    message = kube.wait_for("the Gateway to tell", lambda: condition(tuned, "Accepted").get("status") == "False"
                            and condition(tuned, "Accepted")["message"])
    assert "own: spec.kube.deploymentOverlay.spec.template.$patch: must be replace, merge or delete" in message
    assert tuned.status("/") == 200
    (now,) = kube.controller_pods()
    assert kube.uids([now]) == kube.uids([controller])
    assert kube.restarts(now) == kube.restarts(controller)


def test_what_is_added_to_a_proxys_objects_is_drift_too(gateway):
    path = gateway.path("Service", "gw", "v1")
    selector = gateway.get("Service", "gw", "v1")["spec"]["selector"]
    kube.session().merge(path, {"spec": {"selector": {"nobody": "has-this"}}})
    kube.wait_for("the selector to be back",
                  lambda: gateway.get("Service", "gw", "v1")["spec"]["selector"] == selector)
    kube.wait_for("traffic", lambda: gateway.status("/") == 200)


@pytest.fixture
def self_managed():
    """A Gateway whose proxy is a Deployment of the user, made of what kgateway deploys for another one."""
    model = world.EchoGateway()
    instance = world.Namespace()
    instance.apply(parameters({"selfManaged": {}}), world.echo_deployment("echo"), world.service("echo"),
                   world.gateway(infrastructure={"parametersRef": {
                       "group": "gateway.kgateway.dev", "kind": "GatewayParameters", "name": "own"}},
                       addresses=[{"type": "Hostname", "value": "edge.example.com"}]),
                   world.route("route", world.rule("/", "echo")))
    for kind, version in (("ServiceAccount", "v1"), ("ConfigMap", "v1"), ("Deployment", "apps/v1")):
        instance.apply(copied(model.get(kind, "gw", version), model.name, instance.name))
    yield instance
    instance.close()
    model.close()


def copied(live: dict, old: str, new: str) -> dict:
    metadata = {key: live["metadata"][key] for key in ("name", "labels") if key in live["metadata"]}
    rest = {key: value for key, value in live.items() if key not in ("metadata", "status")}
    return {"metadata": metadata, **json.loads(json.dumps(rest).replace(old, new))}


def test_proxies_of_the_user_are_served_and_the_gateway_is_programmed(self_managed):
    kube.wait_for("the Gateway to be programmed",
                  lambda: condition(self_managed, "Programmed").get("status") == "True", 120)
    status = self_managed.get("Gateway", "gw")["status"]
    assert [address["value"] for address in status["addresses"]] == ["edge.example.com"]
    (pod,) = self_managed.pods(world.PROXIES)
    kube.wait_for("an answer", lambda: traffic.ask(pod["status"]["podIP"]).status == 200)
