"""Namespaces with echo backends, a Gateway and routes; a crowd of a thousand routes."""

import collections
import uuid

import kube
import traffic

ECHO = "registry.k8s.io/gateway-api/conformance/echo-basic:v0.1.0"
PROXIES = "gateway.networking.k8s.io%2Fgateway-name%3Dgw"  # selects the pods of the Gateway `gw`


def manifest(kind: str, name: str, spec: dict, api_version: str = kube.GATEWAY_API, **more) -> dict:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec, **more}


def echo_deployment(name: str, replicas: int = 1) -> dict:
    environment = [{"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}}
                   for key, path in (("POD_NAME", "metadata.name"), ("NAMESPACE", "metadata.namespace"))]
    pod = {"terminationGracePeriodSeconds": 10, "containers": [{
        "name": "echo", "image": ECHO, "imagePullPolicy": "Never", "env": environment,
        "readinessProbe": {"tcpSocket": {"port": 3000}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"sleep": {"seconds": 3}}}}]}
    labels = {"app": name}
    return manifest("Deployment", name, {
        "replicas": replicas, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod}}, "apps/v1")


def service(name: str, selects: str = "") -> dict:
    return manifest("Service", name, {"selector": {"app": selects or name},
                                      "ports": [{"port": 80, "targetPort": 3000}]}, "v1")


def rule(path: str, backend: str, **more) -> dict:
    return {"matches": [{"path": {"type": "PathPrefix", "value": path}}],
            "backendRefs": [{"name": backend, "port": 80}], **more}


def route(name: str, *rules: dict, hostnames: list[str] | None = None, gateway: str = "gw") -> dict:
    return manifest("HTTPRoute", name, {"parentRefs": [{"name": gateway}], "rules": list(rules),
                                        **({"hostnames": hostnames} if hostnames else {})})


def marked_route(name: str, host: str) -> dict:
    """For a host of its own; the backend sees the route's name in a header."""
    mark = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-route", "value": name}]}}
    return route(name, rule("/", "echo", filters=[mark]), hostnames=[host])


def gateway(*listeners: dict, **more) -> dict:
    """Without listeners: HTTP on port 80."""
    return manifest("Gateway", "gw", {"gatewayClassName": "kgateway", "listeners": list(listeners) or [
        {"name": "http", "port": 80, "protocol": "HTTP"}], **more})


class Namespace:
    """Objects in a namespace of their own; close() removes it."""

    def __init__(self):
        self.name = f"kgw-test-{uuid.uuid4().hex[:8]}"
        self.api = kube.session()
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}})

    def apply(self, *objects: dict) -> None:
        for item in objects:
            item["metadata"]["namespace"] = self.name
            self.api.apply(item)

    def path(self, kind: str, name: str, api_version: str = kube.GATEWAY_API) -> str:
        return f"{kube.collection(api_version, kind, self.name)}/{name}"

    def get(self, kind: str, name: str, api_version: str = kube.GATEWAY_API) -> dict:
        return self.api.get(self.path(kind, name, api_version))

    def delete(self, kind: str, name: str, api_version: str = kube.GATEWAY_API) -> None:
        self.api.delete(self.path(kind, name, api_version))

    def pods(self, labels: str) -> list[dict]:
        listed = self.api.get(f"/api/v1/namespaces/{self.name}/pods?labelSelector={labels}")["items"]
        return [pod for pod in listed if "deletionTimestamp" not in pod["metadata"]]

    def rollout(self, deployment: str) -> None:
        kube.kubectl("-n", self.name, "rollout", "restart", f"deployment/{deployment}")
        kube.kubectl("-n", self.name, "rollout", "status", f"deployment/{deployment}", "--timeout=90s")

    def available(self, deployment: str) -> bool:
        found = self.get("Deployment", deployment, "apps/v1")
        return found.get("status", {}).get("availableReplicas", 0) >= found["spec"].get("replicas", 1)

    def alone(self) -> None:
        """Waits until namespaces of earlier tests are gone: their proxies still get what changes there."""
        def others() -> list[str]:
            names = [n["metadata"]["name"] for n in kube.session().get("/api/v1/namespaces")["items"]
                     if n["status"].get("phase") == "Terminating"]
            return [name for name in names if name != self.name]
        kube.wait_for("other tests' namespaces to go", lambda: not others(), 120)

    def close(self) -> None:
        kube.session().delete(f"/api/v1/namespaces/{self.name}")


