#!/usr/bin/env python3
"""The table at the end of `make bench`, from the JSON in build/bench."""

import json
import pathlib

BENCH = pathlib.Path(__file__).resolve().parents[1] / "build/bench"


def translation() -> dict[str, dict[int, dict]]:
    """Counters by benchmark and number of routes."""
    found: dict[str, dict[int, dict]] = {}
    for run in json.loads((BENCH / "translation_bench.json").read_text())["benchmarks"]:
        name, routes = run["name"].split("/")[:2]
        found.setdefault(name, {})[int(routes)] = run
    return found


def table(title: str, sizes: list[int], rows: list[tuple[str, list[float]]]) -> None:
    """Values by size; beneath, in brackets, how many times that of the smallest."""
    print(f"\n{title}")
    print(f"{'routes':44}" + "".join(f"{size:>22,}" for size in sizes))
    for name, values in rows:
        base = values[0] or 1
        cells = [f"{values[0]:,.2f}"] + [f"{v:,.2f} ({v / base:,.1f}x)" for v in values[1:]]
        print(f"{name:44}" + "".join(f"{cell:>22}" for cell in cells))


def main() -> None:
    runs = translation()
    sizes = sorted(runs["BM_FromScratch"])

    def row(text: str, bench: str, counter: str, scale: float = 1) -> tuple[str, list[float]]:
        return text, [runs[bench][size][counter] * scale for size in sizes]

    table("Translation in one thread: median CPU time, heap", sizes, [
        row("YAML to objects, ms", "BM_Decode", "total"),
        row("from scratch, ms", "BM_FromScratch", "total"),
        row("  of it before encoding, ms", "BM_FromScratch", "before_encoding"),
        row("one route changed, µs", "BM_OneRouteChanged", "total"),
        row("  of it before encoding, µs", "BM_OneRouteChanged", "before_encoding"),
        row("one route added, µs", "BM_OneRouteAdded", "total"),
        row("  of it before encoding, µs", "BM_OneRouteAdded", "before_encoding"),
        row("one endpoint changed, µs", "BM_OneEndpointChanged", "total"),
        row("  of it before encoding, µs", "BM_OneEndpointChanged", "before_encoding"),
        row("resources published", "BM_FromScratch", "resources"),
        row("their size, KiB", "BM_FromScratch", "bytes", 1 / 1024),
        row("objects in memory, MiB", "BM_Decode", "heap_mib"),
        row("tables in memory, MiB", "BM_FromScratch", "heap_mib"),
    ])

    path = BENCH / "end_to_end.json"
    if not path.exists():
        return
    results = json.loads(path.read_text())
    rows = [(text, [result[key] for result in results]) for text, key in [
        ("start until the last route answers, s", "start_s"),
        ("  CPU of kgateway, s", "controller_start_cpu_s"), ("  CPU of Envoy, s", "envoy_start_cpu_s"),
        ("resident: kgateway, MiB", "controller_mib"), ("  of it libraries and program, MiB", "controller_file_mib"),
        ("  at most, MiB", "controller_peak_mib"), ("resident: Envoy, MiB", "envoy_mib")]]
    for change in ("route_added", "route_changed", "endpoint_changed"):
        name = change.replace("_", " ")
        rows += [(f"{name}: file to first answer, ms (p50)", [r[change]["latency_ms"]["p50"] for r in results]),
                 ("  p99", [r[change]["latency_ms"]["p99"] for r in results]),
                 ("  CPU of kgateway, ms", [r[change]["controller_cpu_ms"]["p50"] for r in results]),
                 ("  CPU of Envoy, ms", [r[change]["envoy_cpu_ms"]["p50"] for r in results])]
    table("kgateway run with Envoy", [r["routes"] for r in results], rows)


if __name__ == "__main__":
    main()
