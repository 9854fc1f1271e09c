"""One bad thing never harms another, says what it is, and recovers when it is mended."""

import os
import socket
import stat
import subprocess
import time

import httpx
import pytest
import yaml

import pki
from harness import Client, Kgateway, eventually, free_port, gateway, http_route, service
from test_tls import https_get

HEALTHY = "- backendRefs: [{name: v1, port: 80}]"


@pytest.fixture
def port(kgw, v1):
    """A gateway with one healthy route on healthy.example.com."""
    port = free_port()
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kgw.write("healthy.yaml", http_route("healthy", HEALTHY, hostnames=["healthy.example.com"]))
    kgw.start()
    Client(port, host="healthy.example.com").wait_for("/")
    return port


def others_still_update(kgw, port, v1):
    """A change elsewhere takes effect while the poison is there."""
    others_still_update.count = getattr(others_still_update, "count", 0) + 1
    path = f"/new{others_still_update.count}"
    kgw.write("healthy.yaml", http_route("healthy", f"- matches: [{{path: {{value: {path}}}}}]\n"
                                         "  backendRefs: [{name: v1, port: 80}]", hostnames=["healthy.example.com"]))
    Client(port, host="healthy.example.com").wait_for(path)


def problems(kgw) -> str:
    return kgw.get("/status")[1]


def mended(what: str, check) -> None:
    """Waits for `check` and prints how long it took since the call; never asserted, machines differ."""
    start = time.monotonic()
    eventually(check, f"{what} recovers")
    print(f"{what}: recovered {1000 * (time.monotonic() - start):.0f} ms after it was mended")


