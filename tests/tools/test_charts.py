"""The Helm charts, rendered: what users set arrives, and what cannot be honoured fails.

Needs Helm: the one of the development cluster if it was built, else `helm` on PATH; skipped without.
"""

import json
import pathlib
import shutil
import subprocess

import build
import kgw_cache
import pytest
import yaml

CHARTS = pathlib.Path(__file__).resolve().parents[2] / "charts"
BUILT = kgw_cache.root() / build.COMPONENTS["companions"].entry_name() / "bin/helm"
HELM = str(BUILT) if BUILT.exists() else shutil.which("helm")

pytestmark = pytest.mark.skipif(not HELM, reason="Helm is not available")


def helm(*arguments):
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, check=False)


def template(values=None, chart="kgateway"):
    """The rendered objects by kind and name. Raises with Helm's words when it fails."""
    arguments = ["template", "kgateway", str(CHARTS / chart), "--namespace", "kgateway-system",
                 "--kube-version", "1.36.0"]
    result = subprocess.run(
        [HELM, *arguments, "--values", "-"], input=json.dumps(values or {}), capture_output=True,
        text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(result.stderr)
    objects = [o for o in yaml.safe_load_all(result.stdout) if o]
    return {(o["kind"], o["metadata"]["name"]): o for o in objects}


def controller(values=None):
    """The controller's pod template."""
    return template(values)[("Deployment", "kgateway")]["spec"]["template"]


def environment(values=None):
    container = controller(values)["spec"]["containers"][0]
    return {e["name"]: e.get("value") for e in container["env"]}


@pytest.mark.parametrize("chart", ["kgateway", "kgateway-crds"])
def test_lint(chart):
    result = helm("lint", "--strict", "--kube-version", "1.36.0", str(CHARTS / chart))
    assert result.returncode == 0, result.stdout + result.stderr


def test_crds_are_rendered_as_they_are():
    for path in (CHARTS / "kgateway-crds" / "templates").glob("gateway.*.yaml"):
        crd = yaml.safe_load(path.read_text())
        assert template(chart="kgateway-crds")[(crd["kind"], crd["metadata"]["name"])] == crd


def test_defaults():
    objects = template()
    assert sorted(objects) == [
        ("ClusterRole", "kgateway-kgateway-system"),
        ("ClusterRoleBinding", "kgateway-role-kgateway-system"),
        ("Deployment", "kgateway"),
        ("NetworkPolicy", "kgateway"),
        ("Role", "kgateway-leader"),
        ("RoleBinding", "kgateway-leader"),
        ("Service", "kgateway"),
        ("ServiceAccount", "kgateway"),
    ]
    ports = {p["name"]: p["port"] for p in objects[("Service", "kgateway")]["spec"]["ports"]}
    assert ports == {"grpc-xds": 9977, "health": 9093, "metrics": 9092}
    pod = controller()
    container = pod["spec"]["containers"][0]
    assert container["name"] == "controller"
    assert container["image"].startswith("kgateway:")
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["resources"] == {"requests": {"cpu": "50m", "memory": "128Mi"}}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 9093}
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == "9092"
    selector = objects[("Deployment", "kgateway")]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= pod["metadata"]["labels"].items()
    assert objects[("Service", "kgateway")]["spec"]["selector"] == selector


def test_role_has_what_the_controller_does():
    rules = template()[("ClusterRole", "kgateway-kgateway-system")]["rules"]
    granted = {
        (group, resource): set(rule["verbs"])
        for rule in rules for group in rule["apiGroups"] for resource in rule["resources"]
        if "watch" in rule["verbs"] or "create" in rule["verbs"] or rule["verbs"] == ["patch"]
    }
    assert {"get", "list", "watch"} <= granted[("gateway.networking.k8s.io", "httproutes")]
    assert granted[("gateway.networking.k8s.io", "gateways/status")] == {"patch"}
    assert granted[("authentication.k8s.io", "tokenreviews")] == {"create"}
    assert granted[("", "events")] == {"create", "patch"}
    assert "delete" in granted[("apps", "deployments")]
    assert "secrets" not in [
        r for rule in rules if "create" in rule["verbs"] for r in rule["resources"]]
    assert not any("*" in rule["resources"] + rule["verbs"] for rule in rules)


