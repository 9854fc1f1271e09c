"""The controllers that `make bench-cluster` compares, each installed with its own chart, one at a time.

Both deploy the same Envoy. A peer tells where its processes are; how fast it is, is measured from
outside (bench_cluster.py).
"""

import dataclasses
import pathlib
import shutil
import tempfile
import urllib.request

import build
import cluster
import conformance
import images
import layout
import oci
import pods
import runtime
from api import Api, ApiError, Session, collection
from layout import cache
from processes import wait

GATEWAY_API = "gateway.networking.k8s.io/v1"
CLASS = "bench"
ENVOY_GATEWAY_IMAGE = "localhost/kgateway/envoy-gateway:bench"


@dataclasses.dataclass(frozen=True)
class Where:
    """Pods by namespace and labels, and the name of the process in them."""

    namespace: str
    labels: str
    program: str


@dataclasses.dataclass(frozen=True)
class Duration:
    """A sum of durations."""

    seconds: float = 0
    count: float = 0

    def __sub__(self, earlier: "Duration") -> "Duration":
        return Duration(self.seconds - earlier.seconds, self.count - earlier.count)

    def mean(self) -> float:
        return self.seconds / self.count if self.count else 0


class Peer:
    name = ""
    controller_name = ""
    system = ""      # its namespace
    deployment = ""

    def __init__(self, place: layout.Layout):
        self.place, self.api = place, Session(Api(place))

    def controller(self) -> Where:
        raise NotImplementedError

    def proxy(self, namespace: str) -> Where:
        """The proxies of Gateway `gw` of a namespace."""
        raise NotImplementedError

    def install(self) -> None:
        raise NotImplementedError

    def uninstall(self) -> None:
        raise NotImplementedError

    def listed(self, where: Where) -> list[dict]:
        path = f"{collection('v1', 'Pod', where.namespace)}?labelSelector={where.labels}"
        return [pod for pod in self.api.get(path)["items"] if "deletionTimestamp" not in pod["metadata"]]

    def usage(self, where: Where) -> pods.Usage:
        return pods.usage([pid for pod in self.listed(where) for pid in pods.processes(pod, where.program)])

    def durations(self) -> dict[str, "Duration"]:
        """What the controller itself has counted of a change's way since it started, by the way's part."""
        return {}

    def scale(self, replicas: int) -> None:
        self.api.merge(f"/apis/apps/v1/namespaces/{self.system}/deployments/{self.deployment}/scale",
                       {"spec": {"replicas": replicas}})

    def helm(self, *arguments: str | pathlib.Path) -> None:
        cache.run(self.place.bin / "helm", f"--kubeconfig={self.place.kubeconfig}", "--namespace",
                  self.system, *arguments)

    def make_class(self, parameters: dict | None = None) -> None:
        spec = {"controllerName": self.controller_name}
        if parameters:
            spec["parametersRef"] = parameters
        self.api.apply({"apiVersion": GATEWAY_API, "kind": "GatewayClass", "metadata": {"name": CLASS},
                        "spec": spec})

    def remove_class(self) -> None:
        self.api.delete(f"{collection(GATEWAY_API, 'GatewayClass')}/{CLASS}")

    def remove_namespace(self) -> None:
        """With its pods, at once: proxies may take minutes to drain, and nobody waits for them."""
        path = f"/api/v1/namespaces/{self.system}"
        self.api.delete(path)
        try:
            self.api.call("DELETE", f"{path}/pods?gracePeriodSeconds=0")
        except ApiError as error:
            if error.code != 404:
                raise

        def gone() -> bool:
            try:
                self.api.get(path)
            except ApiError as error:
                return error.code == 404
            return False
        wait(f"the removal of {self.system}", gone, 120, lambda: "")


