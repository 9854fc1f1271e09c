"""The tables of the benchmark on a cluster."""

import bench_cluster_report as report


def peer(scale, **more):
    probed = {"p50": 0.004 * scale, "p99": 0.02 * scale, "cpu": 0.003 * scale, "proxy_cpu": 0.03,
              "resident": 40 * scale, "proxy_resident": 90, "errors": {"503": scale - 1} if scale > 1 else {}}
    if scale == 1:
        probed["parts"] = {"send": 0.0007}
    busy = {"p50": 0.005 * scale, "p99": 0.03 * scale, "errors": {"503": 1} if scale > 1 else {}}
    return {"probe": {"0": probed}, "churn": {"0": busy}, "attach": {"seconds": 1.0 * scale, "gateway_writes": scale,
                                               "route_writes": 1000, "cpu": 1.0}, **more}


RESULTS = {"sizes": [0], "attach": 1000, "floor": {"0": {"p50": 0.001, "p99": 0.002}},
           "peers": {"kgateway": peer(1), "other": peer(5, gave_up="no answer at 0 routes")}}


def cells(title):
    (line,) = [line for line in report.table(RESULTS).splitlines() if line.startswith(f"| {title}")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_others_are_given_as_multiples_of_the_first():
    assert cells("first 200, p50") == ["", "4.0", "20 (5.0×)"]


def test_the_floor_has_a_column_of_its_own():
    assert cells("bare watcher") == ["1.0 / 2.0", "", ""]


def test_errors_are_counted_by_status():
    assert cells("errors") == ["", "0", "5 × 503"]


def test_churn_is_told_beside_quiet():
    assert cells("under churn: first 200, p50") == ["", "5.0", "25 (5.0×)"]
    del RESULTS["peers"]["other"]["churn"]
    assert cells("under churn: first 200, p50") == ["", "5.0", "–"]


def test_parts_of_the_way_are_of_those_who_tell_them():
    assert cells("of that, in the controller") == ["", "0.7", "–"]
    assert cells("from sending to Envoy's ACK") == ["", "–", "–"]


def test_what_was_not_measured_is_not_made_up():
    assert cells("cold start") == ["", "–", "–"]
    assert "other did not finish: no answer at 0 routes" in report.table(RESULTS)
