"""One bad object among a thousand healthy routes harms nobody, is named, and recovers when mended."""

import base64
import contextlib
import http.client
import ssl
import time

import certificates
import kube
import traffic
import world


@contextlib.contextmanager
def undisturbed(crowd):
    """The crowd answers under load for as long as the block takes, and each of it at the end; a route
    that is added meanwhile comes into force."""
    client = traffic.Client(crowd.address, [traffic.Target("/", host) for host in crowd.hosts])
    yield
    begin = time.monotonic()
    crowd.apply(world.route("newcomer", world.rule("/", "echo"), hostnames=["newcomer.example"]))
    kube.wait_for("a route beside the poison", lambda: crowd.status("/", "newcomer.example") == 200, 60, 0.01)
    took = time.monotonic() - begin
    crowd.delete("HTTPRoute", "newcomer")
    time.sleep(2)
    answers, each = client.end(), crowd.answers()
    print(f"answers meanwhile {answers}, one of each at the end {each}, a new route took {took:.2f} s")
    assert set(answers) == {200}
    assert each == {200: crowd.SIZE}


def header_rule(value: str) -> dict:
    """Matches a header by a regular expression."""
    poisoned = world.rule("/poisoned", "echo")
    poisoned["matches"][0]["headers"] = [{"type": "RegularExpression", "name": "x-poison", "value": value}]
    return poisoned


def test_a_poisoned_route(crowd):
    """A regular expression that cannot be compiled: its rule is out of order, the next one is not."""
    host = "poisoned.example"
    with undisturbed(crowd):
        crowd.apply(world.route("poisoned", header_rule("(unclosed"), world.rule("/fine", "echo"),
                                hostnames=[host]))
        kube.wait_for("the healthy rule", lambda: crowd.status("/fine", host) == 200)
        said = kube.wait_for("the status to tell", lambda: next((c for c in (
            crowd.condition("poisoned", kind) for kind in ("Accepted", "PartiallyInvalid", "ResolvedRefs"))
            if "unclosed" in c.get("message", "")), None))
        print(f"{said['type']}={said['status']} {said['reason']}: {said['message']}")
    crowd.apply(world.route("poisoned", world.rule("/poisoned", "echo"), hostnames=[host]))
    kube.wait_for("the mended route", lambda: crowd.status("/poisoned", host) == 200)
    crowd.delete("HTTPRoute", "poisoned")


def https_listener(name: str, port: int, secret: str) -> dict:
    return {"name": name, "port": port, "protocol": "HTTPS",
            "tls": {"certificateRefs": [{"name": secret}]}}


HTTP = {"name": "http", "port": 80, "protocol": "HTTP"}


def listener_condition(crowd, listener: str, condition: str) -> dict:
    listeners = {each["name"]: each for each in crowd.get("Gateway", "gw")["status"]["listeners"]}
    found = [c for c in listeners.get(listener, {}).get("conditions", []) if c["type"] == condition]
    return found[0] if found else {}


def test_a_poisoned_listener(crowd):
    """A certificate that is not there, and a protocol that nobody knows."""
    with undisturbed(crowd):
        crowd.apply(world.gateway(HTTP, https_listener("no-certificate", 8443, "missing"),
                                  {"name": "unknown", "port": 9999, "protocol": "example.com/unknown"}))
        resolved = kube.wait_for("the listener's status", lambda: next((c for c in [
            listener_condition(crowd, "no-certificate", "ResolvedRefs")] if c.get("status") == "False"), None))
        accepted = kube.wait_for("the other listener's status", lambda: next((c for c in [
            listener_condition(crowd, "unknown", "Accepted")] if c.get("status") == "False"), None))
        print(f"{resolved['reason']}: {resolved['message']}; {accepted['reason']}: {accepted['message']}")
        assert listener_condition(crowd, "http", "Programmed")["status"] == "True"
    crowd.apply(world.gateway(HTTP))
    kube.wait_for("the Gateway as it was", lambda: len(crowd.get("Gateway", "gw")["status"]["listeners"]) == 1)


def secret(name: str, certificate: bytes, key: bytes) -> dict:
    encoded = {file: base64.b64encode(data).decode() for file, data in
               (("tls.crt", certificate), ("tls.key", key))}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "kubernetes.io/tls",
            "data": encoded}


def served(crowd) -> tuple[int, str]:
    """The status of an HTTPS request, and the certificate's serial number."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(crowd.address, 443, context=context, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": crowd.hosts[0]})
        status = connection.getresponse().status
        return status, certificates.serial(connection.sock.getpeercert(binary_form=True))
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def test_a_poisoned_certificate(crowd):
    """A Secret whose key belongs to another certificate: the last good one stays in force."""
    first, second = certificates.make("secure.example"), certificates.make("secure.example")
    crowd.apply(secret("secure", *first), world.gateway(HTTP, https_listener("https", 443, "secure")))
    good = kube.wait_for("HTTPS", lambda: next((s for s in [served(crowd)] if s[0] == 200), None))
    with undisturbed(crowd):
        crowd.apply(secret("secure", first[0], second[1]))
        said = kube.wait_for("the status to tell", lambda: next((c for c in (
            listener_condition(crowd, "https", kind) for kind in ("ResolvedRefs", "Programmed", "Accepted"))
            if c.get("status") == "False" or "key" in c.get("message", "").lower()), None))
        print(f"{said['type']}={said['status']} {said['reason']}: {said['message']}")
        assert served(crowd) == good
    crowd.apply(secret("secure", *second))
    mended = kube.wait_for("the new certificate", lambda: next((s for s in [served(crowd)]
                                                                if s[0] == 200 and s != good), None))
    print(f"serial {good[1]} before and while poisoned, {mended[1]} when mended")
    crowd.apply(world.gateway(HTTP))


def test_a_poisoned_policy(crowd):
    """A BackendTLSPolicy with no certificate in its ConfigMap: only its own Service is out of order."""
    host = "policed.example"
    policy = world.manifest("BackendTLSPolicy", "poisoned", {
        "targetRefs": [{"group": "", "kind": "Service", "name": "policed"}],
        "validation": {"hostname": host, "caCertificateRefs": [
            {"group": "", "kind": "ConfigMap", "name": "garbage"}]}})
    crowd.apply(world.service("policed", "echo"),
                world.route("policed", world.rule("/", "policed"), hostnames=[host]))
    kube.wait_for("the route", lambda: crowd.status("/", host) == 200)
    with undisturbed(crowd):
        crowd.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "garbage"},
                     "data": {"ca.crt": "no certificate"}}, policy)
        kube.wait_for("its Service to be refused", lambda: crowd.status("/", host) in (500, 502, 503))
        said = kube.wait_for("the status to tell", lambda: next((c for each in crowd.get(
            "BackendTLSPolicy", "poisoned").get("status", {}).get("ancestors", [])
            for c in each["conditions"] if c["type"] == "Accepted" and c["status"] == "False"), None))
        print(f"{said['type']}={said['status']} {said['reason']}: {said['message']}")
    crowd.delete("BackendTLSPolicy", "poisoned")
    kube.wait_for("the route without the policy", lambda: crowd.status("/", host) == 200)
    crowd.delete("HTTPRoute", "policed")
