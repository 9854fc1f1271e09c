"""One bad thing never harms another, says what it is, and recovers when it is mended."""

import socket

import pytest

import pki
from harness import Client, eventually, free_port, gateway, http_route, service

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
    Client(port, host="bad.example.com").wait_for("/")
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
    client.wait_for("/")
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


def test_what_envoy_alone_rejects_is_quarantined_with_envoys_words(kgw, port, v1, directory):
    """This Envoy has a lower limit on regular expressions than the one that kgateway knows of."""
    import os
    import stat
    from harness import Kgateway
    wrapper = directory / "strict-envoy"
    envoy = os.environ["KGW_ENVOY"]
    overlay = "{layered_runtime: {layers: [{name: strict, static_layer: {re2.max_program_size.error_level: 20}}]}}"
    wrapper.write_text(f"#!/bin/sh\nexec {envoy} --config-yaml '{overlay}' \"$@\"\n")
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    own = Kgateway(directory / "strict", "--envoy", str(wrapper))
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
