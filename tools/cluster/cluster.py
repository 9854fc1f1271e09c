#!/usr/bin/env python3
"""A real Kubernetes on this machine, for development: no container runtime, no registry, no systemd.

usage: cluster.py up              starts what does not run; prints the path of the kubeconfig
       cluster.py down            ends what `up` started and removes it from the host; keeps the logs
       cluster.py status          what runs
       cluster.py images          packs the product's images, for pods to use if the cluster is up
       cluster.py load FILE...    imports other OCI archives

Needs root. The state is in $KGW_CLUSTER_STATE, or `cluster` in the cache (kgw_cache.py); one cluster
per machine. README.md beside this file tells what is where.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable

import build
import components
import dev_images
import images
import layout
import network
import pki
import runtime
from api import Api, ApiError
from layout import ClusterError, Layout, cache
from processes import Process, wait

TOOLS = {"containerd": "containerd", "runc": "runc", "nft": "nftables", "ip": "iproute2",
         "openssl": "openssl", "mount": "mount"}
OWNER = layout.RUN / "state"  # says which state folder the running cluster has


def process(place: Layout, name: str) -> Process:
    return Process(name, place.processes, place.logs)


def running(place: Layout) -> list[str]:
    return [name for name in components.ALL if process(place, name).pid()]


def check_machine() -> None:
    if os.geteuid() != 0:
        raise ClusterError("a cluster needs root: it makes network interfaces, mounts and containers")
    missing = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    if not (layout.CNI_PLUGINS / "bridge").exists():
        missing.append("containernetworking-plugins")
    if missing:
        raise ClusterError(f"missing: apt-get install {' '.join(missing)} "
                           "(or tools/install_deps.sh packages-cluster.txt)")


def check_alone(place: Layout) -> None:
    """Two clusters would share a bridge, addresses and kube-proxy's rules."""
    owner = OWNER.read_text() if OWNER.exists() else ""
    if owner and owner != str(place.state) and running(Layout(pathlib.Path(owner))):
        raise ClusterError(f"a cluster with the state {owner} runs: "
                           f"KGW_CLUSTER_STATE={owner} make cluster-down")
    if not owner and network.kube_proxy_rules():
        raise ClusterError("kube-proxy's rules are there, but no cluster of ours: does another "
                           "Kubernetes run on this machine?")


def claim(place: Layout) -> None:
    """Marks the state folder as one that `down` may empty; refuses one with anything else in it."""
    if place.marker.exists():
        return
    if place.state.exists() and any(place.state.iterdir()):
        raise ClusterError(f"{place.state} holds other things: KGW_CLUSTER_STATE has to be a new folder")
    place.state.mkdir(parents=True, exist_ok=True)
    place.marker.touch()


def link_programs(place: Layout, built: dict[str, pathlib.Path]) -> None:
    place.bin.mkdir(parents=True, exist_ok=True)
    for folder in built.values():
        for program in (folder / "bin").iterdir():
            link = place.bin / program.name
            link.unlink(missing_ok=True)
            link.symlink_to(program)


