"""xDS over TLS: proxies follow, and a new authority reaches them without a lost request."""

import base64
import subprocess

import certificates
import kube
import pytest
import traffic
import world
import xds_client

NAMES = [f"kgateway.{kube.SYSTEM}.svc", f"kgateway.{kube.SYSTEM}.svc.cluster.local"]


def write_secret(authority: certificates.Pair) -> None:
    certificate, key = certificates.issue(NAMES, by=authority).pem()
    files = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority.pem()[0]}
    kube.session().apply({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                          "metadata": {"name": "kgateway-xds-cert", "namespace": kube.SYSTEM},
                          "data": {name: base64.b64encode(data).decode() for name, data in files.items()}})


def install(tls: bool) -> None:
    done = subprocess.run([str(kube.PLACE.bin / "helm"), f"--kubeconfig={kube.PLACE.kubeconfig}", "upgrade",
                           "kgateway", str(kube.ROOT / "charts/kgateway"), "--namespace", kube.SYSTEM,
                           "--reuse-values", "--wait", "--timeout=120s",
                           "--set", f"controller.xds.tls.enabled={str(tls).lower()}"],
                          capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def with_tls():
    write_secret(certificates.issue(["first authority"], authority=True))
    install(True)
    yield
    install(False)
    kube.session().delete(f"/api/v1/namespaces/{kube.SYSTEM}/secrets/kgateway-xds-cert")


@pytest.fixture
def served(with_tls):
    instance = world.EchoGateway()
    yield instance
    instance.close()


def serves(gateway: world.EchoGateway, path: str) -> None:
    gateway.apply(world.route(path.strip("/"), world.rule(path, "echo")))
    kube.wait_for(f"{path} to be served", lambda: gateway.status(path) == 200)


def test_proxies_speak_tls_and_take_a_new_authority(served):
    serves(served, "/with-tls")
    (pod,) = kube.controller_pods()
    code, _ = xds_client.ask(f"{pod['status']['podIP']}:9977", served.name, "gw", "no TLS")
    assert code == "UNAVAILABLE"

    client = traffic.Client(served.address)
    before = kube.uids(served.pods(world.PROXIES))
    write_secret(certificates.issue(["second authority"], authority=True))

    def rolled() -> bool:
        now = served.pods(world.PROXIES)
        return not kube.uids(now) & before and all(kube.ready(each) for each in now)
    # The kubelet brings a changed Secret into the controller's pod within a minute or two.
    kube.wait_for("proxies with the new authority", rolled, 180)
    serves(served, "/with-another-authority")
    answers = client.end()
    print(f"answers {answers}")
    assert set(answers) == {200}
