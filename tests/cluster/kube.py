"""kubectl, a Gateway with an echo backend, and a closed-loop client, for tests on a real cluster."""

import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/cluster"))
sys.path.insert(0, str(ROOT / "tools"))

import layout  # noqa: E402

PLACE = layout.layout()
SYSTEM = "kgateway-system"
ECHO = "registry.k8s.io/gateway-api/conformance/echo-basic:v0.1.0"


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    environment = {**os.environ, "KUBECONFIG": str(PLACE.kubeconfig)}
    done = subprocess.run([str(PLACE.bin / "kubectl"), *arguments], input=stdin, text=True, env=environment,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def get(kind: str, name: str, namespace: str) -> dict:
    return json.loads(kubectl("-n", namespace, "get", kind, name, "-o", "json"))


def wait_for(what: str, condition, seconds: float = 60):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def controller_pods() -> list[dict]:
    listed = json.loads(kubectl("-n", SYSTEM, "get", "pods", "-l", "kgateway=kgateway", "-o", "json"))
    return [pod for pod in listed["items"] if "deletionTimestamp" not in pod["metadata"]]


def metrics(pod: dict) -> dict[str, float]:
    """The controller's metrics by name and labels."""
    connection = http.client.HTTPConnection(pod["status"]["podIP"], 9092, timeout=5)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def total(values: dict[str, float], name: str) -> int:
    return int(sum(value for key, value in values.items() if key.startswith(name)))


class Client:
    """Asks one request after the other; counts answers by status, 0 = none."""

    def __init__(self, address: str, path: str = "/"):
        self.address, self.path = address, path
        self.answers: dict[int, int] = {}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self) -> None:
        connection = http.client.HTTPConnection(self.address, 80, timeout=5)
        while not self.stopping.is_set():
            try:
                connection.request("GET", self.path)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except OSError:
                connection.close()
                status = 0
            self.answers[status] = self.answers.get(status, 0) + 1

    def end(self) -> dict[int, int]:
        self.stopping.set()
        self.thread.join(10)
        return self.answers


def manifest(kind: str, name: str, spec: dict, api_version: str, **metadata) -> dict:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


class EchoGateway:
    """Gateway `gw`, HTTPRoute `route` and backend `echo`, programmed and answering."""

    def __init__(self):
        self.namespace = f"kgw-test-{uuid.uuid4().hex[:8]}"
        kubectl("create", "namespace", self.namespace)
        pod = {"containers": [{"name": "echo", "image": ECHO, "imagePullPolicy": "Never",
                               "readinessProbe": {"tcpSocket": {"port": 3000}, "periodSeconds": 1},
                               "lifecycle": {"preStop": {"sleep": {"seconds": 3}}}, "env": [
            {"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}}
            for key, path in (("POD_NAME", "metadata.name"), ("NAMESPACE", "metadata.namespace"))]}]}
        labels = {"app": "echo"}
        self.apply(
            manifest("Deployment", "echo", {"replicas": 1, "selector": {"matchLabels": labels},
                                            "template": {"metadata": {"labels": labels}, "spec": pod}}, "apps/v1"),
            manifest("Service", "echo", {"selector": labels, "ports": [{"port": 80, "targetPort": 3000}]}, "v1"),
            manifest("Gateway", "gw", {"gatewayClassName": "kgateway", "listeners": [
                {"name": "http", "port": 80, "protocol": "HTTP"}]}, "gateway.networking.k8s.io/v1"),
            self.route("route"))
        self.address = wait_for("the Gateway to be programmed", self.programmed_address)
        wait_for("the first 200", lambda: self.ask("/") == 200)

    def route(self, name: str, path: str = "/", backend: str = "echo") -> dict:
        rule = {"matches": [{"path": {"type": "PathPrefix", "value": path}}],
                "backendRefs": [{"name": backend, "port": 80}]}
        return manifest("HTTPRoute", name, {"parentRefs": [{"name": "gw"}], "rules": [rule]},
                        "gateway.networking.k8s.io/v1")

    def apply(self, *objects: dict) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        kubectl("-n", self.namespace, "apply", "-f", "-", stdin=json.dumps(listed))

    def get(self, kind: str, name: str) -> dict:
        return get(kind, name, self.namespace)

    def programmed_address(self) -> str | None:
        status = self.get("gateway", "gw").get("status", {})
        programmed = any(c["type"] == "Programmed" and c["status"] == "True" for c in status.get("conditions", []))
        return status["addresses"][0]["value"] if programmed and status.get("addresses") else None

    def ask(self, path: str) -> int:
        try:
            connection = http.client.HTTPConnection(self.address, 80, timeout=5)
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0

    def versions(self) -> dict[str, str]:
        """resourceVersion of everything that the controller writes here."""
        names = ("gateway/gw", "httproute/route", "deployment/gw", "service/gw", "configmap/gw", "serviceaccount/gw")
        return {name: self.get(*name.split("/"))["metadata"]["resourceVersion"] for name in names}

    def close(self) -> None:
        kubectl("delete", "namespace", self.namespace, "--wait=false")
