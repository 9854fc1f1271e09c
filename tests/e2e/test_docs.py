"""Examples in README.md and docs/ do what their text says: manifests are checked, commands are run."""

import os
import re
import shlex
import shutil
import subprocess

import pytest
import yaml

import pki
from harness import BUILD, ROOT, Client, Process, eventually, free_port, gateway, http_route, service

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(language: str) -> list:
    """All fenced blocks of a language, as (page:line, text)."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.M | re.S):
            line = text[: match.start()].count("\n") + 1
            found.append(pytest.param(match[1], id=f"{page.relative_to(ROOT)}:{line}"))
    return found


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_manifest_is_valid(text, directory):
    """Whole objects without a mistake; the Secret `certificate` may be referred to."""
    for document in yaml.safe_load_all(text):
        assert {"apiVersion", "kind", "metadata"} <= document.keys(), "an example is a whole object"
    (directory / "example.yaml").write_text(text)
    (directory / "certificate.yaml").write_text(pki.secret("certificate", pki.Authority().issue("example.com")))
    checked = subprocess.run([BUILD / "kgateway", "check", directory], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def commands() -> list[tuple[str, str]]:
    """Every command line of every `sh` block, with where it stands."""
    lines = []
    for block in blocks("sh"):
        for line in block.values[0].replace("\\\n", " ").splitlines():
            if line := re.sub(r"\s+#.*", "", line).strip():
                lines.append((block.id, line))
    return lines


def test_commands_name_what_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    seen = 0
    for place, line in commands():
        words = [word for word in shlex.split(line) if "=" not in word or word.startswith("-")]
        if words and words[0] == "make":
            assert set(words[1:]) <= targets, f"{place}: {line}"
            seen += 1
        if words and words[0] == "python3":
            assert (ROOT / words[1]).exists(), f"{place}: {line}"
            seen += 1
        if words and words[0].startswith("build/release/kgateway"):
            usage = subprocess.run([BUILD / "kgateway", words[1], "--help"], capture_output=True, text=True)
            assert usage.returncode == 0, f"{place}: {line}"
            for flag in words[2:]:
                assert not flag.startswith("--") or flag.split("=")[0] in usage.stdout, f"{place}: {line}"
            seen += 1
    assert seen > 10


def test_metrics_are_those_of_the_reference(kgw, v1):
    """Those of a cluster aside. And the two durations of a change are counted."""
    port = free_port()
    kgw.write("gateway.yaml", gateway(port), service("v1", {"http": v1.http}))
    kgw.start()
    # What existed at the start is no change.
    eventually(lambda: kgw.get("/readyz")[0] == 200, "all manifests of the start are read")
    kgw.write("route.yaml", http_route("route", "- backendRefs: [{name: v1, port: 80}]"))
    Client(port).wait_for("/")
    served = set(re.findall(r"^# TYPE (\w+) (\w+)$", kgw.get("/metrics")[1], re.M))
    reference = (ROOT / "docs/reference/metrics.md").read_text()
    assert served == set(re.findall(r"^\| `(\w+)` \| (\w+) \|[^|]*\| (?!Cluster:)", reference, re.M))
    assert kgw.metric("kgateway_change_duration_seconds_count") > 0
    eventually(lambda: kgw.metric("kgateway_xds_answer_duration_seconds_count")
               == kgw.metric("kgateway_xds_responses_total"), "every response is answered")


@pytest.fixture
def manifests(directory):
    """my-manifests/ of the README: the quickstart, with a certificate and on ports of its own."""
    folder = directory / "my-manifests"
    shutil.copytree(ROOT / "examples/quickstart", folder)
    ca = pki.Authority()
    (folder / "certificate.yaml").write_text(pki.secret("shop-certificate", ca.issue("shop.example.com")))
    gateway = (folder / "gateway.yaml")
    port = free_port()
    gateway.write_text(gateway.read_text().replace("port: 8080", f"port: {port}")
                       .replace("port: 8443", f"port: {free_port()}"))
    return folder, port


def readme_command(subcommand: str, folder) -> list[str]:
    (line,) = [line for place, line in commands() if place.startswith("README.md")
               and line.startswith(f"build/release/kgateway {subcommand} ")
               or line == f"build/release/kgateway {subcommand}"]
    words = shlex.split(line.replace("my-manifests/", f"{folder}/"))
    return [str(BUILD / "kgateway"), *words[1:]]


def test_the_readme_from_check_to_explain(manifests, directory):
    folder, port = manifests
    for subcommand in ("check", "translate"):
        done = subprocess.run(readme_command(subcommand, folder), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    admin = f"127.0.0.1:{free_port()}"
    run = [*readme_command("run", folder), "--admin", admin, "--state-dir", str(directory / "state"),
           "--envoy", os.environ["KGW_ENVOY"]]
    process = Process(run, directory / "run.log")
    try:
        def status() -> str:
            return subprocess.run([*readme_command("status", folder), "--admin", admin], capture_output=True,
                                  text=True).stdout
        eventually(lambda: "quickstart" in status(), "the Gateway has a status")
        route = next(d for d in yaml.safe_load_all((folder / "routes.yaml").read_text()) if d["kind"] == "HTTPRoute")
        explain = [word.replace("my-route", route["metadata"]["name"]) for word in readme_command("explain", folder)]
        eventually(lambda: "acknowledged: 1 of 1 proxies" in subprocess.run(
            [*explain, "--admin", admin], capture_output=True, text=True).stdout, "explain tells of the proxy")
        # Envoy acknowledges a listener before its workers listen.
        answer = eventually(lambda: Client(port, host="nobody.example.com").get("/"), "the port is open")
        assert answer.status_code == 404  # Envoy is there; the quickstart's backends are not
    finally:
        process.close()
