"""Where the development cluster lies: its folders, its addresses, its ports.

Everything but the bridge and the nftables rules is below two folders, so that taking the cluster down
can remove them. Nothing listens beyond this machine: the API server and the kubelet have the bridge's
address, etcd has loopback.
"""

import dataclasses
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import kgw_cache as cache  # noqa: E402

NODE = "kgateway"
BRIDGE = "kgw0"
NODE_ADDRESS = "10.244.0.1"
PODS = "10.244.0.0/16"
SERVICES = "10.96.0.0/16"
KUBERNETES_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
LOAD_BALANCERS = "10.97.0.0/16"
STATIC_LOAD_BALANCERS = "10.97.254.0/23"  # given only to Services that ask for one of them
API_PORT = 6443
ETCD_PORT = 12379
ETCD_PEER_PORT = 12380
RUN = pathlib.Path("/run/kgateway-cluster")  # sockets and mounts of containerd: gone after a reboot
CNI_PLUGINS = pathlib.Path("/usr/lib/cni")
CNI_NETWORK = "kgateway-pods"


class ClusterError(Exception):
    """What the user has to know, in words."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """The cluster's own folder: $KGW_CLUSTER_STATE, or `cluster` in the cache."""

    state: pathlib.Path
    # Where the API server and etcd listen; others than these for an API server beside the cluster.
    address: str = NODE_ADDRESS
    api_port: int = API_PORT
    etcd_port: int = ETCD_PORT
    etcd_peer_port: int = ETCD_PEER_PORT

    @property
    def marker(self) -> pathlib.Path:
        """Says that the folder is ours to empty."""
        return self.state / ".kgateway-cluster"

    @property
    def bin(self) -> pathlib.Path:
        return self.state / "bin"

    @property
    def pki(self) -> pathlib.Path:
        return self.state / "pki"

    @property
    def logs(self) -> pathlib.Path:
        return self.state / "logs"

    @property
    def config(self) -> pathlib.Path:
        return self.state / "config"

    @property
    def processes(self) -> pathlib.Path:
        return self.state / "processes"

    @property
    def kubeconfig(self) -> pathlib.Path:
        return self.state / "kubeconfig"


def layout() -> Layout:
    given = os.environ.get("KGW_CLUSTER_STATE")
    return Layout(pathlib.Path(given).resolve() if given else cache.root().resolve() / "cluster")