def kubectl(place: Layout, *arguments: str | pathlib.Path, text: str | None = None) -> str:
    command = [str(place.bin / "kubectl"), f"--kubeconfig={place.kubeconfig}", *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise ClusterError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


def start(place: Layout, api: Api, built: dict[str, pathlib.Path]) -> None:
    """Starts each component that does not run and waits for it; loads images between two of them."""
    for name, make in components.ALL.items():
        supervised = process(place, name)
        if not supervised.pid():
            begin, component = time.monotonic(), make(place, api)
            supervised.start(component.command, component.environment)
            supervised.await_ready(component.ready)
            cache.say(f"-- cluster: {name} is ready ({time.monotonic() - begin:.1f} s)")
        if name == "containerd":
            dev_images.load_missing(built)


def install(place: Layout, api: Api, built: dict[str, pathlib.Path]) -> None:
    """Gateway API's experimental CRDs and the cluster's DNS. The admission policy that belongs to the
    CRDs is left out: it would refuse other versions, which a development cluster may want to try."""
    crds = [f for f in sorted((built["companions"] / "crds/experimental").glob("gateway.*.yaml"))
            if "_vap_" not in f.name]
    kubectl(place, "apply", "--server-side", *[word for f in crds for word in ("-f", f)])
    servers = components.nameservers()
    dns = (layout.HERE / "manifests/dns.yaml").read_text()
    dns = dns.replace("FORWARD\n", f"forward . {' '.join(servers)}\n" if servers else "\n", 1)
    kubectl(place, "apply", "--server-side", "-f", "-", text=dns)

    def dns_answers() -> bool:
        try:
            status = api.get("/apis/apps/v1/namespaces/kube-system/deployments/coredns")["status"]
        except (OSError, ApiError):
            return False
        return status.get("availableReplicas", 0) > 0

    wait("CoreDNS getting ready", dns_answers, 90,
         lambda: kubectl(place, "-n", "kube-system", "get", "pods,events"))
    kubectl(place, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")


def up(place: Layout) -> None:
    check_machine()
    built = build.build_all()
    check_alone(place)
    claim(place)
    if not running(place):
        clean(place)  # what a crash or a reboot left
        shutil.rmtree(place.logs, ignore_errors=True)
    layout.RUN.mkdir(parents=True, exist_ok=True)
    OWNER.write_text(str(place.state))
    link_programs(place, built)
    pki.create(place)
    network.create(place)
    api = Api(place)
    start(place, api, built)
    install(place, api, built)
    cache.say(f"-- cluster: up; kubectl and helm are in {place.bin}")
    print(place.kubeconfig)


def clean(place: Layout) -> None:
    """Ends and removes everything but the logs; safe to repeat.

    REQUIRES: the folder is claimed.
    """
    names = list(components.ALL)
    for name in reversed(names[names.index("containerd") + 1:]):
        process(place, name).stop()
    runtime.end_containers()
    for name in reversed(names[:names.index("containerd") + 1]):
        process(place, name).stop()
    runtime.remove_cgroups()
    runtime.unmount(place.state, layout.RUN)
    network.remove(place)
    pod_logs = place.state / "pod-logs"
    for link in pathlib.Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(pod_logs):
            link.unlink()
    for left in place.state.iterdir():
        if left not in (place.logs, place.marker):
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    shutil.rmtree(layout.RUN, ignore_errors=True)


def down(place: Layout) -> None:
    owner = pathlib.Path(OWNER.read_text()) if OWNER.exists() else place.state
    if owner != place.state:
        raise ClusterError(f"the cluster's state is in {owner}: set KGW_CLUSTER_STATE to it")
    if not place.marker.exists():
        raise ClusterError(f"there is no cluster in {place.state}")
    clean(place)
    cache.say(f"-- cluster: down; its logs stay in {place.logs}")


def status(place: Layout) -> None:
    for name in components.ALL:
        pid = process(place, name).pid()
        print(f"{name:24} {f'runs as {pid}' if pid else 'does not run'}")
    if running(place):
        print(f"KUBECONFIG={place.kubeconfig}")


def load(archives: Iterable[pathlib.Path]) -> None:
    if not runtime.ready():
        raise ClusterError("the cluster does not run (make cluster-up)")
    for archive in archives:
        runtime.load(archive)
        cache.say(f"-- cluster: loaded {archive}")


def load_product(place: Layout) -> None:
    """Packs the images of the current build; loads them when there is a cluster to load them into."""
    archives = images.pack_all().values()
    if running(place):
        load(archives)


def main() -> None:
    place = layout.layout()
    match sys.argv[1:]:
        case ["up"]:
            with cache.lock("cluster-state"):
                up(place)
        case ["down"]:
            with cache.lock("cluster-state"):
                down(place)
        case ["status"]:
            status(place)
        case ["images"]:
            load_product(place)
        case ["load", *archives] if archives:
            load(pathlib.Path(archive).resolve() for archive in archives)
        case _:
            sys.exit((__doc__ or "").split("\n\n")[1])


if __name__ == "__main__":
    try:
        main()
    except (ClusterError, ApiError, RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"cluster.py: {error}")
