"""Helm upgrades a release of another chart kgateway-crds: no CRD of it is deleted unless that is asked for.

Real Helm, with as much of an API server as it talks to.
"""

import base64
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import urllib.parse

import pytest
import yaml
from test_charts import CHARTS, HELM

pytestmark = pytest.mark.skipif(not HELM, reason="Helm is not available")

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
VERBS = ["create", "delete", "get", "list", "patch", "update"]
DISCOVERY = {
    "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "groups": [
        {"name": "apiextensions.k8s.io", "versions": [
            {"groupVersion": "apiextensions.k8s.io/v1", "version": "v1"}]}]},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        {"name": "secrets", "kind": "Secret", "namespaced": True, "verbs": VERBS}]},
    "/apis/apiextensions.k8s.io/v1": {
        "kind": "APIResourceList", "groupVersion": "apiextensions.k8s.io/v1", "resources": [
            {"name": "customresourcedefinitions", "kind": "CustomResourceDefinition", "namespaced": False,
             "verbs": VERBS}]},
}


def merge(target, patch):
    """A JSON merge patch."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            merge(target.setdefault(key, {}), value)
        else:
            target[key] = value


def fields(message):
    """Number and value of each field of a protobuf message that has integers and bytes only."""
    at = 0

    def integer():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        number, kind = divmod(integer(), 8)
        value = integer()
        if kind == 2:
            value, at = message[at:at + value], at + value
        yield number, value


def entries(message, number):
    """A map in a protobuf message."""
    pairs = (dict(fields(value)) for field, value in fields(message) if field == number)
    return {pair[1].decode(): pair.get(2, b"") for pair in pairs}


def decode(body):
    """JSON, or a Secret as Helm sends it: four bytes, then a message with the object in field 2."""
    if not body.startswith(b"k8s\0"):
        return json.loads(body) if body else {}
    secret = dict(fields(body[4:]))[2]
    parts = dict((number, value) for number, value in fields(secret) if number != 2)
    metadata = dict(fields(parts[1]))
    return {"kind": "Secret", "apiVersion": "v1", "type": parts[3].decode(),
            "metadata": {"name": metadata[1].decode(),
                         "labels": {k: v.decode() for k, v in entries(parts[1], 11).items()}},
            "data": {k: base64.b64encode(v).decode() for k, v in entries(secret, 2).items()}}


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        objects = self.server.objects
        url = urllib.parse.urlsplit(self.path)
        sent = decode(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        path, found = url.path, objects.get(url.path)
        if path in DISCOVERY:
            return self.send(DISCOVERY[path])
        if self.command == "POST":
            objects[f"{path}/{sent['metadata']['name']}"] = sent
            return self.send(sent, 201)
        if self.command == "GET" and re.search("/(secrets|customresourcedefinitions)$", path):
            selector = urllib.parse.parse_qs(url.query).get("labelSelector", [""])[0]
            wanted = dict(pair.split("=") for pair in selector.split(",") if pair)
            listed = [o for name, o in sorted(objects.items()) if name.startswith(f"{path}/")
                      and wanted.items() <= o["metadata"].get("labels", {}).items()]
            kind = "SecretList" if path.endswith("secrets") else "CustomResourceDefinitionList"
            version = "v1" if path.endswith("secrets") else "apiextensions.k8s.io/v1"
            return self.send({"kind": kind, "apiVersion": version, "metadata": {}, "items": listed})
        if found is None:
            return self.send({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}, 404)
        if self.command == "PUT":
            objects[path] = found = sent
        elif self.command == "PATCH":
            merge(found, sent)
        elif self.command == "DELETE":
            del objects[path]
        return self.send(found)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def send(self, answer, status=200):
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def crd(plural, group="gateway.kgateway.dev"):
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"}, "spec": {"group": group}}


class Release:
    """The release kgateway-crds, and the CRDs that there are."""

    def __init__(self, server, folder):
        self.objects = server.objects
        self.folder = folder
        self.config = folder / "kubeconfig"
        self.config.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": ""}}]}))

    def upgrade(self, chart=CHARTS / "kgateway-crds", name="kgateway-crds"):
        """What Helm says if it fails."""
        done = subprocess.run(
            [HELM, "upgrade", "--install", name, chart, "--kubeconfig", self.config, "--namespace", "n",
             "--disable-openapi-validation"], capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, "HOME": str(self.folder)})
        return done.stderr if done.returncode else ""

    def chart(self, *crds):
        """A chart of the same name that has these."""
        folder = self.folder / "chart"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "templates").mkdir(parents=True)
        (folder / "Chart.yaml").write_text(yaml.safe_dump(
            {"apiVersion": "v2", "name": "kgateway-crds", "version": "2.0.0"}))
        (folder / "templates/crds.yaml").write_text(yaml.safe_dump_all(crds))
        return folder

    def crds(self):
        return [name.rpartition("/")[2].partition(".")[0] for name in sorted(self.objects)
                if name.startswith(CRDS)]


@pytest.fixture
def release(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.objects = {}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Release(server, tmp_path)
        server.shutdown()


def test_an_upgrade_that_would_delete_crds_fails_and_names_them(release):
    assert not release.upgrade(release.chart(crd("backends"), crd("trafficpolicies"), crd("directresponses")))
    said = release.upgrade()
    assert "ALL OBJECTS" in said
    assert ("kubectl annotate crd directresponses.gateway.kgateway.dev trafficpolicies.gateway.kgateway.dev "
            "helm.sh/resource-policy=keep") in said
    assert release.crds() == ["backends", "directresponses", "trafficpolicies"]


def test_helm_does_delete_what_a_chart_no_longer_has(release):
    assert not release.upgrade(release.chart(crd("backends"), crd("trafficpolicies")))
    assert not release.upgrade(release.chart(crd("backends")))
    assert release.crds() == ["backends"]


def test_what_is_annotated_in_the_cluster_is_kept(release):
    assert not release.upgrade(release.chart(crd("backends"), crd("trafficpolicies")))
    kept = release.objects[f"{CRDS}/trafficpolicies.gateway.kgateway.dev"]
    kept["metadata"]["annotations"]["helm.sh/resource-policy"] = "keep"
    for _ in range(2):
        assert not release.upgrade()
        assert release.crds() == ["backends", "gatewayparameters", "trafficpolicies"]
    assert not release.upgrade(release.chart(crd("backends"), crd("trafficpolicies"))), "and the way back"


def test_crds_of_others_do_not_matter(release):
    assert not release.upgrade(release.chart(crd("trafficpolicies"), crd("policies", "example.com")), name="other")
    for _ in range(2):
        assert not release.upgrade()
    assert release.crds() == ["backends", "gatewayparameters", "policies", "trafficpolicies"]


def test_the_guard_knows_what_the_chart_brings():
    brought = sorted(p.name.removeprefix("gateway.kgateway.dev_").removesuffix(".yaml")
                     for p in (CHARTS / "kgateway-crds/templates").glob("gateway.*.yaml"))
    guard = (CHARTS / "kgateway-crds/templates/guard.yaml").read_text()
    known = re.search(r"\$brought := list (.*) -", guard)
    assert known and known[1] == " ".join(f'"{name}.gateway.kgateway.dev"' for name in brought)
