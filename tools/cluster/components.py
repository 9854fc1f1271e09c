"""The cluster's programs in the order in which they start: their configuration, their command line,
and how one sees that they are ready.

A component writes its configuration when it is made, just before its start: kube-proxy ends itself
when its file changes."""

import dataclasses
import json
import pathlib
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable

import layout
import runtime
from api import Api, ApiError
from layout import Layout


@dataclasses.dataclass(frozen=True)
class Component:
    command: list[str]
    ready: Callable[[], bool]
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (OSError, urllib.error.URLError):
        return False


def listening(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 2):
            return True
    except OSError:
        return False


def option(name: str, value: object) -> str:
    return f"--{name}={value}"


def etcd(place: Layout, _: Api) -> Component:
    client = f"http://127.0.0.1:{place.etcd_port}"
    peer = f"http://127.0.0.1:{place.etcd_peer_port}"
    return Component([
        str(place.bin / "etcd"),
        option("data-dir", place.state / "etcd"),
        "--unsafe-no-fsync",  # fast, and nothing here has to survive a power cut
        option("listen-client-urls", client), option("advertise-client-urls", client),
        option("listen-peer-urls", peer), option("initial-advertise-peer-urls", peer),
        option("initial-cluster", f"default={peer}"), option("log-level", "warn"),
    ], lambda: answers(f"{client}/health"))


