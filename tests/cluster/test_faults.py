"""What users see when the controller dies, when proxies are replaced, and when somebody interferes."""

import json
import time

import kube


def new_controller(before: set[str]) -> dict:
    def ready():
        for pod in kube.controller_pods():
            conditions = pod["status"].get("conditions", [])
            is_ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
            if pod["metadata"]["uid"] not in before and is_ready:
                return pod
        return None
    return kube.wait_for("a new controller", ready)


def kill_controller() -> dict:
    """SIGKILL; returns the pod that takes over."""
    pods = kube.controller_pods()
    for pod in pods:
        kube.kubectl("-n", kube.SYSTEM, "delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
    return new_controller({pod["metadata"]["uid"] for pod in pods})


def test_a_killed_controller_costs_no_request_and_sends_nothing_again(gateway):
    client = kube.Client(gateway.address)
    time.sleep(1)
    pod = kill_controller()
    connected = kube.wait_for("the proxy to be back", lambda: kube.total(kube.metrics(pod), "kgateway_xds_streams ") >= 0
                              and kube.metrics(pod).get("kgateway_xds_streams", 0) >= 1)
    time.sleep(3)
    sent = kube.total(kube.metrics(pod), "kgateway_xds_resources_sent_total")
    answers = client.end()
    print(f"answers {answers}, resources sent again {sent}")
    assert connected
    assert set(answers) == {200}
    assert sent == 0


def test_a_restart_writes_nothing(gateway):
    time.sleep(3)
    before = gateway.versions()
    kill_controller()
    time.sleep(25)  # the lease of the killed leader must run out before anybody may write
    after = gateway.versions()
    assert after == before
    gateway.apply(gateway.route("late", "/late"))
    kube.wait_for("the new controller to write", lambda: gateway.get("httproute", "late").get("status"))


def test_a_backend_is_rolled_without_a_failed_request(gateway):
    client = kube.Client(gateway.address)
    kube.kubectl("-n", gateway.namespace, "rollout", "restart", "deployment/echo")
    kube.kubectl("-n", gateway.namespace, "rollout", "status", "deployment/echo", "--timeout=90s")
    time.sleep(4)
    answers = client.end()
    print(f"answers {answers}")
    assert set(answers) == {200}


def test_proxies_are_rolled_without_a_failed_request(gateway):
    client = kube.Client(gateway.address)
    kube.kubectl("-n", gateway.namespace, "rollout", "restart", "deployment/gw")
    kube.kubectl("-n", gateway.namespace, "rollout", "status", "deployment/gw", "--timeout=90s")
    time.sleep(12)
    answers = client.end()
    print(f"answers {answers}")
    assert set(answers) == {200}


def test_drift_is_repaired(gateway):
    kube.kubectl("-n", gateway.namespace, "patch", "service", "gw", "--type=json",
                 "-p", '[{"op":"replace","path":"/spec/ports/0/targetPort","value":9}]')
    kube.wait_for("the port to be back",
                  lambda: gateway.get("service", "gw")["spec"]["ports"][0]["targetPort"] == 80)
    kube.kubectl("-n", gateway.namespace, "delete", "configmap", "gw")
    kube.wait_for("the ConfigMap to be back", lambda: "configmap/gw" in kube.kubectl(
        "-n", gateway.namespace, "get", "configmap", "-o", "name"))


def test_the_status_of_others_stays_and_ours_comes_back(gateway):
    route = gateway.get("httproute", "route")
    foreign = {"parentRef": {"name": "elsewhere"}, "controllerName": "example.com/other", "conditions": [
        {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "lastTransitionTime":
         "2026-01-01T00:00:00Z"}]}
    kube.kubectl("-n", gateway.namespace, "patch", "httproute", "route", "--subresource=status", "--type=merge",
                 "-p", json.dumps({"status": {"parents": [foreign]}}))

    def both():
        names = {entry["controllerName"] for entry in gateway.get("httproute", "route")["status"]["parents"]}
        return names == {"example.com/other", route["status"]["parents"][0]["controllerName"]}
    kube.wait_for("both entries", both)


def test_a_foreign_token_gets_no_resources(gateway):
    """A pod of the same namespace, with another ServiceAccount, presents itself as the Gateway's proxy."""
    pod = kube.controller_pods()[0]
    streams = kube.metrics(pod)["kgateway_xds_streams"]
    before = kube.total(kube.metrics(pod), "kgateway_xds_streams_refused_total")
    deployment = gateway.get("deployment", "gw")
    spec = deployment["spec"]["template"]["spec"]
    spec["serviceAccountName"] = "default"
    labels = {"app": "impostor"}
    gateway.apply(kube.manifest("Deployment", "impostor", {
        "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}, "apps/v1"))
    kube.wait_for("the impostor to be refused",
                  lambda: kube.total(kube.metrics(pod), "kgateway_xds_streams_refused_total") > before)
    assert kube.metrics(pod)["kgateway_xds_streams"] == streams
