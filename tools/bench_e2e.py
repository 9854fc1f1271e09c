#!/usr/bin/env python3
"""Benchmark of the whole product: `kgateway run` with a real Envoy and many routes.

For each size: writes the manifests, starts kgateway, waits until the last route answers, then measures
the time from writing a file to the first answer that shows the change, for a new route and for an edited
one, and what processes cost. Prints a line for each size and writes build/bench/end_to_end.json.
"""

import argparse
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
FILES = 50  # manifests of the start; what changes later has a file of its own


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def gateway(port: int) -> str:
    return f"""apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gw}}
spec:
  gatewayClassName: kgateway
  addresses: [{{type: IPAddress, value: 127.0.0.1}}]
  listeners: [{{name: http, port: {port}, protocol: HTTP}}]
"""


def route(name: str, path: str = "/") -> str:
    return f"""apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: gw}}]
  hostnames: [{name}.example.com]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: {path}}}}}]
    backendRefs: [{{name: {name}, port: 80}}]
"""


def backend(name: str, port: int) -> str:
    """A Service with two endpoints on loopback."""
    return f"""apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: http, port: {port}}}]
endpoints:
- {{addresses: [127.0.0.1], conditions: {{ready: true}}}}
- {{addresses: [127.0.0.2], conditions: {{ready: true}}}}
"""


def app(name: str, port: int, path: str = "/") -> str:
    return route(name, path) + "---\n" + backend(name, port)


class Backend:
    """Answers 200 to everything, on all of loopback."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Client:
    """One connection that asks as fast as it can, with as little of its own as possible."""

    def __init__(self, port: int):
        self.port = port
        self.socket: socket.socket | None = None

    def status(self, host: str, path: str) -> int:
        """Of one GET; 0 when nothing listens."""
        try:
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=5)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                part = self.socket.recv(65536)
                if not part:
                    raise ConnectionError
                head += part
            length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                           if line.lower().startswith(b"content-length")), 0)
            left = length - len(head.split(b"\r\n\r\n", 1)[1])
            while left > 0:
                left -= len(self.socket.recv(left))
            return int(head.split(b" ", 2)[1])
        except OSError:
            self.socket = None
            return 0

    def wait_for(self, host: str, path: str, wanted: int = 200, patience: float = 120.0) -> float:
        """The time of the first such answer, as of time.monotonic()."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self.status(host, path) == wanted:
                return time.monotonic()
            time.sleep(0.0005)
        raise TimeoutError(f"{host}{path} does not answer {wanted}")