class EchoGateway(Namespace):
    """Gateway `gw`, HTTPRoute `route` and backend `echo`, programmed and answering."""

    def __init__(self, gateway_object: dict | None = None, more: tuple[dict, ...] = ()):
        super().__init__()
        self.apply(*more, echo_deployment("echo"), service("echo"), gateway_object or gateway(),
                   route("route", rule("/", "echo")))
        self.address = kube.wait_for("the Gateway to be programmed", self.programmed_address, 180)
        kube.wait_for("the first 200", lambda: self.status("/") == 200)

    def programmed_address(self) -> str | None:
        status = self.get("Gateway", "gw").get("status", {})
        programmed = kube.is_true(status.get("conditions", []), "Programmed")
        return status["addresses"][0]["value"] if programmed and status.get("addresses") else None

    def status(self, path: str = "/", host: str = "") -> int:
        return traffic.ask(self.address, path, host).status

    def answered_by(self, host: str) -> str | None:
        """The marked route that took the request; "" if another one did, None if there is no 200."""
        answer = traffic.ask(self.address, "/", host)
        if answer.status != 200:
            return None
        return next((values[0] for key, values in answer.headers.items() if key.lower() == "x-route"), "")

    def entry(self, name: str, kind: str = "HTTPRoute") -> dict | None:
        """The controller's own entry in a route's status."""
        parents = self.get(kind, name).get("status", {}).get("parents", [])
        own = [entry for entry in parents if entry["controllerName"] == kube.CONTROLLER]
        return own[0] if own else None

    def condition(self, name: str, condition: str, kind: str = "HTTPRoute") -> dict:
        entry = self.entry(name, kind) or {}
        found = [c for c in entry.get("conditions", []) if c["type"] == condition]
        return found[0] if found else {}

    def versions(self) -> dict[str, str]:
        """resourceVersion of everything that the controller writes here."""
        objects = [("Gateway", "gw", kube.GATEWAY_API), ("HTTPRoute", "route", kube.GATEWAY_API),
                   ("Deployment", "gw", "apps/v1"), ("Service", "gw", "v1"), ("ConfigMap", "gw", "v1"),
                   ("ServiceAccount", "gw", "v1")]
        # A Deployment's own status changes with its pods; what is written is its spec.
        return {kind: self.get(kind, name, version)["metadata"][
            "generation" if kind == "Deployment" else "resourceVersion"] for kind, name, version in objects}


class Crowd(EchoGateway):
    """An EchoGateway with a thousand more routes, each with a hostname of its own."""

    SIZE = 1000

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.hosts = [f"healthy-{number}.example" for number in range(self.SIZE)]
        for number, host in enumerate(self.hosts):
            item = route(f"healthy-{number}", rule("/", "echo"), hostnames=[host])
            item["metadata"]["namespace"] = self.name
            self.api.create(item)
        kube.wait_for("the crowd to answer", lambda: self.answers() == {200: self.SIZE}, 120)

    def answers(self) -> dict[int, int]:
        """How often which status came, asking every route of the crowd once."""
        connection = traffic.Connection(self.address)
        counted = collections.Counter(connection.ask("/", host).status for host in self.hosts)
        connection.close()
        return dict(counted)

    def attached(self) -> int:
        return self.get("Gateway", "gw")["status"]["listeners"][0]["attachedRoutes"]