@pytest.mark.parametrize("value, granted", [(None, False), (False, False), (True, True), ("true", True)])
def test_pods_are_followed_only_for_istio(value, granted):
    values = {"controller": {"extraEnv": {"KGW_ENABLE_ISTIO_AUTO_MTLS": value}}} if value is not None else {}
    rules = template(values)[("ClusterRole", "kgateway-kgateway-system")]["rules"]
    assert any("pods" in rule["resources"] and "watch" in rule["verbs"] for rule in rules) is granted


def test_a_replica_can_prove_to_the_others_that_it_is_one():
    spec = controller()["spec"]
    (container,) = spec["containers"]
    (mount,) = container["volumeMounts"]
    (volume,) = spec["volumes"]
    assert mount["name"] == volume["name"]
    (source,) = volume["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "kgateway"
    path = f"{mount['mountPath']}/{source['serviceAccountToken']['path']}"
    assert f'"{path}"' in (CHARTS.parent / "src/app/options.h").read_text()
    fields = {e["name"]: e["valueFrom"]["fieldRef"]["fieldPath"]
              for e in container["env"] if "valueFrom" in e}
    assert fields["POD_IP"] == "status.podIP"


def test_settings_arrive():
    env = environment({
        "controller": {"logLevel": "debug", "admin": {"bindAddress": "0.0.0.0", "hosts": ["a", "b"]},
                       "maxRouteEntries": 12345678,
                       "service": {"ports": {"grpc": 1}}, "xds": {"tls": {"enabled": True}},
                       "extraEnv": {"KGW_XDS_AUTH": False, "KGW_LOG_LEVEL": "trace"}},
        "envoy": {"image": {"tag": "v9"}},
        "discoveryNamespaceSelectors": [{"matchLabels": {"a": "b"}}],
        "gatewayClassParametersRefs": {"kgateway": {"name": "x", "namespace": "y"}},
    })
    assert env["KGW_LOG_LEVEL"] == "trace"
    assert env["KGW_XDS_AUTH"] == "false"
    assert env["KGW_ADMIN_BIND_ADDRESS"] == "0.0.0.0"
    assert env["KGW_ADMIN_HOSTS"] == "a,b"
    assert env["KGW_MAX_ROUTE_ENTRIES"] == "12345678"
    assert env["KGW_XDS_SERVICE_NAME"] == "kgateway"
    assert env["KGW_XDS_SERVICE_PORT"] == "1"
    assert env["KGW_XDS_TLS"] == "true"
    assert env["KGW_DEFAULT_IMAGE_TAG"] == "v9"
    assert json.loads(env["KGW_DISCOVERY_NAMESPACE_SELECTORS"]) == [{"matchLabels": {"a": "b"}}]
    assert json.loads(env["KGW_GATEWAY_CLASS_PARAMETERS_REFS"]) == {
        "kgateway": {"name": "x", "namespace": "y"}}


def test_every_variable_is_known():
    known = (CHARTS.parent / "docs/reference/settings.md").read_text()
    for name in environment():
        assert f"`{name}`" in known


def test_twins_override_the_deprecated_values():
    values = {
        "nodeSelector": {"a": "old"}, "tolerations": [{"key": "old"}], "resources": {"limits": {}},
        "podSecurityContext": {"fsGroup": 1},
        "controller": {"nodeSelector": {"a": "new"}, "securityContext": {"runAsUser": 7}},
    }
    spec = controller(values)["spec"]
    assert spec["nodeSelector"] == {"a": "new"}
    assert spec["tolerations"] == [{"key": "old"}]
    assert spec["securityContext"] == {"fsGroup": 1}
    assert spec["containers"][0]["securityContext"] == {"runAsUser": 7}


@pytest.mark.parametrize("values, context", [
    ({"controller": {"securityContext": {}}}, {}),
    ({"securityContext": {}}, {}),
    ({"securityContext": {"runAsUser": 1}, "controller": {"securityContext": {}}}, {}),
    ({"securityContext": {"runAsUser": 1}, "controller": {"securityContext": None}}, {"runAsUser": 1}),
    ({"controller": {"securityContext": {"runAsNonRoot": True}}}, {"runAsNonRoot": True}),
])
def test_a_security_context_replaces_the_default(values, context):
    assert controller(values)["spec"]["containers"][0]["securityContext"] == context
    assert controller()["spec"]["containers"][0]["securityContext"]["runAsUser"] == 10101


def test_a_pods_security_context_can_be_cleared():
    assert "securityContext" not in controller(
        {"podSecurityContext": {"fsGroup": 1}, "controller": {"podSecurityContext": {}}})["spec"]
    assert "securityContext" not in controller()["spec"]


def test_image():
    image = lambda values: controller(values)["spec"]["containers"][0]["image"]
    assert image({"image": {"registry": "r.example/x", "tag": "1"}}) == "r.example/x/kgateway:1"
    assert image({"image": {"registry": "r", "tag": "1"},
                  "controller": {"image": {"registry": "q", "repository": "k", "tag": "2"}}}
                 ) == "q/k:2"


def test_service_fields_pass_through():
    service = template({"controller": {"service": {
        "type": "LoadBalancer", "loadBalancerClass": "c", "annotations": {"a": "b"}}}})[
            ("Service", "kgateway")]
    assert service["spec"]["type"] == "LoadBalancer"
    assert service["spec"]["loadBalancerClass"] == "c"
    assert service["metadata"]["annotations"] == {"a": "b"}
    assert "enabled" not in service["spec"]
    assert ("Service", "kgateway") not in template({"controller": {"service": {"enabled": False}}})


def test_optional_objects():
    objects = template({"controller": {
        "podDisruptionBudget": {"minAvailable": 1},
        "horizontalPodAutoscaler": {"minReplicas": 2, "maxReplicas": 3},
        "verticalPodAutoscaler": {"updatePolicy": {"updateMode": "Off"}},
        "serviceMonitor": {"enabled": True}}})
    deployment = objects[("Deployment", "kgateway")]
    assert "replicas" not in deployment["spec"]
    budget = objects[("PodDisruptionBudget", "kgateway")]["spec"]
    assert budget == {"minAvailable": 1, "selector": deployment["spec"]["selector"]}
    scaler = objects[("HorizontalPodAutoscaler", "kgateway")]["spec"]
    assert scaler["scaleTargetRef"]["name"] == "kgateway" and scaler["maxReplicas"] == 3
    assert objects[("VerticalPodAutoscaler", "kgateway")]["spec"]["targetRef"]["kind"] == "Deployment"
    assert ("ServiceMonitor", "kgateway") in objects


def test_probe_handlers_replace_the_default():
    probe = controller({"controller": {"readinessProbe": {
        "exec": {"command": ["x"]}, "periodSeconds": 3}}})["spec"]["containers"][0]["readinessProbe"]
    assert probe == {"exec": {"command": ["x"]}, "periodSeconds": 3, "initialDelaySeconds": 1}


def test_service_account_of_others():
    objects = template({"serviceAccount": {"create": False, "name": "mine"},
                        "rbac": {"create": False}})
    assert sorted(kind for kind, _ in objects) == ["Deployment", "NetworkPolicy", "Service"]
    assert objects[("Deployment", "kgateway")]["spec"]["template"]["spec"][
        "serviceAccountName"] == "mine"


@pytest.mark.parametrize("values, message", [
    ({"waypoint": {"enabled": True}}, "waypoint.enabled is not supported"),
    ({"policyMerge": {"a": "b"}}, "policyMerge is not supported"),
    ({"validation": {"level": "Strict"}}, 'validation.level "Strict" is not supported'),
    ({"enableRouteSourceMetadata": True}, "enableRouteSourceMetadata is not supported"),
    ({"serviceEntriesExclusionLabelSelectors": [{}]}, "serviceEntriesExclusionLabelSelectors"),
    ({"controller": {"enableAwsEc2Discovery": True}}, "enableAwsEc2Discovery is not supported"),
    ({"controller": {"awsEc2RefreshInterval": "10s"}}, "awsEc2RefreshInterval is not supported"),
    ({"controller": {"awsEc2RefreshInterval": 30}}, "awsEc2RefreshInterval is not supported"),
    ({"controller": {"goMemLimitPercent": 80}}, "goMemLimitPercent is not supported"),
    ({"controller": {"logLevel": "loud"}}, 'controller.logLevel "loud"'),
    ({"gatewayClassParametersRefs": {"kgateway": {"name": "x"}}}, "name and namespace are required"),
    ({"gatewayClassParametersRefs": {"other": {"name": "x", "namespace": "y"}}}, "only kgateway"),
    ({"discoveryNamespaceSelectors": [{"matchLabel": {}}]}, "no field of a label selector"),
])
def test_what_cannot_be_honoured_fails(values, message):
    with pytest.raises(RuntimeError, match="fail|error") as failure:
        template(values)
    assert message in str(failure.value).replace('\\"', '"')


@pytest.mark.parametrize("interval", [None, "", "30s"])
def test_defaults_of_what_cannot_be_honoured_are_taken(interval):
    assert template({"controller": {"awsEc2RefreshInterval": interval, "enableAwsEc2Discovery": False,
                                    "goMemLimitPercent": 0}}) == template()


@pytest.mark.parametrize("values, named", [
    ({"replicaCount": 2}, "replicaCount"),
    ({"controller": {"replicas": 2}}, "replicas"),
    ({"controller": {"xds": {"tls": {"enable": True}}}}, "enable"),
    ({"controller": {"service": {"ports": {"xds": 1}}}}, "xds"),
    ({"envoy": {"image": {"version": "v1"}}}, "version"),
    ({"rbac": {"create": "false"}}, "create"),
    ({"enabled": False}, "enabled"),
])
def test_a_value_that_is_not_known_fails(values, named):
    with pytest.raises(RuntimeError, match="schema") as failure:
        template(values)
    assert named in str(failure.value)


def test_null_and_values_of_a_parent_chart_are_taken():
    twins = ("podAnnotations", "securityContext", "resources", "tolerations")
    assert template({"global": {"a": 1}, "enabled": True,
                     "controller": {name: None for name in twins}}) == template()


def keys(values, schema, path=""):
    """Paths of the values where a schema tells what keys there are, of the values and of the schema."""
    ours, known = set(), set()
    if "properties" in schema:
        ours = {f"{path}{key}" for key in values}
        known = {f"{path}{key}" for key in schema["properties"]}
        for key, value in values.items():
            below = keys(value, schema["properties"].get(key, {}), f"{path}{key}.")
            ours |= below[0]
            known |= below[1]
    elif values and isinstance(values, dict):
        ours = {path}  # has keys, which the schema does not name
    return ours, known


def test_schema_has_the_values_that_there_are():
    values = yaml.safe_load((CHARTS / "kgateway" / "values.yaml").read_text())
    schema = json.loads((CHARTS / "kgateway" / "values.schema.json").read_text())
    ours, known = keys(values, schema)
    assert known - {"global", "enabled"} == ours
    assert "controller.xds.tls.enabled" in known


def test_only_maps_of_the_user_are_open():
    def open_ones(schema, path=""):
        if "properties" in schema and schema.get("additionalProperties") is not False:
            yield path
        for key, below in schema.get("properties", {}).items():
            yield from open_ones(below, f"{path}.{key}")
    schema = json.loads((CHARTS / "kgateway" / "values.schema.json").read_text())
    assert list(open_ones(schema)) == [".controller.service"]


def open_ports(values=None):
    """The ports of the controller's pods that somebody may connect to, and who."""
    policy = template(values)[("NetworkPolicy", "kgateway")]["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    labels = controller(values)["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    return {port["port"]: rule.get("from") for rule in policy["ingress"] for port in rule["ports"]}


def test_the_network_policy_opens_what_the_controller_offers():
    assert open_ports() == {"grpc-xds": None, "metrics": None, "health": None}
    names = {port["name"] for port in controller()["spec"]["containers"][0]["ports"]}
    assert names == set(open_ports())
    prometheus = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    narrow = open_ports({"controller": {"networkPolicy": {"metricsFrom": prometheus}}})
    assert narrow["metrics"] == prometheus and narrow["grpc-xds"] is None
    assert 9095 in open_ports({"controller": {"admin": {"bindAddress": "0.0.0.0"}}})
    off = template({"controller": {"networkPolicy": {"enabled": False}}})
    assert ("NetworkPolicy", "kgateway") not in off
