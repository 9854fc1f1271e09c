"""A real kube-apiserver with its etcd, on loopback ports of its own, beside any development cluster."""

import contextlib
import pathlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools/cluster")]
import build  # noqa: E402
import components  # noqa: E402
import pki  # noqa: E402
from api import Api, ApiError  # noqa: E402, F401
from layout import Layout  # noqa: E402
from processes import Process, wait  # noqa: E402

PARTS = ("kubernetes", "companions")  # of tools/cluster; the second has etcd and the CRDs
BESIDE_A_CLUSTER = ["--endpoint-reconciler-type=none", "--profiling=false"]


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        return [free.getsockname()[1] for free in sockets]


def programs(place: Layout) -> None:
    place.bin.mkdir(parents=True)
    for part in PARTS:
        for program in (build.component(part) / "bin").iterdir():
            (place.bin / program.name).symlink_to(program)


@contextlib.contextmanager
def running(state: pathlib.Path) -> Iterator[Api]:
    """Starts both with an empty state; ends them, and whatever an earlier run left behind."""
    ports = free_ports(3)
    place = Layout(state, "127.0.0.1", *ports)
    processes = [Process(name, place.processes, place.logs) for name in ("kube-apiserver", "etcd")]
    for process in processes:
        process.stop()
    shutil.rmtree(state, ignore_errors=True)
    programs(place)
    pki.create(place)
    api = Api(place)
    try:
        etcd = components.etcd(place, api)
        processes[1].start(etcd.command, {})
        processes[1].await_ready(etcd.ready)
        server = components.apiserver(place, api)
        processes[0].start(server.command + BESIDE_A_CLUSTER, {})
        processes[0].await_ready(server.ready, 180)
        yield api
    finally:
        for process in processes:
            process.stop()


def crds(kgateway: str) -> list[dict]:
    """Those of Gateway API's experimental channel, and our own as `kgateway crds` prints them."""
    folder = build.component("companions") / "crds/experimental"
    texts = [file.read_text() for file in sorted(folder.glob("gateway.*.yaml"))]
    texts.append(subprocess.check_output([kgateway, "crds"], text=True))
    documents = [d for text in texts for d in yaml.safe_load_all(text)]
    return [d for d in documents if d and d.get("kind") == "CustomResourceDefinition"]


def install(api: Api, definitions: list[dict]) -> None:
    """Creates the CRDs and waits until all of their versions are served."""
    base = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for definition in definitions:
        api.call("POST", base, definition)

    def served() -> bool:
        for definition in definitions:
            live = api.get(f"{base}/{definition['metadata']['name']}")
            conditions = {c["type"]: c["status"] for c in live.get("status", {}).get("conditions", [])}
            if conditions.get("Established") != "True":
                return False
        return True

    wait("the CRDs being served", served, 60, lambda: "")
