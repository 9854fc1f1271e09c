"""What the end-to-end tests are made of: a running kgateway with a real Envoy, backends, and clients.

Everything listens on loopback, on ports that the kernel gave out a moment before, and ends with the test.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import textwrap
import time
import urllib.error
import urllib.request

import httpx
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KGW_BUILD", ROOT / "build" / "release"))
PATIENCE = 30.0  # seconds until something that must happen counts as not happening

_taken: set[int] = set()
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # making one per request is slow


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port that was free a moment ago, never the same one twice in a run."""
    while True:
        with socket.socket(socket.AF_INET, kind) as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        if port not in _taken:
            _taken.add(port)
            return port


def eventually(check, what: str = "", patience: float = PATIENCE):
    """Calls `check` until it returns something true, which is returned; an exception counts as not yet."""
    deadline = time.monotonic() + patience
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = check()
            if last:
                return last
        except (AssertionError, OSError, KeyError, IndexError, httpx.HTTPError) as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"not within {patience:.0f} s: {what or check} (last: {last!r})")


class Process:
    """A child process whose output goes to a file; ended by close()."""

    def __init__(self, command: list[str], log: pathlib.Path):
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def close(self, sig: int = signal.SIGTERM) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(sig)
            try:
                self.popen.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
                raise
        return self.popen.returncode


class Echo:
    """The sample backend: HTTP, gRPC, TCP and UDP under one name."""

    def __init__(self, name: str, directory: pathlib.Path):
        self.name = name
        self.http, self.grpc, self.tcp = free_port(), free_port(), free_port()
        self.udp = free_port(socket.SOCK_DGRAM)
        self.process = Process(
            [str(BUILD / "samples" / "sample_echo"), "--name", name, "--http", str(self.http), "--grpc",
             str(self.grpc), "--tcp", str(self.tcp), "--udp", str(self.udp), "--log"],
            directory / f"echo-{name}-{self.http}.log")
        eventually(lambda: "is listening" in self.process.output(), f"backend {name} listens")

    def close(self) -> None:
        self.process.close()


def service(name: str, endpoints: dict[str, int], *, namespace: str = "default", protocol: str = "TCP",
            app_protocol: dict[str, str] | None = None, addresses: list[str] | None = None) -> str:
    """A Service and its EndpointSlice; `endpoints` maps port names to backend ports, Service ports count
    from 80 in that order."""
    ports = [{"name": n, "port": 80 + i, "protocol": protocol,
              **({"appProtocol": app_protocol[n]} if app_protocol and n in app_protocol else {})}
             for i, n in enumerate(endpoints)]
    slice_ports = [{"name": n, "port": p, "protocol": protocol} for n, p in endpoints.items()]
    return yaml.safe_dump_all([
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
         "spec": {"ports": ports}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
         "metadata": {"name": f"{name}-1", "namespace": namespace,
                      "labels": {"kubernetes.io/service-name": name}},
         "addressType": "IPv4", "ports": slice_ports,
         "endpoints": [{"addresses": [a]} for a in addresses or ["127.0.0.1"]]},
    ])


