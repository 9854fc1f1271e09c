"""The tables of bench_cluster.py, in Markdown. The first controller is compared with the others."""

import collections


def milliseconds(value: float) -> str:
    return f"{value * 1000:.1f}" if value < 0.01 else f"{value * 1000:.0f}"


def ratio(other: float, own: float) -> str:
    return f" ({other / own:.1f}×)" if own > 0 else ""


def row(title: str, cells: list[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |"


def errors(counted: dict) -> str:
    return ", ".join(f"{times} × {status}" for status, times in sorted(counted.items())) or "0"


def compared(results: list[dict | None], pick, show) -> list[str]:
    """A cell per controller: its value, and how many times the first one's it is."""
    values = [None if each is None else pick(each) for each in results]
    own = values[0]
    return ["–" if value is None else show(value) + (
        ratio(value, own) if index and own is not None else "") for index, value in enumerate(values)]


def all_of(quiet: list[dict | None], busy: list[dict | None]) -> list[dict | None]:
    """The errors of both rounds."""
    return [one and {"errors": collections.Counter(one["errors"]) + collections.Counter((two or {}).get("errors"))}
            for one, two in zip(quiet, busy)]


def part(result: dict, name: str) -> float | None:
    """What a controller that counts it says of a part of a change's way."""
    return result.get("parts", {}).get(name)


def at_size(peers: list[dict], size: str, floor: dict) -> list[str]:
    found = [peer["probe"].get(size) for peer in peers]
    lines = [row(f"**{int(size):,} routes**", [""] * (len(peers) + 1))]
    lines.append(row("bare watcher hears of it, p50 / p99, ms", [
        f"{milliseconds(floor[size]['p50'])} / {milliseconds(floor[size]['p99'])}", *[""] * len(peers)]))
    for title, pick, show in (
            ("first 200, p50, ms", lambda r: r["p50"], milliseconds),
            ("first 200, p99, ms", lambda r: r["p99"], milliseconds),
            ("of that, in the controller until it is sent, mean, ms", lambda r: part(r, "send"), milliseconds),
            ("from sending to Envoy's ACK, mean, ms", lambda r: part(r, "answer"), milliseconds),
            ("CPU of the controller per added route, ms", lambda r: r["cpu"], milliseconds),
            ("CPU of its Envoy per added route, ms", lambda r: r["proxy_cpu"], milliseconds),
            ("controller resident, MiB", lambda r: r["resident"], lambda v: f"{v:.0f}"),
            ("Envoy resident, MiB", lambda r: r["proxy_resident"], lambda v: f"{v:.0f}")):
        lines.append(row(title, ["", *compared(found, pick, show)]))
    busy = [peer.get("churn", {}).get(size) for peer in peers]
    for title, key in (("under churn: first 200, p50, ms", "p50"), ("under churn, p99, ms", "p99")):
        lines.append(row(title, ["", *compared(busy, lambda r, key=key: r[key], milliseconds)]))
    lines.append(row("errors other than 404 on the way", [
        "", *["–" if each is None else errors(each["errors"]) for each in all_of(found, busy)]]))
    return lines


def rest(peers: list[dict], attach: int, largest: int) -> list[str]:
    lines = []
    for title, key, pick, show in (
            (f"{attach:,} routes at once: Gateway's count is right after, s", "attach",
             lambda r: r["seconds"], lambda v: f"{v:.1f}"),
            ("writes of the Gateway's status meanwhile", "attach", lambda r: r["gateway_writes"], str),
            ("writes of routes' statuses", "attach", lambda r: r["route_writes"], str),
            ("CPU of the controller, s", "attach", lambda r: r["cpu"], lambda v: f"{v:.1f}"),
            ("endpoint moved: first answer from there, p50, ms", "endpoint", lambda r: r["p50"], milliseconds),
            ("endpoint moved, p99, ms", "endpoint", lambda r: r["p99"], milliseconds),
            (f"cold start at {largest:,} routes to the last one's answer, s", "cold",
             lambda r: r["seconds"], lambda v: f"{v:.1f}"),
            ("CPU of the controller for it, s", "cold", lambda r: r["cpu"], lambda v: f"{v:.1f}")):
        lines.append(row(title, ["", *compared([peer.get(key) for peer in peers], pick, show)]))
    return lines


def table(results: dict) -> str:
    peers = list(results["peers"].values())
    lines = [row("", ["floor", *results["peers"]]), row("---", ["---"] * (len(peers) + 1))]
    for size in map(str, results["sizes"]):
        lines += at_size(peers, size, results["floor"])
    lines.append(row("**all at once, endpoints, start**", [""] * (len(peers) + 1)))
    lines += rest(peers, results["attach"], max(results["sizes"]))
    for name, peer in results["peers"].items():
        if "gave_up" in peer:
            lines.append(f"\n{name} did not finish: {peer['gave_up']}")
    return "\n".join(lines)
