#!/usr/bin/env python3
"""Route tables in shards against whole ones, in the same run.

For each size, two `kgateway run` with an Envoy each serve the same routes, one told to cut its table and
one not to. Measured in turns: the time from writing the file of a new route to its first answer, the CPU
that Envoy spends on a change, memory; and, with wrk, what a request costs (throughput and Envoy's CPU).
Prints a table and writes build/bench/shards.json.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import bench_e2e
from bench_e2e import ROOT, Gateway, app

WAYS = {"whole": "Never", "cut": "Always"}


class Bench(Gateway):
    """A gateway whose listener is told how to hold its table."""

    def __init__(self, way: str, binary: str, envoy: str, routes: int, backend_port: int, wildcards: int):
        self.way, self.wildcards = way, wildcards
        super().__init__(binary, envoy, routes, backend_port)

    def write(self, file: str, text: str) -> float:
        if file == "gateway.yaml":
            note = f"{{name: gw, annotations: {{kgateway.dev/route-sharding: {WAYS[self.way]}}}}}"
            text = text.replace("{name: gw}", note)
            for i in range(self.wildcards):
                text += "---\n" + wildcard(i)
        return super().write(file, text)


def wildcard(i: int) -> str:
    return f"""apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: wild-{i}}}
spec:
  parentRefs: [{{name: gw}}]
  hostnames: ["*.tenant-{i}.example.org"]
  rules: [{{filters: [{{type: RequestRedirect, requestRedirect: {{hostname: wild-{i}.invalid}}}}]}}]
"""


def add_routes(gw: Bench, first: int, repeats: int) -> dict:
    def change(i: int):
        name = f"new-{first + i}"
        return f"{name}.yaml", app(name, gw.backend_port), f"{name}.example.com", "/"
    return bench_e2e.measure_changes(gw, repeats, change)


def merge(parts: list[dict]) -> dict:
    """Of several rounds: the median of medians, the largest of the largest."""
    return {key: {"p50": statistics.median(p[key]["p50"] for p in parts),
                  "p99": max(p[key]["p99"] for p in parts)} for key in parts[0]}


def requests(gw: Bench, routes: int, seconds: int, script: pathlib.Path) -> dict:
    """wrk on random hosts of the table, each of which answers with a redirect of Envoy's own."""
    envoy = gw.usages()[1]
    before = envoy.cpu()
    text = subprocess.check_output(
        ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{gw.port}/", "--",
         str(gw.wildcards)], text=True)
    done = int(re.search(r"(\d+) requests in", text)[1])
    return {"per_second": done / seconds, "cpu_us": (envoy.cpu() - before) / done * 1e6}


SCRIPT = """
local n = 1
function init(args) n = tonumber(args[1]) end
function request()
  return wrk.format("GET", "/", {["Host"] = string.format("x.tenant-%d.example.org", math.random(0, n - 1))})
end
"""


def measure(options, envoy: str, routes: int, backend) -> dict:
    wildcards = options.wildcards
    gateways = {way: Bench(way, options.binary, envoy, routes, backend.port, wildcards) for way in WAYS}
    script = pathlib.Path(tempfile.mkdtemp(prefix="kgwb-")) / "hosts.lua"
    script.write_text(SCRIPT)
    result: dict = {"routes": routes, "wildcards": wildcards}
    try:
        added: dict[str, list] = {way: [] for way in WAYS}
        load: dict[str, list] = {way: [] for way in WAYS}
        rounds = 3
        for turn in range(rounds):
            for way, gw in gateways.items():
                gw.settle()
                added[way].append(add_routes(gw, turn * options.repeats, options.repeats // rounds))
            if shutil.which("wrk") and options.seconds:
                for way, gw in gateways.items():
                    load[way].append(requests(gw, routes, options.seconds, script))
        for way, gw in gateways.items():
            controller, proxy = gw.usages()
            result[way] = {**merge(added[way]), "controller_mib": controller.mib("VmRSS"),
                           "envoy_mib": proxy.mib("VmRSS"), "start_s": gw.ready}
            if load[way]:
                result[way]["per_second"] = statistics.median(l["per_second"] for l in load[way])
                result[way]["cpu_us"] = statistics.median(l["cpu_us"] for l in load[way])
        return result
    finally:
        for gw in gateways.values():
            gw.close()
        shutil.rmtree(script.parent)


def line(result: dict) -> str:
    whole, cut = result["whole"], result["cut"]

    def pair(of, digits: int = 1) -> str:
        return f"{of(whole):.{digits}f} / {of(cut):.{digits}f}"
    cells = [str(result["routes"]),
             pair(lambda r: r["latency_ms"]["p50"]), pair(lambda r: r["latency_ms"]["p99"]),
             pair(lambda r: r["envoy_cpu_ms"]["p50"]), pair(lambda r: r["controller_cpu_ms"]["p50"]),
             pair(lambda r: r["envoy_mib"], 0), pair(lambda r: r["controller_mib"], 0)]
    if "cpu_us" in whole:
        cells += [pair(lambda r: r["per_second"], 0), pair(lambda r: r["cpu_us"]),
                  f"{cut['per_second'] / whole['per_second']:.2f}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "build/release/kgateway"))
    parser.add_argument("--envoy", default=os.environ.get("KGW_ENVOY"))
    parser.add_argument("--sizes", default="0,500,1500,3000,10000")
    parser.add_argument("--repeats", type=int, default=30, help="routes added to each, in three rounds")
    parser.add_argument("--wildcards", type=int, default=8, help="further hosts, *.tenant-N.example.org")
    parser.add_argument("--seconds", type=int, default=5, help="of load in each round; 0: none")
    parser.add_argument("--out", default=str(ROOT / "build/bench/shards.json"))
    options = parser.parse_args()
    envoy = options.envoy or subprocess.check_output(
        [sys.executable, str(ROOT / "tools/envoy_binary.py")], text=True).strip()
    backend = bench_e2e.Backend()
    print("whole / cut; times in ms, CPU of a change in ms\n")
    print("| routes | added p50 | worst | Envoy CPU | controller CPU | Envoy MiB | controller MiB | requests/s "
          "| µs CPU/request | throughput |\n" + "| --- " * 10 + "|", flush=True)
    results = []
    for size in options.sizes.split(","):
        results.append(measure(options, envoy, int(size), backend))
        print(line(results[-1]), flush=True)
    pathlib.Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(options.out).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
