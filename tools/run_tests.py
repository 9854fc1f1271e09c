#!/usr/bin/env python3
"""Builds everything and runs every kind of test; ends with "N passed, N failed" and, if any were, "N skipped".

usage: run_tests.py [STAGE...]      default: all up to tsan

release   the release build
unit      its unit and golden tests (ctest)
tools     tests/tools: the Python of tools/, without a cluster (pytest)
e2e       tests/e2e with the release binary and a real Envoy (pytest)
asan      unit tests under AddressSanitizer and UBSan
fuzz      each *_fuzz for KGW_FUZZ_SECONDS (60) and at most 50,000 inputs with KGW_FUZZ_SEED (1; 0: another
          each time, and any number), from the corpus tests/fuzz/<name without _fuzz>/, what was found before
          in build/asan/corpus and, for the translation, the inputs of tests/golden/
tsan      unit tests of the layers with threads under ThreadSanitizer
The rest builds the programs of tools/cluster the first time, and needs root:
differential  tests/differential: a real API server and `kgateway check` agree (pytest)
conformance  the Gateway API's conformance suite with the release binary, in a Kubernetes on this machine,
          which is taken down at the end
faults    tests/cluster, in the same way

A stage that cannot build counts as one failure; so does one that was asked for by name and skipped every test.
The tests of an executable are counted one by one from its GoogleTest report; reports and logs stay in
build/<tree>/reports.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import envoy_binary
import kgw_cache as cache

ROOT = cache.TOOLS.parent
BUILD = ROOT / "build"
JOBS = os.environ.get("JOBS") or str(os.cpu_count() or 1)
SYMBOLIZER = "/usr/lib/llvm-19/bin/llvm-symbolizer"


@dataclasses.dataclass
class Result:
    passed: int = 0
    failures: list[str] = dataclasses.field(default_factory=list)
    skipped: int = 0
    excused: bool = False  # this machine cannot run it

    def add(self, other: "Result") -> None:
        self.passed += other.passed
        self.failures += other.failures
        self.skipped += other.skipped


def say(text: str) -> None:
    print(text, flush=True)


def call(*command: str | pathlib.Path, env: dict[str, str] | None = None) -> bool:
    environment = {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1", **os.environ, **(env or {})}
    return subprocess.run([str(c) for c in command], cwd=ROOT, env=environment).returncode == 0


def build(preset: str, tree: str | None = None, targets: list[str] | None = None) -> bool:
    """Configures and builds; some thousand progress lines are cut to one in ten."""
    if not call("cmake", "--preset", tree or preset, "--log-level=WARNING"):
        return False
    command = ["cmake", "--build", "--preset", preset, "-j", JOBS]
    if targets:
        command += ["--target", *targets]
    environment = {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1", **os.environ}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, errors="replace",
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    for line in process.stdout:
        progress = re.match(r"\[(\d+)/(\d+)\]", line)
        if not progress or int(progress[1]) % 10 == 0 or progress[1] == progress[2]:
            say(line.rstrip())
    return process.wait() == 0


def suite_result(report: pathlib.Path, label: str) -> Result:
    """Counts a JUnit-style report of GoogleTest or pytest."""
    result = Result()
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{label}: {case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            result.failures.append(name)
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            result.skipped += 1
        else:
            result.passed += 1
    return result


def ctest(preset: str, only: list[str] | None = None) -> Result:
    reports = BUILD / preset / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    (reports / "gtest").mkdir(parents=True)
    env = {"GTEST_OUTPUT": f"xml:{reports}/gtest/", "GTEST_BRIEF": "1"}
    env["KGW_ENVOY"] = str(envoy_binary.envoy())
    if os.path.exists(SYMBOLIZER):
        env |= {f"{kind}_SYMBOLIZER_PATH": SYMBOLIZER for kind in ("ASAN", "UBSAN", "TSAN")}
    chosen = ["-R", f"^({'|'.join(only)})$"] if only else []
    call("ctest", "--preset", preset, "-j", JOBS, *chosen, "--output-junit", reports / "ctest.xml", env=env)
    result = Result()
    if not (reports / "ctest.xml").exists():
        return Result(failures=[f"{preset}: ctest wrote no report"])
    for case in ElementTree.parse(reports / "ctest.xml").iter("testcase"):
        name = case.get("name") or ""
        detailed = Result()
        report = reports / "gtest" / f"{name}_test.xml"
        if report.exists():
            detailed = suite_result(report, preset)
        result.add(detailed)
        failed = case.get("status") != "run"
        if failed and not detailed.failures:  # a crash, a sanitizer's finding, a timeout
            result.failures.append(f"{preset}: {name}")
        elif not report.exists():
            result.passed += 1
    return result


def stage_release() -> Result:
    return Result() if build("release") else Result(failures=["release: build"])


def stage_unit() -> Result:
    return ctest("release")


def pytest(label: str, env: dict[str, str]) -> Result:
    """Runs tests/<label> in the pinned Python environment."""
    reports = BUILD / label / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    report = reports / "pytest.xml"
    report.unlink(missing_ok=True)
    python = cache.venv(cache.TOOLS / "requirements-test.txt")
    ok = call(python, "-m", "pytest", "-v", "--tb=short", "--timeout=300", "-p", "no:cacheprovider",
              f"--junit-xml={report}", ROOT / "tests" / label,
              env={"PYTHONDONTWRITEBYTECODE": "1", **env})
    if not report.exists():
        return Result(failures=[f"{label}: pytest wrote no report"])
    result = suite_result(report, label)
    if not ok and not result.failures:
        result.failures.append(f"{label}: pytest")
    return result


def stage_tools() -> Result:
    return pytest("tools", {})


def stage_e2e() -> Result:
    return pytest("e2e", {"KGW_BINARY": str(BUILD / "release/kgateway"),
                          "KGW_ENVOY": str(envoy_binary.envoy())})


def stage_differential() -> Result:
    """The parts of a cluster are built outside of pytest, which limits how long a test may take."""
    sys.path.insert(0, str(cache.TOOLS / "cluster"))
    import build as cluster_build
    for part in ("kubernetes", "companions"):
        cluster_build.component(part)
    return pytest("differential", {"KGW_BINARY": str(BUILD / "release/kgateway")})


def stage_asan() -> Result:
    return ctest("asan") if build("asan") else Result(failures=["asan: build"])


THREADED = ["source", "xds", "deploy", "app"]  # the layers with threads of their own


def stage_tsan() -> Result:
    built = build("tsan", targets=[f"{layer}_test" for layer in THREADED])
    return ctest("tsan", THREADED) if built else Result(failures=["tsan: build"])


CLUSTER = cache.TOOLS / "cluster"


# What a node needs of its machine, tried in namespaces that are gone afterwards.
NODE_PROBE = """
ip link add kgw-bridge type bridge
ip link add kgw-a type veth peer name kgw-b
nft add table ip kgw-probe
mount -t tmpfs none /mnt
mkdir /sys/fs/cgroup/kgw-probe
rmdir /sys/fs/cgroup/kgw-probe
"""


def can_be_a_cluster() -> bool:
    return os.geteuid() == 0 and call("unshare", "--mount", "--net", "--pid", "--fork", "sh", "-ec", NODE_PROBE)


def in_cluster(name: str, report: pathlib.Path) -> Result:
    """Runs a program of tools/cluster that writes a report, and takes the cluster down. Every test counts; on a
    machine that cannot be a cluster (no root, no namespaces) the whole is one that was skipped."""
    if not call(cache.TOOLS / "install_deps.sh", "packages-cluster.txt"):
        return Result(failures=[f"{name}: packages"])
    report.unlink(missing_ok=True)
    if not can_be_a_cluster():
        say(f"{name}: SKIPPED, for this machine gives no root or no namespaces")
        return Result(skipped=1, excused=True)
    try:
        if not call(sys.executable, CLUSTER / "cluster.py", "up"):
            return Result(failures=[f"{name}: no cluster came up on this machine"])
        ok = call(sys.executable, CLUSTER / f"{name}.py")
        result = suite_result(report, "cluster") if report.exists() else Result()
        if not ok and not result.failures:
            result.failures.append(f"cluster: {name}")
        return result
    finally:
        call(sys.executable, CLUSTER / "cluster.py", "down")


def stage_conformance() -> Result:
    return in_cluster("conformance", BUILD / "conformance/junit.xml")


def stage_faults() -> Result:
    return in_cluster("faults", BUILD / "cluster/junit.xml")


def write_golden_inputs(folder: pathlib.Path) -> None:
    """The objects of each golden file, with those that its topic adds."""
    for file in (ROOT / "tests/golden").glob("*/*.yaml"):
        if file.name == "_defaults.yaml":
            continue
        objects = file.read_text().partition("# Output\n")[0]
        defaults = (file.parent / "_defaults.yaml").read_text()
        (folder / f"golden-{file.parent.name}-{file.stem}").write_text(f"{objects}\n---\n{defaults}")


def fuzz_one(fuzzer: pathlib.Path) -> bool:
    name = fuzzer.name.removesuffix("_fuzz")
    seeds = ROOT / "tests/fuzz" / name
    corpus = BUILD / "asan/corpus" / name
    findings = BUILD / "asan/findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    if name == "translate":
        write_golden_inputs(corpus)
    command = [str(fuzzer), f"-max_total_time={os.environ.get('KGW_FUZZ_SECONDS', '60')}",
               f"-seed={os.environ.get('KGW_FUZZ_SEED', '1')}",
               "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1",
               f"-artifact_prefix={findings}/{name}-", str(corpus)]
    if command[2] != "-seed=0":  # the same inputs on every machine that is fast enough
        command.append("-runs=50000")
    command += [str(seeds)] if seeds.is_dir() else []
    dictionary = ROOT / "tests/fuzz" / f"{name}.dict"
    command += [f"-dict={dictionary}"] if dictionary.exists() else []
    log = BUILD / "asan/reports" / f"{fuzzer.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "ASAN_SYMBOLIZER_PATH": SYMBOLIZER, "UBSAN_OPTIONS": "print_stacktrace=1"}
    with log.open("w") as output:
        ok = subprocess.run(command, cwd=ROOT, env=env, stdout=output,
                            stderr=subprocess.STDOUT).returncode == 0
    text = log.read_text(errors="replace")
    runs = re.search(r"number_of_executed_units:\s*(\d+)", text)
    say(f"{fuzzer.name}: {'ok' if ok else 'FAILED'}, {runs[1] if runs else '?'} inputs")
    if not ok:
        say("\n".join(text.splitlines()[-60:]))
    return ok


def stage_fuzz() -> Result:
    if not build("fuzz", tree="asan"):
        return Result(failures=["fuzz: build"])
    fuzzers = sorted(p for p in (BUILD / "asan/src").rglob("*_fuzz") if p.is_file())
    result = Result()
    with concurrent.futures.ThreadPoolExecutor(int(JOBS)) as pool:
        for fuzzer, ok in zip(fuzzers, pool.map(fuzz_one, fuzzers)):
            if ok:
                result.passed += 1
            else:
                result.failures.append(f"fuzz: {fuzzer.name}")
    return result


STAGES = {
    "release": stage_release,
    "unit": stage_unit,
    "tools": stage_tools,
    "e2e": stage_e2e,
    "asan": stage_asan,
    "fuzz": stage_fuzz,
    "tsan": stage_tsan,
    "differential": stage_differential,
    "conformance": stage_conformance,
    "faults": stage_faults,
}
BY_NAME_ONLY = ("differential", "conformance", "faults")  # they build Kubernetes first


def main() -> int:
    names = sys.argv[1:] or [name for name in STAGES if name not in BY_NAME_ONLY]
    if unknown := [n for n in names if n not in STAGES]:
        sys.exit(f"unknown stage {unknown[0]}; stages: {' '.join(STAGES)}")
    total = Result()
    table = []
    for number, name in enumerate(names, 1):
        say(f"\n=== [{number}/{len(names)}] {name}")
        start = time.monotonic()
        try:
            result = STAGES[name]()
        except Exception as error:  # the remaining stages still say something useful
            result = Result(failures=[f"{name}: {error}"])
        if sys.argv[1:] and result.skipped and not (result.passed or result.failures or result.excused):
            result.failures.append(f"{name}: every test was skipped")
        total.add(result)
        table.append(f"{name:12} {result.passed:5} passed {len(result.failures):4} failed"
                     f" {result.skipped:4} skipped {time.monotonic() - start:6.0f} s")
        say(f"--- {table[-1]}")
    say("\n=== summary")
    say("\n".join(table))
    for failure in total.failures:
        say(f"FAILED {failure}")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    closing = f"{total.passed} passed, {len(total.failures)} failed{skipped}"
    BUILD.mkdir(exist_ok=True)
    (BUILD / "test-summary.txt").write_text(closing + "\n")
    say(closing)
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
