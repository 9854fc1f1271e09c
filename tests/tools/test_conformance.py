"""How a run of the conformance suite is called and read."""

import re

import conformance

OUTPUT = """\
=== RUN   TestConformance/HTTPRouteMatching
    --- PASS: TestConformance/HTTPRouteMatching (3.20s)
        --- PASS: TestConformance/HTTPRouteMatching/0_request_to_'/'_should_go_to_v1 (0.10s)
    --- FAIL: TestConformance/HTTPRouteCORS (30.10s)
        --- FAIL: TestConformance/HTTPRouteCORS/1 (30.00s)
    --- SKIP: TestConformance/UDPRoute (0.00s)
    --- SKIP: TestConformance/MeshPorts (0.00s)
--- FAIL: TestConformance (90.00s)
"""


def test_tests_are_counted_once_whatever_parts_they_have():
    tally = conformance.Tally()
    for line in OUTPUT.splitlines():
        tally.read(line)
    assert tally.closing() == "FAILED HTTPRouteCORS\n1 passed, 1 failed, 1 skipped (and 1 tests of service meshes)"


def test_a_suite_that_cannot_begin_is_a_failure():
    tally = conformance.Tally()
    tally.read("--- FAIL: TestConformance (300.00s)")
    assert tally.closing() == "FAILED TestConformance\n0 passed, 1 failed, 0 skipped"


def test_a_filter_names_whole_tests():
    assert conformance.test_filter([]) == "^TestConformance$"
    suite, test = conformance.test_filter(["HTTPRouteMatching", "GRPC.*"]).split("/")
    assert suite == "^TestConformance$"
    assert re.search(test, "HTTPRouteMatching") and re.search(test, "GRPCRouteWeight")
    assert not re.search(test, "HTTPRouteMatchingAcrossRoutes")


def test_a_report_has_a_case_for_each_test():
    tally = conformance.Tally()
    for line in OUTPUT.splitlines():
        tally.read(line)
    cases = {case.get("name"): [part.tag for part in case] for case in tally.junit().iter("testcase")}
    assert cases == {"HTTPRouteMatching": [], "HTTPRouteCORS": ["failure"], "UDPRoute": ["skipped"]}
