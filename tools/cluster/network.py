"""The host's side of the pod network: a bridge, routes for Services, masquerading; and their removal.

The bridge is there before the first pod, because the API server and the kubelet listen on its address.
The routes make Service addresses reachable from a host without a default route, and keep packets for
an address that nobody has from leaving the machine; kube-proxy rewrites those that somebody has.
"""

import json
import pathlib
import subprocess

import layout
from layout import ClusterError, Layout

TABLE = "kgateway-cluster"
KUBE_PROXY_TABLES = (("ip", "kube-proxy"), ("ip6", "kube-proxy"))
FORWARDING = pathlib.Path("/proc/sys/net/ipv4/ip_forward")
# Pods reach the world with the host's address; among themselves and to Services with their own.
MASQUERADE = f"""
table ip {TABLE}
delete table ip {TABLE}
table ip {TABLE} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat
    ip saddr {layout.PODS} ip daddr != {{ {layout.PODS}, {layout.SERVICES}, {layout.LOAD_BALANCERS} }} masquerade
  }}
}}
"""
CNI = {
    "cniVersion": "1.0.0", "name": layout.CNI_NETWORK, "plugins": [
        {"type": "bridge", "bridge": layout.BRIDGE, "isGateway": True, "hairpinMode": True,
         "ipam": {"type": "host-local", "ranges": [[{"subnet": layout.PODS}]],
                  "routes": [{"dst": "0.0.0.0/0"}]}},
    ],
}


def run(*command: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess:
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise ClusterError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done


def kube_proxy_rules() -> bool:
    return any(run("nft", "list", "table", *table, check=False).returncode == 0
               for table in KUBE_PROXY_TABLES)


def create(place: Layout) -> None:
    """Makes what is missing; safe to repeat."""
    previous = place.state / "ip_forward"
    if not previous.exists():
        previous.write_text(FORWARDING.read_text())
    FORWARDING.write_text("1")
    if run("ip", "link", "show", layout.BRIDGE, check=False).returncode != 0:
        run("ip", "link", "add", layout.BRIDGE, "type", "bridge")
    width = layout.PODS.partition("/")[2]
    run("ip", "address", "replace", f"{layout.NODE_ADDRESS}/{width}", "dev", layout.BRIDGE)
    run("ip", "link", "set", layout.BRIDGE, "up")
    for network in (layout.SERVICES, layout.LOAD_BALANCERS):
        run("ip", "route", "replace", network, "dev", layout.BRIDGE, "src", layout.NODE_ADDRESS)
    run("nft", "-f", "-", text=MASQUERADE)
    write_cni(place)


def write_cni(place: Layout) -> None:
    folder = place.config / "cni"
    folder.mkdir(parents=True, exist_ok=True)
    configuration = json.loads(json.dumps(CNI))
    configuration["plugins"][0]["ipam"]["dataDir"] = str(place.state / "cni")
    (folder / "10-pods.conflist").write_text(json.dumps(configuration, indent=1))


def remove(place: Layout) -> None:
    for table in (*KUBE_PROXY_TABLES, ("ip", TABLE)):
        run("nft", "delete", "table", *table, check=False)
    run("ip", "link", "delete", layout.BRIDGE, check=False)
    remove_cni_results(pathlib.Path("/var/lib/cni/results"))
    previous = place.state / "ip_forward"
    if previous.exists():
        FORWARDING.write_text(previous.read_text())
        previous.unlink()


def remove_cni_results(folder: pathlib.Path) -> None:
    """What the plugins remember of our pods: a file for our network and one for loopback, by pod."""
    for ours in folder.glob(f"{layout.CNI_NETWORK}-*-eth0"):
        pod = ours.name.removeprefix(f"{layout.CNI_NETWORK}-").removesuffix("-eth0")
        (folder / f"cni-loopback-{pod}-lo").unlink(missing_ok=True)
        ours.unlink()
