"""The cluster as the tests see it: API server, controller, waiting. Needs `make cluster-up`."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/cluster"))
sys.path.insert(0, str(ROOT / "tools"))

import api as cluster_api  # noqa: E402
import layout  # noqa: E402
import pods  # noqa: E402

PLACE = layout.layout()
SYSTEM = "kgateway-system"
CONTROLLER = "kgateway.dev/kgateway"
GATEWAY_API = "gateway.networking.k8s.io/v1"
ApiError = cluster_api.ApiError
path_of = cluster_api.path_of
collection = cluster_api.collection


def session() -> cluster_api.Session:
    return cluster_api.Session(cluster_api.Api(PLACE))


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    environment = {**os.environ, "KUBECONFIG": str(PLACE.kubeconfig)}
    done = subprocess.run([str(PLACE.bin / "kubectl"), *arguments], input=stdin, text=True, env=environment,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def wait_for(what: str, condition, seconds: float = 60, pause: float = 0.1):
    """The first true value of condition(); what an unreachable or busy API server says is not one."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = condition()
        except (OSError, ApiError) as error:
            value, said = None, f": {error}"
        else:
            said = ""
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}{said}"
        time.sleep(pause)


def is_true(conditions: list[dict], kind: str) -> bool:
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)


def crd(name: str) -> dict:
    """A CRD as it can be created again."""
    found = json.loads(kubectl("get", "crd", name, "-o", "json"))
    metadata = {key: found["metadata"][key] for key in ("name", "annotations", "labels")
                if key in found["metadata"]}
    metadata.get("annotations", {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": metadata, "spec": found["spec"]}


def restore_crd(saved: dict) -> None:
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(saved))
    wait_for("the CRD", lambda: is_true(json.loads(kubectl(
        "get", "crd", saved["metadata"]["name"], "-o", "json")).get("status", {}).get("conditions") or [],
        "Established"))


def controller_pods() -> list[dict]:
    """Those that are not on their way out."""
    listed = session().get(f"/api/v1/namespaces/{SYSTEM}/pods?labelSelector=kgateway%3Dkgateway")
    return [pod for pod in listed["items"] if "deletionTimestamp" not in pod["metadata"]]


def ready(pod: dict) -> bool:
    return is_true(pod["status"].get("conditions", []), "Ready")


def uids(pods: list[dict]) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods}


def new_controller(before: set[str]) -> dict:
    """The ready pod that is none of those."""
    def found():
        fresh = [p for p in controller_pods() if p["metadata"]["uid"] not in before and ready(p)]
        return fresh[0] if fresh else None
    return wait_for("a new controller", found)


def replace_controller() -> dict:
    """Takes the pods away without notice; returns the one that takes over."""
    old = controller_pods()
    for pod in old:
        kubectl("-n", SYSTEM, "delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
    return new_controller(uids(old))


def restarts(pod: dict) -> int:
    return sum(c["restartCount"] for c in pod["status"].get("containerStatuses", []))


def send_signal(pod: dict, number: signal.Signals) -> None:
    """To the controller in that pod."""
    pids = pods.processes(pod, "kgateway")
    assert pids, f"no process of {pod['metadata']['name']}"
    for pid in pids:
        os.kill(pid, number)


def metrics(pod: dict) -> dict[str, float]:
    """The controller's metrics by name and labels."""
    connection = http.client.HTTPConnection(pod["status"]["podIP"], 9092, timeout=5)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def total(values: dict[str, float], name: str) -> int:
    return int(sum(value for key, value in values.items() if key.partition("{")[0] == name))


def sent(pod: dict) -> int:
    return total(metrics(pod), "kgateway_xds_resources_sent_total")


def streams(pod: dict) -> int:
    return total(metrics(pod), "kgateway_xds_streams")


def lease_holder() -> str:
    """The name of the pod that may write; empty while there is none."""
    spec = session().get(f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/kgateway-envoy")["spec"]
    return spec.get("holderIdentity", "").rpartition("_")[0]
