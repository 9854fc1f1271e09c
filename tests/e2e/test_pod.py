"""A proxy of a cluster as its Deployment starts it (tests/deployment/defaults.yaml), on this host: what it opens."""

import http.client
import os
import pathlib
import re
import socket
import subprocess

import pytest
import yaml

from harness import ROOT, Process, eventually, free_port

UID = "9f0c4c0e-1d5e-4a6e-8a43-1b1f0d0c7e11"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: pathlib.Path):
        super().__init__("admin")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def ask(connection: http.client.HTTPConnection, method: str, path: str) -> int:
    connection.request(method, path, headers={"Content-Length": "0"})
    status = connection.getresponse().status
    connection.close()
    return status


class Pod:
    """Envoy with the arguments, variables and files of the container, but ports and directories of this host.
    It has no controller, so it does not wait for one."""

    def __init__(self, directory: pathlib.Path):
        self.ports = {port: free_port() for port in (8082, 9091, 19000)}
        self.places = {"/etc/envoy": str(directory), "/run/kgateway": str(directory)}
        text = (ROOT / "tests/deployment/defaults.yaml").read_text()
        objects = {o["kind"]: o for o in yaml.safe_load(text[text.index("# Output"):])["objects"]}
        (self.container,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
        bootstrap = objects["ConfigMap"]["data"]["envoy.yaml"]
        del bootstrap["dynamic_resources"]
        bootstrap["static_resources"]["clusters"] = [
            cluster for cluster in bootstrap["static_resources"]["clusters"] if cluster["name"] != "xds_cluster"]
        (directory / "envoy.yaml").write_text(self.here(yaml.safe_dump(bootstrap)))
        variables = {"POD_NAME": "gw", "POD_NAMESPACE": "shop", "POD_UID": UID, "KGATEWAY_NODE_ZONE": "z",
                     "KGATEWAY_MEMORY_LIMIT": str(1 << 30)}
        arguments = [re.sub(r"\$\((\w+)\)", lambda name: variables.get(name[1], ""), self.here(argument))
                     for argument in self.container["args"]]
        self.admin = directory / "admin.sock"
        self.process = Process([os.environ["KGW_ENVOY"], *arguments], directory / "envoy.log")

    def here(self, text: str) -> str:
        for port, own in self.ports.items():
            text = re.sub(rf"\b{port}\b", str(own), text)
        for place, own in self.places.items():
            text = text.replace(place, own)
        return text

    def ask(self, port: int, path: str, method: str = "GET") -> int:
        return ask(http.client.HTTPConnection("127.0.0.1", self.ports[port], timeout=10), method, path)

    def end(self, tools: str) -> None:
        """The hook before the end of the pod, without the wait, where `tools` are the programs there are."""
        script = self.here(self.container["lifecycle"]["preStop"]["exec"]["command"][2])
        script = re.sub(r"sleep \d+$", "true", script)
        subprocess.run(["/bin/sh", "-c", script], env={"POD_UID": UID, "PATH": tools}, timeout=30, check=True)


@pytest.fixture
def pod(directory):
    if "KGW_ENVOY" not in os.environ:
        pytest.skip("KGW_ENVOY names no Envoy")
    instance = Pod(directory)
    eventually(lambda: instance.ask(8082, "/ready") == 200, "the proxy is ready")
    yield instance
    instance.process.close()
    print(instance.process.output())


def test_the_admin_interface_is_on_a_socket_of_the_proxys_user_alone(pod):
    assert [pod.ask(8082, "/ready"), pod.ask(9091, "/metrics"), pod.ask(9091, "/stats")] == [200] * 3
    assert ask(UnixConnection(pod.admin), "GET", "/config_dump") == 200
    assert pod.admin.stat().st_mode & 0o777 == 0o600
    for port in pod.ports:
        for method, path in (("GET", "/config_dump"), ("POST", "/quitquitquit"), ("POST", "/healthcheck/fail"),
                             ("POST", "/drain/of-another-pod"), ("GET", f"/drain/{UID}")):
            assert pod.ask(port, path, method) == 404, (port, method, path)


@pytest.mark.parametrize("tool", ["wget", "bash"])
def test_the_end_of_a_pod_is_announced_with_either_tool(pod, tmp_path, tool):
    for program in {tool, "sh"}:
        found = next((place for place in ("/usr/bin", "/bin") if os.path.exists(f"{place}/{program}")), None)
        if not found:
            pytest.skip(f"{program} is not there")
        (tmp_path / program).symlink_to(f"{found}/{program}")
    assert pod.ask(8082, "/envoy-hc") == 200
    pod.end(str(tmp_path))
    assert pod.ask(8082, "/envoy-hc") == 503
