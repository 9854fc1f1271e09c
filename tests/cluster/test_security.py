"""Who gets a Gateway's configuration: its own proxies, by a token that the API server vouches for."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time

import kube
import pytest
import world
import xds_client


def token(namespace: str, account: str, audience: str = "kgateway") -> str:
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
               "spec": {"audiences": [audience], "expirationSeconds": 600}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    return kube.session().call("POST", path, request)["status"]["token"]


def forged(genuine: str) -> str:
    """The same claims, signed by somebody else."""
    def encode(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    header = encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = f"{header}.{genuine.split('.')[1]}"
    return f"{body}.{encode(hmac.new(b'guess', body.encode(), hashlib.sha256).digest())}"


def resigned(genuine: str) -> str:
    """The same header and claims with a signature of noise."""
    head, claims, signature = genuine.split(".")
    return f"{head}.{claims}.{'A' * len(signature)}"


@pytest.fixture
def neighbour():
    instance = world.EchoGateway()
    yield instance
    instance.close()


def test_a_forged_or_foreign_token_gets_nothing(gateway, neighbour):
    (pod,) = kube.controller_pods()
    address = f"{pod['status']['podIP']}:9977"
    genuine, theirs = token(gateway.name, "gw"), token(neighbour.name, "gw")
    cases = {
        "none": None,
        "not a token": "xyz",
        "signed by somebody else": forged(genuine),
        "with a false signature": resigned(genuine),
        "of another account of the namespace": token(gateway.name, "default"),
        "of another Gateway's proxies": theirs,
        "of the controller itself": token(kube.SYSTEM, "kgateway"),
        "for another audience": token(gateway.name, "gw", "https://kubernetes.default.svc.cluster.local"),
    }
    before = kube.total(kube.metrics(pod), "kgateway_xds_streams_refused_total")
    own = xds_client.ask(address, gateway.name, "gw", genuine)
    assert own[0] == "OK" and own[1] > 100, "the control: a genuine token"
    said = {what: xds_client.ask(address, gateway.name, "gw", each) for what, each in cases.items()}
    refused = kube.total(kube.metrics(pod), "kgateway_xds_streams_refused_total") - before
    print(f"genuine: {own[1]} bytes; {refused} of {len(cases)} refused: {said}")
    assert {code for code, _ in said.values()} <= {"PERMISSION_DENIED", "UNAUTHENTICATED"}
    assert refused == len(cases)


def test_a_proxy_with_a_foreign_account_gets_no_resources(gateway):
    """A pod of the same namespace, with another ServiceAccount, presents itself as the Gateway's proxy."""
    (pod,) = kube.controller_pods()
    streams = kube.streams(pod)
    before = kube.total(kube.metrics(pod), "kgateway_xds_streams_refused_total")
    spec = gateway.get("Deployment", "gw", "apps/v1")["spec"]["template"]["spec"]
    spec["serviceAccountName"] = "default"
    spec.pop("serviceAccount", None)
    labels = {"app": "impostor"}
    gateway.apply(world.manifest("Deployment", "impostor", {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": spec}}, "apps/v1"))
    kube.wait_for("the impostor to be refused", lambda: kube.total(
        kube.metrics(pod), "kgateway_xds_streams_refused_total") > before)
    time.sleep(1)
    assert kube.streams(pod) == streams


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "::1", "169.254.169.254"])
def test_backends_of_tenants_do_not_lead_to_the_proxy_itself(gateway, host):
    """Nor to the metadata service of its node."""
    rule = world.rule("/local", "local")
    rule["backendRefs"] = [{"group": "gateway.kgateway.dev", "kind": "Backend", "name": "local"}]
    static = {"type": "Static", "static": {"hosts": [{"host": host, "port": 9091}]}}
    gateway.apply(world.manifest("Backend", "local", static, "gateway.kgateway.dev/v1alpha1"),
                  world.route("local", rule))
    kube.wait_for("the reference to be refused", lambda: gateway.condition(
        "local", "ResolvedRefs").get("reason") == "AddressNotAllowed")
    kube.wait_for("the route to answer", lambda: gateway.status("/local/metrics") == 500)


def test_the_admin_interface_has_no_port(gateway):
    """It is a socket of the pod; on 19000 only who knows the pod's uid drains the proxy."""
    (pod, *_) = gateway.pods(world.PROXIES)
    (pid, *_) = kube.pods.processes(pod, "envoy")
    def ask(path: str, method: str = "GET") -> int:
        code = ("import sys, urllib.request as u, urllib.error as e\n"
                f"try: print(u.urlopen(u.Request('http://127.0.0.1:19000{path}', method='{method}')).status)\n"
                "except e.HTTPError as error: print(error.code)")
        return int(subprocess.run(["nsenter", f"--target={pid}", "--net", sys.executable, "-c", code],
                                  check=True, timeout=20, capture_output=True, text=True).stdout)
    assert [ask("/config_dump"), ask("/quitquitquit", "POST"), ask("/healthcheck/fail", "POST")] == [404] * 3
    assert ask(f"/drain/{pod['metadata']['uid']}", "POST") == 200