class Kgateway(Peer):
    name = "kgateway"
    controller_name = "kgateway.dev/kgateway"
    system, deployment = "kgateway-system", "kgateway"

    def controller(self) -> Where:
        return Where(self.system, "kgateway%3Dkgateway", "kgateway")

    def proxy(self, namespace: str) -> Where:
        return Where(namespace, "gateway.networking.k8s.io%2Fgateway-name%3Dgw", "envoy")

    def durations(self) -> dict[str, Duration]:
        pod = self.listed(self.controller())[0]
        with urllib.request.urlopen(f"http://{pod['status']['podIP']}:9092/metrics", timeout=5) as answer:
            samples = [line.rpartition(" ") for line in answer.read().decode().splitlines()]

        def total(name: str) -> float:
            return sum(float(value) for key, _, value in samples if key.partition("{")[0] == name)
        return {part: Duration(total(f"{metric}_sum"), total(f"{metric}_count")) for part, metric in (
            ("send", "kgateway_change_duration_seconds"), ("answer", "kgateway_xds_answer_duration_seconds"))}

    def install(self) -> None:
        conformance.install_controller(self.place)
        self.make_class()

    def uninstall(self) -> None:
        self.remove_class()
        self.helm("uninstall", "kgateway", "--wait", "--ignore-not-found")
        self.api.delete(f"{collection(GATEWAY_API, 'GatewayClass')}/kgateway")
        self.remove_namespace()


class EnvoyGateway(Peer):
    """Envoy Gateway as its chart installs it, but for the images and the Gateway API's CRDs, which the
    cluster has."""

    name = "envoy-gateway"
    controller_name = "gateway.envoyproxy.io/gatewayclass-controller"
    system, deployment = "envoy-gateway-system", "envoy-gateway"

    def controller(self) -> Where:
        return Where(self.system, "control-plane%3Denvoy-gateway", "envoy-gateway")

    def proxy(self, namespace: str) -> Where:
        del namespace  # they are beside the controller
        return Where(self.system, "gateway.envoyproxy.io%2Fowning-gateway-name%3Dgw", "envoy")

    def load_images(self, built: pathlib.Path) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            root = pathlib.Path(temporary) / "root"
            (root / "usr/local/bin").mkdir(parents=True)
            (root / "tmp").mkdir()
            (root / "tmp").chmod(0o1777)
            shutil.copy(built / "bin/envoy-gateway", root / "usr/local/bin/envoy-gateway")
            archive = pathlib.Path(temporary) / "image.tar"
            oci.pack(root, oci.Settings(("/usr/local/bin/envoy-gateway",), user="65532:65532"),
                     [ENVOY_GATEWAY_IMAGE], archive)
            runtime.load(archive)
        cluster.load_product(self.place)

    def install(self) -> None:
        built = build.component("envoy-gateway")
        self.load_images(built)
        crds = built / "chart/charts/crds/crds/generated"
        cluster.kubectl(self.place, "apply", "--server-side", "-f", crds)
        values = {
            "global.images.envoyGateway.image": ENVOY_GATEWAY_IMAGE,
            "global.images.envoyGateway.pullPolicy": "Never", "crds.enabled": "false",
            "config.envoyGateway.provider.kubernetes.shutdownManager.image": ENVOY_GATEWAY_IMAGE,
            "topologyInjector.enabled": "false",
        }
        self.helm("upgrade", "--install", "--create-namespace", "--wait", "--timeout=180s", "--skip-crds",
                  "envoy-gateway", built / "chart",
                  *[word for key, value in values.items() for word in ("--set", f"{key}={value}")])
        container = {"image": images.full_name("envoy")}
        self.api.apply({"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyProxy",
                        "metadata": {"name": CLASS, "namespace": self.system}, "spec": {"provider": {
                            "type": "Kubernetes", "kubernetes": {"envoyDeployment": {"container": container}}}}})
        self.make_class({"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": CLASS,
                         "namespace": self.system})

    def uninstall(self) -> None:
        self.remove_class()
        self.helm("uninstall", "envoy-gateway", "--wait", "--ignore-not-found")
        self.remove_namespace()


PEERS = {peer.name: peer for peer in (Kgateway, EnvoyGateway)}