class Kgateway:
    """`kgateway run` on a directory of manifests."""

    def __init__(self, directory: pathlib.Path, *extra: str, name: str = "kgateway",
                 prefix: tuple[str, ...] = ()):
        self.directory = directory
        self.config = directory / "config"
        self.state = directory / "state"
        self.config.mkdir(parents=True, exist_ok=True)
        self.admin = f"127.0.0.1:{free_port()}"
        self.extra = list(extra)
        self.prefix = list(prefix)  # of the command
        self.name = name
        self.process: Process | None = None

    def write(self, file: str, *documents: str) -> None:
        """Writes a manifest as an editor does: a temporary file, renamed over the old one."""
        text = "---\n".join(textwrap.dedent(d).lstrip("\n") for d in documents)
        temporary = self.config / f".{file}.tmp"
        temporary.write_text(text)
        temporary.replace(self.config / file)

    def remove(self, file: str) -> None:
        (self.config / file).unlink()

    def start(self) -> "Kgateway":
        command = [*self.prefix, str(BUILD / "kgateway"), "run", "--config", str(self.config), "--state-dir",
                   str(self.state), "--admin", self.admin, "--concurrency", "1", *self.extra]
        if "KGW_ENVOY" in os.environ and "--envoy" not in self.extra:
            command += ["--envoy", os.environ["KGW_ENVOY"]]
        self.process = Process(command, self.directory / f"{self.name}.log")
        eventually(self.ready, "kgateway answers on its admin port")
        return self

    def ready(self) -> bool:
        assert self.process
        if self.process.popen.poll() is not None:
            raise RuntimeError(f"kgateway ended:\n{self.process.output()}")
        return self.get("/healthz")[0] == 200

    def get(self, target: str) -> tuple[int, str]:
        """Status and body of an admin endpoint."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}{target}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def status(self, kind: str, name: str, namespace: str = "default") -> dict:
        """The object's `.status`; empty when there is none."""
        for item in json.loads(self.get("/status")[1])["items"]:
            meta = item["metadata"]
            if item["kind"] == kind and meta["name"] == name and meta.get("namespace", "") == namespace:
                return item["status"]
        return {}

    def condition(self, kind: str, name: str, condition: str, *, namespace: str = "default",
                  parent: int = 0, listener: str | None = None) -> dict:
        """One condition of an object (of its n-th parent or ancestor, or of a listener)."""
        status = self.status(kind, name, namespace)
        if listener is not None:
            status = next(entry for entry in status["listeners"] if entry["name"] == listener)
        elif "parents" in status:
            status = status["parents"][parent]
        elif "ancestors" in status:
            status = status["ancestors"][parent]
        return next((c for c in status.get("conditions", []) if c["type"] == condition), {})

    def wait_condition(self, kind: str, name: str, condition: str, status: str, reason: str | None = None,
                       **where) -> dict:
        def check():
            found = self.condition(kind, name, condition, **where)
            return found if found.get("status") == status and reason in (None, found.get("reason")) else None
        try:
            return eventually(check, f"{kind} {name} {condition}={status}/{reason}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(self.status(kind, name), indent=1)}") from None

    def metric(self, name: str) -> float:
        """The sum of all series of a metric of the controller."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines
                   if line[len(name)] in "{ ")

    def close(self) -> None:
        if self.process:
            self.process.close()

    def kill(self) -> None:
        """kill -9 of the controller; its Envoys live on."""
        assert self.process
        self.process.popen.kill()
        self.process.popen.wait()

    def envoy_pids(self) -> list[int]:
        """Envoys started from this state directory."""
        pids = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if any(str(self.state) in part for part in command) and "run" not in command[1:2]:
                    if "State:\tZ" not in (entry / "status").read_text():
                        pids.append(int(entry.name))
        return pids

    def end_envoys(self) -> None:
        for pid in self.envoy_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def gateway(port: int, *, name: str = "gw", listeners: str | None = None) -> str:
    """A Gateway on 127.0.0.1 with one HTTP listener, or with the given YAML list of listeners."""
    entries = yaml.safe_load(listeners) if listeners else [
        {"name": "http", "port": port, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}]
    return yaml.safe_dump({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": name},
        "spec": {"gatewayClassName": "kgateway",
                 "addresses": [{"type": "IPAddress", "value": "127.0.0.1"}], "listeners": entries}})


def http_route(name: str, rules: str, *, hostnames: list[str] | None = None, parent: str = "gw",
               kind: str = "HTTPRoute") -> str:
    """A route with the given YAML list of rules."""
    return yaml.safe_dump({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": {"name": name},
        "spec": {"parentRefs": [{"name": parent}], **({"hostnames": hostnames} if hostnames else {}),
                 "rules": yaml.safe_load(textwrap.dedent(rules))}})


class Client:
    """HTTP requests to one port, each on a new connection unless `keep` is set."""

    def __init__(self, port: int, *, host: str = "example.com", keep: bool = False, **options):
        self.base = f"http://127.0.0.1:{port}"
        self.host = host
        self.options = {"verify": _NO_TLS, **options}
        self.session = httpx.Client(**self.options) if keep else None

    def request(self, method: str, path: str, *, host: str | None = None, **kwargs) -> httpx.Response:
        headers = {"host": host or self.host, **kwargs.pop("headers", {})}
        if self.session:
            return self.session.request(method, self.base + path, headers=headers, **kwargs)
        with httpx.Client(**self.options) as session:
            return session.request(method, self.base + path, headers=headers, **kwargs)

    def get(self, path: str, **kwargs) -> httpx.Response:
        return self.request("GET", path, **kwargs)

    def wait_for(self, path: str, status: int = 200, backend: str | None = None, **kwargs) -> httpx.Response:
        """Repeats a GET until it answers as expected."""
        def check():
            response = self.get(path, **kwargs)
            matches = response.status_code == status and backend in (None, response.headers.get("x-backend"))
            return response if matches else None
        return eventually(check, f"GET {path} answers {status} from {backend or 'anyone'}")


def temporary_directory() -> pathlib.Path:
    """Short, because a Unix socket's path may have 107 bytes."""
    return pathlib.Path(tempfile.mkdtemp(prefix="kgw-"))