class Usage:
    """CPU seconds and memory of a process, from /proc."""

    def __init__(self, pid: int):
        self.pid = pid

    def cpu(self) -> float:
        # Nanoseconds, of all threads; jiffies where the kernel has no better.
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except (OSError, IndexError):
                return self._cpu_in_ticks()
        return total / 1e9

    def _cpu_in_ticks(self) -> float:
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def mib(self, what: str) -> float:
        """VmRSS, VmHWM or RssFile (mapped programs and libraries)."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split(what + ":")[1].split()[0]) / 1024


def children(pid: int) -> list[int]:
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


class Gateway:
    """`kgateway run` over a temporary folder of `routes` routes."""

    def __init__(self, binary: str, envoy: str, routes: int, backend_port: int):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kgwb-"))
        self.config = self.folder / "config"
        self.config.mkdir()
        self.port, self.admin, self.backend_port = free_port(), free_port(), backend_port
        self.write("gateway.yaml", gateway(self.port))
        names = [f"app-{i:05}" for i in range(routes)]
        for at in range(0, routes, max(1, routes // FILES)):
            part = names[at:at + max(1, routes // FILES)]
            self.write(f"apps-{at:05}.yaml", "---\n".join(app(name, backend_port) for name in part))
        self.client = Client(self.port)
        self.log = open(self.folder / "log", "wb")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [binary, "run", "--config", str(self.config), "--envoy", envoy, "--admin",
             f"127.0.0.1:{self.admin}", "--state-dir", str(self.folder / "state"), "--concurrency", "1"],
            stdout=self.log, stderr=subprocess.STDOUT)
        self.client.wait_for(f"{(names or ['app-none'])[-1]}.example.com", "/", 200 if names else 404)
        self.ready = time.monotonic() - self.started

    def write(self, file: str, text: str) -> float:
        """Replaces a manifest as an editor does; the time at which it was in place."""
        temporary = self.config / f".{file}.tmp"
        temporary.write_text(text)
        start = time.monotonic()
        temporary.replace(self.config / file)
        return start

    def settle(self) -> None:
        """Waits until neither process uses the CPU any more."""
        usages = self.usages()
        before = [u.cpu() for u in usages]
        while True:
            time.sleep(0.3)
            now = [u.cpu() for u in usages]
            if all(b - a < 0.01 for a, b in zip(before, now)):
                return
            before = now

    def usages(self) -> tuple[Usage, Usage]:
        envoys = [pid for pid in children(self.process.pid)
                  if b"envoy" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
        return Usage(self.process.pid), Usage(envoys[0])

    def metrics(self, prefix: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(prefix))

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            shutil.rmtree(self.folder, ignore_errors=True)


def quantiles(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    return {"p50": statistics.median(ordered), "p99": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]}


def measure_changes(gw: Gateway, repeats: int, change) -> dict:
    """`change(i)` gives (file, text, host, path): the path answers 200 only when the change is in force."""
    latency, controller_cpu, envoy_cpu = [], [], []
    controller, envoy = gw.usages()
    for i in range(repeats):
        file, text, host, path = change(i)
        assert gw.client.status(host, path) != 200
        gw.settle()
        cpu = controller.cpu(), envoy.cpu()
        start = gw.write(file, text)
        latency.append((gw.client.wait_for(host, path) - start) * 1e3)
        gw.settle()
        controller_cpu.append((controller.cpu() - cpu[0]) * 1e3)
        envoy_cpu.append((envoy.cpu() - cpu[1]) * 1e3)
    return {"latency_ms": quantiles(latency), "controller_cpu_ms": quantiles(controller_cpu),
            "envoy_cpu_ms": quantiles(envoy_cpu)}


def measure(binary: str, envoy: str, routes: int, repeats: int, backend: Backend) -> dict:
    gw = Gateway(binary, envoy, routes, backend.port)
    try:
        gw.settle()
        controller, proxy = gw.usages()
        result = {
            "routes": routes, "start_s": gw.ready,
            "controller_start_cpu_s": controller.cpu(), "envoy_start_cpu_s": proxy.cpu(),
            "controller_mib": controller.mib("VmRSS"), "controller_peak_mib": controller.mib("VmHWM"),
            "controller_file_mib": controller.mib("RssFile"), "envoy_mib": proxy.mib("VmRSS"),
            "resources": gw.metrics("kgateway_xds_snapshot_resources"),
            "bytes": gw.metrics("kgateway_xds_snapshot_bytes"),
        }
        result["route_added"] = measure_changes(gw, repeats, lambda i: (
            f"new-{i}.yaml", app(f"new-{i}", backend.port), f"new-{i}.example.com", "/"))
        for i in range(repeats):
            gw.write(f"new-{i}.yaml", app(f"new-{i}", backend.port, "/old"))
        gw.client.wait_for(f"new-{repeats - 1}.example.com", "/", 404)
        result["route_changed"] = measure_changes(gw, repeats, lambda i: (
            f"new-{i}.yaml", app(f"new-{i}", backend.port, "/new"), f"new-{i}.example.com", "/new"))
        nowhere = free_port()
        for i in range(repeats):
            gw.write(f"new-{i}.yaml", app(f"new-{i}", nowhere, "/new"))
        gw.client.wait_for(f"new-{repeats - 1}.example.com", "/new", 503)
        result["endpoint_changed"] = measure_changes(gw, repeats, lambda i: (
            f"new-{i}.yaml", app(f"new-{i}", backend.port, "/new"), f"new-{i}.example.com", "/new"))
        gw.settle()
        result["controller_mib_after"] = controller.mib("VmRSS")
        result["envoy_mib_after"] = proxy.mib("VmRSS")
        return result
    except Exception:
        sys.stderr.write((gw.folder / "log").read_text(errors="replace")[-4000:])
        raise
    finally:
        gw.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "build/release/kgateway"))
    parser.add_argument("--envoy", default=os.environ.get("KGW_ENVOY"))
    parser.add_argument("--sizes", default="1,1000,5000,10000")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", default=str(ROOT / "build/bench/end_to_end.json"))
    options = parser.parse_args()
    envoy = options.envoy or subprocess.check_output(
        [sys.executable, str(ROOT / "tools/envoy_binary.py")], text=True).strip()
    backend = Backend()
    results = []
    for size in options.sizes.split(","):
        results.append(measure(options.binary, envoy, int(size), options.repeats, backend))
        print(json.dumps(results[-1], indent=1), flush=True)
    pathlib.Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(options.out).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