FILES = {
    "syntax": ("a: [1\nb: }", "bad.yaml"),
    "kind": ("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoot\nmetadata: {name: bad}\n", "HTTPRoot"),
    "field": (http_route("bad", "- matchers: []"), "matchers"),
    "type": (http_route("bad", "- backendRefs: [{name: v1, port: eighty}]"), "port"),
    "duration": (http_route("bad", "- timeouts: {request: 1.5s}"), "timeouts.request"),
    "header name": (http_route("bad", "- filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: 'a b', value: c}]}}]"), "set[0].name"),
    "nesting": ("a: " + "[" * 5000 + "]" * 5000, "bad.yaml"),
    "alias bomb": ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)), "bad.yaml"),
    "too many rules": (http_route("bad", "\n".join(["- backendRefs: [{name: v1, port: 80}]"] * 10000)), "spec.rules"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_reported_and_alone(kgw, port, v1, name):
    text, words = FILES[name]
    kgw.write("bad.yaml", text)
    eventually(lambda: words in problems(kgw) and "bad.yaml" in problems(kgw), f"{words} is reported")
    others_still_update(kgw, port, v1)
    kgw.write("bad.yaml", http_route("bad", HEALTHY, hostnames=["bad.example.com"]))
    mended(f"a bad file ({name})", lambda: Client(port, host="bad.example.com").get("/").status_code == 200)
    eventually(lambda: "bad.yaml" not in problems(kgw), "the report is withdrawn")


def test_a_broken_version_keeps_the_last_good_one(kgw, port, v1):
    kgw.write("bad.yaml", http_route("bad", HEALTHY, hostnames=["bad.example.com"]))
    client = Client(port, host="bad.example.com")
    client.wait_for("/")
    kgw.write("bad.yaml", http_route("bad", "- nonsense: true", hostnames=["bad.example.com"]))
    eventually(lambda: "nonsense" in problems(kgw))
    assert client.get("/").status_code == 200
    kgw.remove("bad.yaml")
    client.wait_for("/", 404)


RULES = {
    "regex": ("- matches: [{path: {type: RegularExpression, value: '/(['}}]\n  backendRefs: [{name: v1, port: 80}]", 404),
    "host header": ("- filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: x}]}}]\n"
                    "  backendRefs: [{name: v1, port: 80}]", 500),
    "extension": ("- filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: Odd, name: x}}]\n"
                  "  backendRefs: [{name: v1, port: 80}]", 500),
}


@pytest.mark.parametrize("name", RULES)
def test_a_bad_rule_is_replaced_alone(kgw, port, v1, name):
    rule, status = RULES[name]
    sibling = "- matches: [{path: {value: /sibling}}]\n  backendRefs: [{name: v1, port: 80}]"
    kgw.write("bad.yaml", http_route("bad", f"{rule}\n{sibling}", hostnames=["bad.example.com"]))
    client = Client(port, host="bad.example.com")
    client.wait_for("/sibling")
    assert client.get("/").status_code == status
    kgw.wait_condition("HTTPRoute", "bad", "kgateway.dev/Programmed", "False")
    others_still_update(kgw, port, v1)
    kgw.write("bad.yaml", http_route("bad", HEALTHY, hostnames=["bad.example.com"]))
    mended(f"a bad rule ({name})", lambda: client.get("/").status_code == 200)
    kgw.wait_condition("HTTPRoute", "bad", "kgateway.dev/Programmed", "True")


def test_a_certificate_that_does_not_match_its_key(kgw, port, v1):
    secure = free_port()
    ca = pki.Authority()
    good, other = ca.issue("a.example.com"), ca.issue("a.example.com")
    kgw.write("certificate.yaml", pki.secret("cert", (good[0], other[1])))
    kgw.write("secure.yaml", gateway(0, name="secure", listeners=f"""
- {{name: plain, port: {free_port()}, protocol: HTTP}}
- {{name: https, port: {secure}, protocol: HTTPS, tls: {{certificateRefs: [{{name: cert}}]}}}}
"""))
    kgw.wait_condition("Gateway", "secure", "ResolvedRefs", "False", "InvalidCertificateRef", listener="https")
    kgw.wait_condition("Gateway", "secure", "Programmed", "True", listener="plain")
    others_still_update(kgw, port, v1)
    kgw.write("certificate.yaml", pki.secret("cert", good))
    kgw.wait_condition("Gateway", "secure", "Programmed", "True", listener="https")


def test_a_port_in_use_is_reported_and_taken_when_free(kgw, port, v1):
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        taken = squatter.getsockname()[1]
        kgw.write("second.yaml", gateway(taken, name="second"))
        condition = kgw.wait_condition("Gateway", "second", "Programmed", "False", listener="http")
        assert "in use" in condition["message"]
        others_still_update(kgw, port, v1)
    kgw.wait_condition("Gateway", "second", "Programmed", "True", listener="http")


def tls_gateway(port, b_options):
    """Two HTTPS listeners on one port; `b_options` are the TLS options of the second."""
    def listener(name, options):
        return {"name": name, "port": port, "protocol": "HTTPS", "hostname": f"{name}.example.com",
                "tls": {"certificateRefs": [{"name": "cert"}], **({"options": options} if options else {})}}
    return gateway(0, name="secure", listeners=yaml.safe_dump([listener("a", None), listener("b", b_options)]))


def test_a_filter_chain_that_envoy_alone_rejects_keeps_its_last_good_version(kgw, port, v1):
    """BoringSSL takes no curve twice; that these are two names of one, only Envoy knows."""
    secure = free_port()
    ca = pki.Authority()
    context = pki.client_context(ca, "http/1.1")
    kgw.write("certificate.yaml", pki.secret("cert", ca.issue("*.example.com")))
    kgw.write("secure.yaml", tls_gateway(secure, None))
    kgw.write("route.yaml", http_route("secure", HEALTHY, parent="secure"))
    kgw.wait_condition("Gateway", "secure", "Programmed", "True", listener="b")
    eventually(lambda: https_get(secure, context, "b.example.com")[0] == 200)

    kgw.write("secure.yaml", tls_gateway(secure, {"kgateway.dev/ecdh-curves": "P-256,prime256v1"}))
    condition = kgw.wait_condition("Gateway", "secure", "Programmed", "False", "Invalid", listener="b")
    assert "ECDH curves" in condition["message"] and "stays in force" in condition["message"], condition
    kgw.wait_condition("Gateway", "secure", "Programmed", "True", listener="a")
    assert https_get(secure, context, "a.example.com")[0] == 200
    assert https_get(secure, context, "b.example.com")[0] == 200
    others_still_update(kgw, port, v1)

    kgw.write("secure.yaml", tls_gateway(secure, {"kgateway.dev/ecdh-curves": "P-256"}))
    kgw.wait_condition("Gateway", "secure", "Programmed", "True", listener="b")
    assert https_get(secure, context, "b.example.com")[0] == 200


def test_a_cluster_that_envoy_alone_rejects_is_shown_by_its_routes(v1, v2, directory):
    """This Envoy was built without TLS to backends."""
    own = Kgateway(directory / "plain", "--envoy", wrapped_envoy(
        directory, "--disable-extensions envoy.transport_sockets.upstream/envoy.transport_sockets.tls"))
    policy = """
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: policy}
spec:
  targetRefs: [{group: "", kind: Service, name: v2}]
  validation: {hostname: v2.example.com, wellKnownCACertificates: System}
"""
    try:
        own_port = free_port()
        own.write("gateway.yaml", gateway(own_port))
        own.write("services.yaml", service("v1", {"http": v1.http}), service("v2", {"http": v2.http}))
        own.write("healthy.yaml", http_route("healthy", HEALTHY, hostnames=["healthy.example.com"]))
        own.write("tls.yaml", http_route("tls", "- backendRefs: [{name: v2, port: 80}]", hostnames=["tls.example.com"]))
        own.start()
        Client(own_port, host="tls.example.com").wait_for("/", backend="v2")
        own.write("policy.yaml", policy)
        condition = own.wait_condition("HTTPRoute", "tls", "kgateway.dev/Programmed", "False", "BackendRejected")
        assert "registered implementation" in condition["message"] and "v2" in condition["message"], condition
        own.wait_condition("HTTPRoute", "healthy", "kgateway.dev/Programmed", "True")
        others_still_update(own, own_port, v1)
        assert Client(own_port, host="tls.example.com").get("/").headers["x-backend"] == "v2"
        own.remove("policy.yaml")
        own.wait_condition("HTTPRoute", "tls", "kgateway.dev/Programmed", "True")
        Client(own_port, host="tls.example.com").wait_for("/", backend="v2")
    finally:
        own.close()
        own.end_envoys()


def wrapped_envoy(directory, arguments) -> str:
    """A script that runs the Envoy of these tests with more arguments."""
    wrapper = directory / "wrapped-envoy"
    wrapper.write_text(f"#!/bin/sh\nexec {os.environ['KGW_ENVOY']} {arguments} \"$@\"\n")
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    return str(wrapper)


def test_what_envoy_alone_rejects_is_quarantined_with_envoys_words(kgw, port, v1, directory):
    """This Envoy has a lower limit on regular expressions than the one that kgateway knows of."""
    overlay = "{layered_runtime: {layers: [{name: strict, static_layer: {re2.max_program_size.error_level: 20}}]}}"
    own = Kgateway(directory / "strict", "--envoy", wrapped_envoy(directory, f"--config-yaml '{overlay}'"))
    try:
        own_port = free_port()
        own.write("gateway.yaml", gateway(own_port))
        own.write("services.yaml", service("v1", {"http": v1.http}))
        own.write("routes.yaml", *[http_route(f"r{i}", HEALTHY, hostnames=[f"r{i}.example.com"]) for i in range(20)])
        own.start()
        Client(own_port, host="r7.example.com").wait_for("/")
        long = "/" + "[a-z]+x" * 12
        own.write("bad.yaml", http_route("bad", f"""
- matches: [{{path: {{type: RegularExpression, value: "{long}"}}}}]
  backendRefs: [{{name: v1, port: 80}}]
- matches: [{{path: {{value: /sibling}}}}]
  backendRefs: [{{name: v1, port: 80}}]
""", hostnames=["bad.example.com"]), http_route("late", HEALTHY, hostnames=["late.example.com"]))
        condition = own.wait_condition("HTTPRoute", "bad", "kgateway.dev/Programmed", "False")
        assert "max program size" in condition["message"], condition
        Client(own_port, host="late.example.com").wait_for("/")
        Client(own_port, host="bad.example.com").wait_for("/sibling")
        own.write("bad.yaml", http_route("bad", HEALTHY, hostnames=["bad.example.com"]))
        Client(own_port, host="bad.example.com").wait_for("/")
        own.wait_condition("HTTPRoute", "bad", "kgateway.dev/Programmed", "True")
    finally:
        own.close()
        own.end_envoys()


SECURE = """
- {{name: plain, port: {plain}, protocol: HTTP}}
- {{name: https, port: {secure}, protocol: HTTPS, tls: {{certificateRefs: [{{name: cert}}]}}}}
"""


@pytest.fixture
def secure(kgw, v1):
    """A gateway with a plain and an HTTPS listener whose certificate each test writes."""
    ports = {"plain": free_port(), "secure": free_port()}
    kgw.write("secure.yaml", gateway(0, name="secure", listeners=SECURE.format(**ports)),
              http_route("secured", HEALTHY, parent="secure"))
    return ports


def test_a_certificate_of_an_unsupported_algorithm(kgw, port, v1, secure):
    ca = pki.Authority()
    kgw.write("certificate.yaml", pki.secret("cert", ca.issue("a.example.com", curve="secp256k1")))
    condition = kgw.wait_condition("Gateway", "secure", "ResolvedRefs", "False", "InvalidCertificateRef", listener="https")
    assert "secp256k1" in condition["message"]
    Client(secure["plain"]).wait_for("/")
    others_still_update(kgw, port, v1)
    kgw.write("certificate.yaml", pki.secret("cert", ca.issue("a.example.com")))
    https = httpx.Client(verify=pki.client_context(ca))
    mended("an unsupported certificate", lambda: https.get(
        f"https://127.0.0.1:{secure['secure']}/", extensions={"sni_hostname": "a.example.com"}).status_code == 200)


def test_an_expired_certificate_is_served_and_told(kgw, port, v1, secure):
    ca = pki.Authority()
    kgw.write("certificate.yaml", pki.secret("cert", ca.issue("a.example.com", days=-1)))
    kgw.wait_condition("Gateway", "secure", "Programmed", "True", listener="https")
    assert "expired" in kgw.condition("Gateway", "secure", "ResolvedRefs", listener="https")["message"]
    https = httpx.Client(verify=pki.client_context(ca))

    def get():
        return https.get(f"https://127.0.0.1:{secure['secure']}/", extensions={"sni_hostname": "a.example.com"})
    with pytest.raises(httpx.ConnectError, match="expired"):
        get()
    others_still_update(kgw, port, v1)
    kgw.write("certificate.yaml", pki.secret("cert", ca.issue("a.example.com")))
    mended("an expired certificate", lambda: get().status_code == 200)


def test_a_privileged_port_without_the_right_to_it(directory, v1):
    own = Kgateway(directory / "unprivileged", prefix=("setpriv", "--bounding-set", "-net_bind_service"))
    try:
        listeners = "- {{name: low, port: {low}, protocol: HTTP}}\n- {{name: high, port: {high}, protocol: HTTP}}"
        high = free_port()
        own.write("gateway.yaml", gateway(0, listeners=listeners.format(low=81, high=high)))
        own.write("services.yaml", service("v1", {"http": v1.http}))
        own.write("healthy.yaml", http_route("healthy", HEALTHY))
        own.start()
        condition = own.wait_condition("Gateway", "gw", "Programmed", "False", listener="low")
        assert "ermission denied" in condition["message"], condition
        own.wait_condition("Gateway", "gw", "Programmed", "True", listener="high")
        others_still_update(own, high, v1)
        allowed = free_port()
        own.write("gateway.yaml", gateway(0, listeners=listeners.format(low=allowed, high=high)))
        path = f"/new{others_still_update.count}"
        mended("a privileged port", lambda: Client(allowed, host="healthy.example.com").get(path).status_code == 200)
        own.wait_condition("Gateway", "gw", "Programmed", "True", listener="low")
    finally:
        own.close()
        own.end_envoys()


def test_ten_megabytes_in_one_file(kgw, port, v1):
    filler = [pki.config_map(f"filler{i}", "x" * 100_000) for i in range(105)]
    routed = http_route("last", HEALTHY, hostnames=["last.example.com"])
    kgw.write("bad.yaml", *filler, routed)
    assert (kgw.config / "bad.yaml").stat().st_size > 10_000_000
    Client(port, host="last.example.com").wait_for("/")
    others_still_update(kgw, port, v1)
    kgw.write("bad.yaml", *filler, http_route("last", "- nonsense: true", hostnames=["last.example.com"]))
    eventually(lambda: "nonsense" in problems(kgw))
    assert Client(port, host="last.example.com").get("/").status_code == 200
    others_still_update(kgw, port, v1)
    kgw.write("bad.yaml", *filler, http_route("last", "- matches: [{path: {value: /mended}}]\n"
                                              "  backendRefs: [{name: v1, port: 80}]", hostnames=["last.example.com"]))
    last = Client(port, host="last.example.com")
    mended("a file of 10 MB", lambda: last.get("/").status_code == 404 and last.get("/mended").status_code == 200)


def test_ten_thousand_rules(kgw, port, v1):
    def routes(backend: str) -> list[str]:
        return [http_route(f"many{i}", "\n".join(
            f"- {{matches: [{{path: {{value: /{i}/{j}}}}}], backendRefs: [{{name: {backend}, port: 80}}]}}"
            for j in range(16)), hostnames=["many.example.com"]) for i in range(625)]
    kgw.write("many.yaml", *routes("missing"))
    many = Client(port, host="many.example.com")
    many.wait_for("/624/15", 500)
    others_still_update(kgw, port, v1)
    kgw.write("many.yaml", *routes("v1"))
    mended("10,000 rules", lambda: many.get("/624/15").status_code == 200 and many.get("/0/0").status_code == 200)
    others_still_update(kgw, port, v1)


def test_an_address_of_another_host(kgw, port, v1):
    second = free_port()
    kgw.write("second.yaml", gateway(second, name="second").replace("127.0.0.1", "192.0.2.77"),
              http_route("second", HEALTHY, parent="second"))
    kgw.wait_condition("Gateway", "second", "Programmed", "False", "AddressNotUsable")
    others_still_update(kgw, port, v1)
    kgw.write("second.yaml", gateway(second, name="second"), http_route("second", HEALTHY, parent="second"))
    mended("an address of another host", lambda: Client(second).get("/").status_code == 200)
    kgw.wait_condition("Gateway", "second", "Programmed", "True", "Programmed")


@pytest.fixture
def small_disk(directory):
    """A file system of two pages, where the state directory of `kgw` will be."""
    disk = directory / "state"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk(small_disk, kgw, v1):
    port = free_port()
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"http": v1.http}))
    kgw.write("healthy.yaml", http_route("healthy", HEALTHY))
    kgw.start()
    condition = eventually(lambda: (found := kgw.condition("Gateway", "gw", "Programmed"))
                           and "No space left on device" in found["message"] and found)
    assert condition["status"] != "True" and str(kgw.state) in condition["message"], condition
    subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
    mended("a full disk", lambda: Client(port).get("/").status_code == 200)
    kgw.wait_condition("Gateway", "gw", "Programmed", "True")
