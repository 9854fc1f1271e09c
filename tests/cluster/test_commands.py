"""What the commands say of a cluster: kgateway status and check, from outside of it."""

import json
import subprocess

import kube
import pytest
import world


def kgateway(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(kube.ROOT / "build/release/kgateway"), *arguments, "--cluster", "--kubeconfig",
                           str(kube.PLACE.kubeconfig)], capture_output=True, text=True, timeout=60)


def rows(gateway: world.Namespace) -> dict[str, dict]:
    done = kgateway("status", "-o", "json")
    assert done.returncode == 0, done.stderr
    return {f"{item['kind']} {item['metadata']['name']}": item["status"] for item in json.loads(done.stdout)["items"]
            if item["metadata"].get("namespace") == gateway.name}


def test_status_shows_what_is_written(gateway):
    shown = rows(gateway)
    for kind, name in (("Gateway", "gw"), ("HTTPRoute", "route")):
        written = gateway.get(kind, name)["status"]
        said = shown[f"{kind} {name}"]
        entries = [said, written] if kind == "Gateway" else [said["parents"][0], written["parents"][0]]
        mine, theirs = ({c["type"]: c["status"] for c in entry["conditions"]} for entry in entries)
        assert mine == theirs


@pytest.fixture
def mistaken(gateway):
    gateway.apply(world.route("dangling", world.rule("/dangling", "nobody")))
    kube.wait_for("the controller to have written all", lambda: gateway.entry("dangling") and
                  gateway.get("Gateway", "gw")["status"]["listeners"][0]["attachedRoutes"] == 2)
    yield gateway
    gateway.delete("HTTPRoute", "dangling")


def test_check_names_the_mistake_and_changes_nothing(mistaken):
    before = mistaken.versions()
    done = kgateway("check", "-o", "json")
    assert done.returncode == 1, done.stderr
    said = done.stdout + done.stderr
    assert f"HTTPRoute {mistaken.name}/dangling" in said
    assert "nobody" in said
    assert mistaken.versions() == before


def test_explain_takes_kinds_and_namespaces_as_kubectl_does(gateway):
    for words in (["httproutes", "route"], ["HTTPRoute", "route"], ["httproute/route"]):
        done = kgateway("explain", *words, "-n", gateway.name)
        assert done.returncode == 0, done.stderr
        assert f"HTTPRoute {gateway.name}/route" in done.stdout
    done = kgateway("explain", "gtw", f"{gateway.name}/gw")
    assert done.returncode == 0 and f"Gateway {gateway.name}/gw" in done.stdout, done.stderr
    done = kgateway("status", "-n", gateway.name, "-o", "json")
    items = json.loads(done.stdout)["items"]
    assert {item["metadata"]["namespace"] for item in items} == {gateway.name}
