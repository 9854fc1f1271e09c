#!/usr/bin/env python3
"""Runs the Gateway API's own conformance suite against this kgateway in the development cluster.

usage: conformance.py                  everything; the report goes to conformance/
       conformance.py NAME...          only these tests (regular expressions); no report
       conformance.py --list           the tests and the features they need

Brings the cluster up, loads the images of the current build, installs the charts, removes what an
earlier run left, and streams the suite's output (a copy stays in build/conformance). Which features
are tested is not said here: the suite takes them from the GatewayClass's status, which is what the
controller claims.
"""

import collections
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import build
import cluster
import images
import layout
from layout import ClusterError, Layout, cache
from processes import wait

ROOT = images.ROOT
CHARTS = ROOT / "charts"
REPORTS = ROOT / "conformance"
LOG = ROOT / "build/conformance/output.log"
JUNIT = ROOT / "build/conformance/junit.xml"
NAMESPACE = "kgateway-system"
GATEWAY_CLASS = "kgateway"
PROFILES = ("GATEWAY-HTTP", "GATEWAY-GRPC", "GATEWAY-TLS", "GATEWAY-TCP", "GATEWAY-UDP")
SUITE_NAMESPACES = "gateway-conformance-"
# One address of those that are only given on request, and one that no Service can have.
ADDRESSES = ("-usable-address=10.97.254.10", "-unusable-address=198.51.100.1")
IMPLEMENTATION = {
    "organization": "kgateway-cpp", "project": "kgateway", "contact": "@kgateway-cpp",
    "url": os.environ.get("KGW_PROJECT_URL") or "https://kgateway.invalid",  # no public home yet
}


@dataclasses.dataclass
class Tally:
    """The tests of a run by outcome, read from the lines of `-test.v`. A gateway is not asked to be a
    service mesh: the tests for that are set apart."""

    outcomes: dict[str, list[str]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(list))

    def read(self, line: str) -> None:
        """Only whole tests count, not their parts; the suite counts when it failed before any test."""
        found = re.match(r"\s*--- (PASS|FAIL|SKIP): (?:TestConformance/)?([^/\s]+) \(", line)
        before_any = line.startswith("--- FAIL: TestConformance ") and not self.outcomes["FAIL"]
        if found and (found[2] != "TestConformance" or before_any):
            mesh = found[1] == "SKIP" and found[2].startswith("Mesh")
            self.outcomes["MESH" if mesh else found[1]].append(found[2])

    def closing(self) -> str:
        failed = [f"FAILED {name}" for name in sorted(self.outcomes["FAIL"])]
        counts = ", ".join(f"{len(self.outcomes[key])} {word}" for key, word in
                           (("PASS", "passed"), ("FAIL", "failed"), ("SKIP", "skipped")))
        mesh = len(self.outcomes["MESH"])
        return "\n".join([*failed, counts + (f" (and {mesh} tests of service meshes)" if mesh else "")])

    def junit(self) -> ElementTree.ElementTree:
        """One test case per test of the suite."""
        suite = ElementTree.Element("testsuite", name="conformance")
        for outcome in ("PASS", "FAIL", "SKIP"):
            for name in self.outcomes[outcome]:
                case = ElementTree.SubElement(suite, "testcase", classname="conformance", name=name)
                if outcome != "PASS":
                    ElementTree.SubElement(case, {"FAIL": "failure", "SKIP": "skipped"}[outcome])
        return ElementTree.ElementTree(suite)


def test_filter(names: list[str]) -> str:
    """The value of -test.run. Unlike the suite's -run-test it leaves the claimed features in force."""
    return f"^TestConformance$/^({'|'.join(names)})$" if names else "^TestConformance$"


def report_path(version: str) -> pathlib.Path:
    return REPORTS / f"experimental-{version}-default-report.yaml"


def version() -> str:
    printed = subprocess.run([str(images.controller()), "version"], capture_output=True, text=True,
                             check=True).stdout
    return "v" + printed.split()[1]