def apiserver(place: Layout, api: Api) -> Component:
    pki = place.pki
    return Component([
        str(place.bin / "kube-apiserver"),
        option("etcd-servers", f"http://127.0.0.1:{place.etcd_port}"),
        option("bind-address", place.address), option("advertise-address", place.address),
        option("secure-port", place.api_port),
        option("tls-cert-file", pki / "apiserver.crt"),
        option("tls-private-key-file", pki / "apiserver.key"),
        option("client-ca-file", pki / "ca.crt"),
        option("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        option("service-account-key-file", pki / "service-accounts.key"),
        option("service-account-signing-key-file", pki / "service-accounts.key"),
        option("service-cluster-ip-range", layout.SERVICES),
        option("authorization-mode", "Node,RBAC"), "--allow-privileged",
        option("kubelet-client-certificate", pki / "admin.crt"),
        option("kubelet-client-key", pki / "admin.key"),
        option("kubelet-certificate-authority", pki / "ca.crt"),
        option("kubelet-preferred-address-types", "InternalIP"),
    ], api.ready)


def controller_manager(place: Layout, api: Api) -> Component:
    def ready() -> bool:
        """It made the ServiceAccount that pods in `default` need."""
        return exists(api, "/api/v1/namespaces/default/serviceaccounts/default")

    return Component([
        str(place.bin / "kube-controller-manager"),
        option("kubeconfig", place.pki / "controller-manager.conf"), "--leader-elect=false",
        "--secure-port=0", "--use-service-account-credentials",
        option("service-account-private-key-file", place.pki / "service-accounts.key"),
        option("root-ca-file", place.pki / "ca.crt"),
        option("cluster-signing-cert-file", place.pki / "ca.crt"),
        option("cluster-signing-key-file", place.pki / "ca.key"),
        option("flex-volume-plugin-dir", place.state / "volume-plugins"),
    ], ready)


def scheduler(place: Layout, _: Api) -> Component:
    return Component([
        str(place.bin / "kube-scheduler"), option("kubeconfig", place.pki / "scheduler.conf"),
        "--leader-elect=false", "--secure-port=10259", "--bind-address=127.0.0.1",
    ], lambda: listening(10259))


def containerd(place: Layout, _: Api) -> Component:
    """restrict_oom_score_adj: a machine that may not lower that value could start no pod without it.
    enable_unprivileged_ports: a proxy without privileges listens on port 80."""
    config = place.config / "containerd.toml"
    config.write_text(f"""version = 2
root = "{place.state}/containerd"
state = "{layout.RUN}/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.btrfs",
                    "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "{runtime.SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/kgateway/pause:1"
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{layout.CNI_PLUGINS}"
    conf_dir = "{place.config}/cni"
""")
    return Component(["containerd", "--config", str(config)], runtime.ready)


def kubelet(place: Layout, api: Api) -> Component:
    """Takes the machine as it is: swap, either cgroup version, nearly full disks."""
    config = place.config / "kubelet.json"
    config.write_text(json.dumps({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": layout.NODE_ADDRESS, "healthzBindAddress": "127.0.0.1",
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                           "x509": {"clientCAFile": str(place.pki / "ca.crt")}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(place.pki / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(place.pki / "kubelet-server.key"),
        "containerRuntimeEndpoint": f"unix://{runtime.SOCKET}",
        "cgroupDriver": "cgroupfs", "failCgroupV1": False, "failSwapOn": False,
        "clusterDNS": [layout.DNS_SERVICE], "clusterDomain": "cluster.local", "resolvConf": "",
        "enforceNodeAllocatable": [], "maxPods": 250, "registryPullQPS": 0,
        "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%",
                         "memory.available": "50Mi"},
        "imageGCHighThresholdPercent": 100, "makeIPTablesUtilChains": False,
        "volumePluginDir": str(place.state / "volume-plugins"), "podLogsDir": str(place.state / "pod-logs"),
    }, indent=1))

    def ready() -> bool:
        """It answers itself: after a restart the node may still be Ready from before."""
        try:
            if not answers("http://127.0.0.1:10248/healthz"):
                return False
            conditions = api.get(f"/api/v1/nodes/{layout.NODE}")["status"]["conditions"]
        except (OSError, ApiError, KeyError):
            return False
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    return Component([
        str(place.bin / "kubelet"), option("config", config),
        option("kubeconfig", place.pki / "kubelet.conf"),
        option("hostname-override", layout.NODE), option("node-ip", layout.NODE_ADDRESS),
        option("root-dir", place.state / "kubelet"), option("cert-dir", place.state / "kubelet/pki"),
    ], ready)


def kube_proxy(place: Layout, _: Api) -> Component:
    config = place.config / "kube-proxy.json"
    config.write_text(json.dumps({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
        "mode": "nftables", "clusterCIDR": layout.PODS, "hostnameOverride": layout.NODE,
        "clientConnection": {"kubeconfig": str(place.pki / "kube-proxy.conf")},
        "healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0},
    }, indent=1))
    return Component([str(place.bin / "kube-proxy"), option("config", config)],
                     lambda: answers("http://127.0.0.1:10256/healthz"))


def load_balancer(place: Layout, _: Api) -> Component:
    sign = place.config / "load-balancer-follows"
    sign.unlink(missing_ok=True)
    return Component([sys.executable, str(layout.HERE / "load_balancer.py"), str(sign)], sign.exists,
                     {"KGW_CLUSTER_STATE": str(place.state)})


def exists(api: Api, path: str) -> bool:
    try:
        api.get(path)
    except (OSError, ApiError):
        return False
    return True


# In the order of their start; they end in the opposite order.
ALL = {
    "etcd": etcd,
    "kube-apiserver": apiserver,
    "kube-controller-manager": controller_manager,
    "kube-scheduler": scheduler,
    "containerd": containerd,
    "kubelet": kubelet,
    "kube-proxy": kube_proxy,
    "load-balancer": load_balancer,
}


RESOLVERS = (pathlib.Path("/run/systemd/resolve/resolv.conf"), pathlib.Path("/etc/resolv.conf"))


def nameservers(files: tuple[pathlib.Path, ...] = RESOLVERS) -> list[str]:
    """The host's name servers that a pod can ask too, from the first of the files that is there."""
    for file in files:
        if file.exists():
            words = [line.split() for line in file.read_text().splitlines()]
            return [w[1] for w in words
                    if len(w) > 1 and w[0] == "nameserver" and not w[1].startswith("127.")]
    return []
