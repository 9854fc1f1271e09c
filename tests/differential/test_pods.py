"""Pod Security `restricted` takes the proxies' pods: a real API server judges what tests/deployment renders."""

import pathlib

import pytest
import yaml
from apiserver import ROOT, running

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
# The others ask for something else themselves: no default security context, a PriorityClass.
RENDERED = ["defaults", "infrastructure", "istio-mtls", "istio-mtls-parameters"]


@pytest.fixture(scope="module")
def namespace(tmp_path_factory):
    with running(pathlib.Path(tmp_path_factory.mktemp("apiserver"))) as api:
        api.call("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strict", "labels": RESTRICTED}})
        api.call("POST", "/api/v1/namespaces/strict/serviceaccounts", {
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "edge"}})
        yield api


def pod(rendered: str) -> dict:
    text = (ROOT / f"tests/deployment/{rendered}.yaml").read_text()
    objects = yaml.safe_load(text[text.index("# Output"):])["objects"]
    template = next(o for o in objects if o["kind"] == "Deployment")["spec"]["template"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": rendered}, "spec": template["spec"]}


@pytest.mark.parametrize("rendered", RENDERED)
def test_a_restricted_namespace_takes_the_pod(namespace, rendered):
    assert namespace.call("POST", "/api/v1/namespaces/strict/pods", pod(rendered))["kind"] == "Pod"


def test_it_would_not_without_the_seccomp_profile(namespace):
    spoiled = pod("defaults")
    spoiled["metadata"]["name"] = "spoiled"
    del spoiled["spec"]["containers"][0]["securityContext"]["seccompProfile"]
    with pytest.raises(Exception, match="PodSecurity"):
        namespace.call("POST", "/api/v1/namespaces/strict/pods", spoiled)