def suite_command(place: Layout, names: list[str]) -> list[str]:
    command = [str(place.bin / "conformance.test"), "-test.v", f"-test.run={test_filter(names)}",
               f"-gateway-class={GATEWAY_CLASS}", f"-conformance-profiles={','.join(PROFILES)}",
               # It gives a namespace 10 s to go, less than its pods' grace; remove_leftovers() waits.
               "-cleanup-base-resources=false",
               *ADDRESSES]
    if not names:
        details = {**IMPLEMENTATION, "version": version()}
        command += [f"-{key}={value}" for key, value in details.items()]
        command.append(f"-report-output={report_path(details['version'])}")
    return command


def install_controller(place: Layout) -> None:
    """Loads the images of the current build and installs both charts with them."""
    if not (CHARTS / "kgateway").is_dir():
        raise ClusterError(f"{CHARTS} has no chart to install the controller from")
    cluster.load_product(place)
    registry, _, name = images.full_name("kgateway").rpartition("/")
    tag = name.partition(":")[2]
    values = {"image.registry": registry, "image.tag": tag,
              "envoy.image.registry": registry, "envoy.image.tag": tag}
    helm = [str(place.bin / "helm"), f"--kubeconfig={place.kubeconfig}", "upgrade", "--install",
            "--namespace", NAMESPACE, "--create-namespace"]
    cache.run(*helm, "kgateway-crds", CHARTS / "kgateway-crds")
    cache.run(*helm, "kgateway", CHARTS / "kgateway",
              *[word for key, value in values.items() for word in ("--set", f"{key}={value}")])
    # The same tag may now be another image.
    cluster.kubectl(place, "-n", NAMESPACE, "rollout", "restart", "deployment/kgateway")
    try:
        cluster.kubectl(place, "-n", NAMESPACE, "rollout", "status", "deployment/kgateway",
                        "--timeout=120s")
    except ClusterError as error:
        said = cluster.kubectl(place, "-n", NAMESPACE, "logs", "--selector=kgateway=kgateway",
                               "--prefix", "--tail=20")
        raise ClusterError(f"{error}\n{said}") from error


def suite_namespaces(place: Layout) -> list[str]:
    listed = cluster.kubectl(place, "get", "namespaces", "-o", "name").split()
    names = [name.partition("/")[2] for name in listed]
    return [name for name in names if name.startswith(SUITE_NAMESPACES)]


def remove_leftovers(place: Layout) -> None:
    """Certificates of an earlier run would meet another authority in the next one."""
    if left := suite_namespaces(place):
        cache.say(f"-- conformance: removing {' '.join(left)}")
        cluster.kubectl(place, "delete", "namespace", "--wait=false", *left)
        wait("their removal", lambda: not suite_namespaces(place), 180,
             lambda: "  " + " ".join(suite_namespaces(place)))


def run_suite(place: Layout, names: list[str]) -> bool:
    """Streams the run; whether everything passed."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    JUNIT.unlink(missing_ok=True)
    REPORTS.mkdir(exist_ok=True)
    tally = Tally()
    environment = {**os.environ, "KUBECONFIG": str(place.kubeconfig)}
    process = subprocess.Popen(suite_command(place, names), env=environment, text=True,
                               errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    with LOG.open("w") as log:
        for line in process.stdout:
            print(line, end="", flush=True)
            log.write(line)
            tally.read(line)
    passed = process.wait() == 0
    tally.junit().write(JUNIT)
    print(tally.closing())
    if not names:
        cache.say(f"-- conformance: report in {report_path(version()).relative_to(ROOT)}")
    return passed


def main() -> int:
    arguments, place = sys.argv[1:], layout.layout()
    if arguments == ["--list"]:
        suite = build.component("companions") / "bin/conformance.test"
        listed = subprocess.run([str(suite), "-test.run=^TestNames$"], check=True, text=True,
                                stdout=subprocess.PIPE).stdout
        print(listed.removesuffix("PASS\n"), end="")
        return 0
    with cache.lock("cluster-state"):
        cluster.up(place)
    install_controller(place)
    remove_leftovers(place)
    return 0 if run_suite(place, arguments) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except (ClusterError, RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"conformance.py: {error}")
