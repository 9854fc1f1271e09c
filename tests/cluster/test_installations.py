"""What is installed where: two controllers, namespaces with Pod Security, orphans, long names."""

import collections
import re
import subprocess
import threading
import time

import kube
import pytest
import world

SECOND = "kgw-second"
WATCHED = 30  # seconds


def helm(*arguments: str) -> None:
    done = subprocess.run([str(kube.PLACE.bin / "helm"), f"--kubeconfig={kube.PLACE.kubeconfig}", *arguments],
                          capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def second():
    """The chart once more, in another namespace, with the values of the first."""
    values = subprocess.run([str(kube.PLACE.bin / "helm"), f"--kubeconfig={kube.PLACE.kubeconfig}", "get", "values",
                             "kgateway", "--namespace", kube.SYSTEM, "-o", "yaml"],
                            capture_output=True, text=True, check=True, timeout=60).stdout
    try:
        done = subprocess.run([str(kube.PLACE.bin / "helm"), f"--kubeconfig={kube.PLACE.kubeconfig}", "install",
                               "kgateway", str(kube.ROOT / "charts/kgateway"), "--namespace", SECOND,
                               "--create-namespace", "--wait", "--timeout=120s", "--values", "-"],
                              input=values, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr
        yield
    finally:
        helm("uninstall", "kgateway", "--namespace", SECOND, "--wait", "--ignore-not-found")
        kube.kubectl("delete", "namespace", SECOND, "--ignore-not-found", "--wait=false")


class Versions:
    """Counts the versions of objects that a watch shows."""

    def __init__(self, instance: world.Namespace):
        self.counts: collections.Counter = collections.Counter()
        self.stopping = False
        self.threads = []
        for kind, version in (("Gateway", kube.GATEWAY_API), ("HTTPRoute", kube.GATEWAY_API),
                              ("ConfigMap", "v1"), ("ServiceAccount", "v1"), ("Service", "v1")):
            listed = kube.session().get(kube.collection(version, kind, instance.name))
            thread = threading.Thread(target=self.watch, daemon=True, args=(
                kind, kube.collection(version, kind, instance.name), listed["metadata"]["resourceVersion"]))
            thread.start()
            self.threads.append(thread)

    def watch(self, kind: str, path: str, version: str) -> None:
        for event in kube.cluster_api.Api(kube.PLACE).watch(path, version):
            if self.stopping:
                return
            if event.get("type") == "MODIFIED":
                self.counts[kind] += 1


def logs(namespace: str) -> str:
    return kube.kubectl("-n", namespace, "logs", "-l", "kgateway=kgateway", "--tail=-1")


def test_two_installations_do_not_race(gateway, second):
    kube.wait_for("one to notice the other", lambda: "also applied by" in str(
        gateway.get("Gateway", "gw")["status"]["conditions"]), 90)
    versions = Versions(gateway)
    generation = gateway.get("Deployment", "gw", "apps/v1")["metadata"]["generation"]
    time.sleep(WATCHED)
    versions.stopping = True
    rolled = gateway.get("Deployment", "gw", "apps/v1")["metadata"]["generation"] - generation
    print(f"versions in {WATCHED} s: {dict(versions.counts)}, generations of the Deployment: {rolled}")
    assert max([*versions.counts.values(), rolled]) <= 20  # a few of each controller
    for namespace in (kube.SYSTEM, SECOND):
        kube.wait_for(f"the log of {namespace} to say so", lambda ns=namespace: re.search(
            r"also applied by|again and again", logs(ns)), 90)


@pytest.fixture
def strict():
    instance = world.Namespace()
    kube.kubectl("label", "namespace", instance.name, "pod-security.kubernetes.io/enforce=restricted")
    yield instance
    instance.close()


def test_restricted_namespaces_take_proxies_and_controller(strict):
    strict.apply(world.gateway())
    kube.wait_for("a proxy", lambda: any(kube.ready(pod) for pod in strict.pods(world.PROXIES)), 120)
    environment_says = subprocess.run(
        [str(kube.PLACE.bin / "kubectl"), f"--kubeconfig={kube.PLACE.kubeconfig}", "label", "--dry-run=server",
         "--overwrite", "namespace", kube.SYSTEM, "pod-security.kubernetes.io/enforce=restricted"],
        capture_output=True, text=True, check=True, timeout=60)
    assert "violat" not in (environment_says.stdout + environment_says.stderr).lower()


def test_what_a_gateway_left_behind_is_adopted_with_its_address(gateway):
    service = gateway.get("Service", "gw", "v1")
    kube.kubectl("-n", gateway.name, "delete", "gateway", "gw", "--cascade=orphan")
    kube.wait_for("the Service to be without an owner", lambda: not gateway.get("Service", "gw", "v1")[
        "metadata"].get("ownerReferences"))
    gateway.apply(world.gateway())
    kube.wait_for("the Service to be owned again", lambda: gateway.get("Service", "gw", "v1")[
        "metadata"].get("ownerReferences"), 90)
    kube.wait_for("the Gateway to be programmed", gateway.programmed_address, 120)
    assert gateway.get("Service", "gw", "v1")["metadata"]["uid"] == service["metadata"]["uid"]
    assert gateway.programmed_address() == gateway.address


def test_a_class_with_a_long_name_deploys_proxies():
    name = "a" * 80 + ".example.com"
    kube.session().apply({"apiVersion": kube.GATEWAY_API, "kind": "GatewayClass", "metadata": {"name": name},
                          "spec": {"controllerName": kube.CONTROLLER}})
    instance = world.Namespace()
    try:
        instance.apply(world.manifest("Gateway", "gw", {
            "gatewayClassName": name, "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}))
        kube.wait_for("a proxy", lambda: any(kube.ready(pod) for pod in instance.pods(world.PROXIES)), 120)
    finally:
        instance.close()
        kube.kubectl("delete", "gatewayclass", name)
