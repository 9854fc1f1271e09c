"""What happens when files, the controller or a proxy change under load."""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time

import httpx

import pki
from harness import BUILD, Client, Echo, Kgateway, eventually, free_port, gateway, http_route, service


class Load:
    """A closed-loop client in the background; counts what is not 200. `get` sends one request."""

    def __init__(self, port: int, path: str = "/", get=None):
        client = Client(port, keep=True, timeout=5)
        self.get = get or (lambda: client.get(path))
        self.requests, self.wrong = 0, []
        self.wrong_at: list[int] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopping.is_set():
            self.requests += 1
            try:
                answer = self.get()
                if answer.status_code != 200:
                    self.note(f"{answer.status_code} {answer.headers.get('x-backend')}")
            except Exception as error:  # a lost connection is a wrong answer too
                self.note(repr(error))

    def note(self, what: str) -> None:
        self.wrong.append(what)
        self.wrong_at.append(self.requests)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def start(kgw, *backends, rules="- backendRefs: [{name: v1, port: 80}]"):
    port = free_port()
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", *[service(b.name, {"http": b.http}) for b in backends])
    kgw.write("routes.yaml", http_route("route", rules))
    kgw.start()
    Client(port).wait_for("/")
    return port


def test_a_changed_a_removed_and_a_new_manifest_take_effect(kgw, v1, v2):
    port = start(kgw, v1, v2)
    client = Client(port)
    kgw.write("routes.yaml", http_route("route", "- backendRefs: [{name: v2, port: 80}]"))
    client.wait_for("/", backend="v2")
    kgw.remove("routes.yaml")
    client.wait_for("/", 404)
    kgw.write("again.yaml", http_route("route", "- backendRefs: [{name: v1, port: 80}]"))
    client.wait_for("/", backend="v1")


def test_no_wrong_answer_during_a_thousand_changes(kgw, v1, v2, directory):
    """Backends, weights, rule order, added rules, endpoints and certificates change while clients watch;
    the one by HTTPS makes a new connection for each request."""
    secure, ca = free_port(), pki.Authority()
    certificates = [ca.issue("example.com") for _ in range(5)]
    kgw.write("certificate.yaml", pki.secret("cert", certificates[0]))
    kgw.write("secure.yaml", gateway(0, name="secure", listeners=f"[{{name: https, port: {secure}, protocol: HTTPS, "
                                     "tls: {certificateRefs: [{name: cert}]}}]"),
              http_route("secure", "- backendRefs: [{name: v1, port: 80}]", parent="secure"))
    port = start(kgw, v1, v2)
    context = pki.client_context(ca, "http/1.1")

    def get_secure() -> httpx.Response:
        with httpx.Client(verify=context) as client:
            return client.get(f"https://127.0.0.1:{secure}/", headers={"host": "example.com"},
                              extensions={"sni_hostname": "example.com"})
    eventually(lambda: get_secure().status_code == 200, "HTTPS answers")
    random.seed(7)
    spare = Echo("v3", directory)
    writes = 0
    try:
        with Load(port) as load, Load(secure, get=get_secure) as secure_load:
            for step in range(1000):
                kind = step % 5
                backends = random.choice(["[{name: v1, port: 80}]", "[{name: v2, port: 80}]",
                                          f"[{{name: v1, port: 80, weight: {random.randint(1, 9)}}}, {{name: v2, port: 80}}]"])
                extra = [f"- matches: [{{path: {{value: /extra{i}}}}}]\n  backendRefs: [{{name: v1, port: 80}}]"
                         for i in range(random.randint(0, 3))]
                rules = extra + [f"- backendRefs: {backends}"]
                random.shuffle(rules)
                if kind == 3:
                    chosen = random.choice([v1, v2, spare])
                    kgw.write("services.yaml", service("v1", {"http": chosen.http}), service("v2", {"http": v2.http}))
                elif kind == 4:
                    kgw.write("certificate.yaml", pki.secret("cert", random.choice(certificates)))
                else:
                    kgw.write("routes.yaml", http_route("route", "\n".join(rules)))
                writes += 1
                time.sleep(0.012)
            kgw.write("services.yaml", service("v1", {"http": v1.http}), service("v2", {"http": v2.http}))
            kgw.write("routes.yaml", http_route("route", "- backendRefs: [{name: v1, port: 80}]"))
            Client(port).wait_for("/", backend="v1")
        print(f"{writes} changes, {load.requests} requests, {len(load.wrong)} wrong; "
              f"by HTTPS {secure_load.requests}, {len(secure_load.wrong)} wrong")
        assert load.requests > 500 and load.wrong == []
        assert secure_load.requests > 200 and secure_load.wrong == []
    finally:
        spare.close()


def test_a_misspelt_class_ends_no_proxy_and_routes_are_followed(kgw, v1, v2):
    port = start(kgw, v1, v2)
    pids = eventually(kgw.envoy_pids)
    with Load(port) as load:
        kgw.write("gateway.yaml", gateway(port).replace("gatewayClassName: kgateway", "gatewayClassName: kgatway"))
        kgw.wait_condition("Gateway", "gw", "Accepted", "Unknown")
        kgw.write("routes.yaml", http_route("route", "- backendRefs: [{name: v2, port: 80}]"))
        Client(port).wait_for("/", backend="v2")
        kgw.write("gateway.yaml", gateway(port))
        kgw.wait_condition("Gateway", "gw", "Accepted", "True")
        assert kgw.envoy_pids() == pids
    print(f"{load.requests} requests, {len(load.wrong)} wrong")
    assert load.wrong == []
    # A class that another controller has takes over.
    kgw.write("class.yaml", "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\n"
              "metadata: {name: theirs}\nspec: {controllerName: example.com/other}\n")
    kgw.write("gateway.yaml", gateway(port).replace("gatewayClassName: kgateway", "gatewayClassName: theirs"))
    eventually(lambda: not kgw.envoy_pids())


def test_killing_the_controller_loses_nothing_and_the_next_one_takes_over(kgw, v1, directory):
    port = start(kgw, v1)
    pids = eventually(kgw.envoy_pids)
    kgw.wait_condition("HTTPRoute", "route", "kgateway.dev/Programmed", "True")
    with Load(port) as load:
        kgw.kill()
        time.sleep(0.5)
        assert kgw.envoy_pids() == pids
        kgw.start()
        kgw.wait_condition("HTTPRoute", "route", "kgateway.dev/Programmed", "True")
        assert kgw.envoy_pids() == pids
        assert kgw.metric("kgateway_xds_resources_sent_total") == 0  # it holds the same versions
        kgw.write("routes.yaml", http_route("route", "- matches: [{path: {value: /new}}]\n"
                                            "  backendRefs: [{name: v1, port: 80}]\n"
                                            "- backendRefs: [{name: v1, port: 80}]"))
        eventually(lambda: kgw.metric("kgateway_xds_resources_sent_total") > 0)
    print(f"{load.requests} requests, {len(load.wrong)} wrong")
    assert load.requests > 20 and load.wrong == []


def test_a_killed_envoy_is_started_again(kgw, v1):
    """Requests fail while there is no Envoy, in one gap, and are answered as before after it."""
    port = start(kgw, v1)
    (pid,) = eventually(kgw.envoy_pids)
    with Load(port) as load:
        eventually(lambda: load.requests > 20)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: [p for p in kgw.envoy_pids() if p != pid])
        Client(port).wait_for("/")
        answered = load.requests
        eventually(lambda: load.requests > answered + 50)
    print(f"{load.requests} requests, {len(load.wrong)} wrong")
    assert load.wrong  # the load was there
    assert load.wrong_at[-1] - load.wrong_at[0] == len(load.wrong) - 1, load.wrong


def test_the_end_is_graceful(kgw, v1):
    """SIGTERM lets a request in flight finish, and no Envoy stays behind."""
    port = start(kgw, v1)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(Client(port, timeout=20).get("/?delay=1500").status_code))
    thread.start()
    time.sleep(0.5)
    assert kgw.process.close() == 0
    thread.join()
    assert answers == [200]
    assert kgw.envoy_pids() == []


def test_two_controllers_on_one_state_directory(kgw, v1, directory):
    start(kgw, v1)
    second = Kgateway(directory, name="second")
    second.admin = "127.0.0.1:0"
    done = subprocess.run([BUILD / "kgateway", "run", "--config", kgw.config, "--state-dir", kgw.state,
                           "--admin", "127.0.0.1:0"], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0
    assert str(kgw.state) in done.stderr + done.stdout


def test_envoys_admin_is_not_on_the_network(kgw, v1):
    start(kgw, v1)
    (pid,) = eventually(kgw.envoy_pids)
    inodes = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    listening = []
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
            listening.append(int(fields[1].split(":")[1], 16))
    wanted = kgw.status("Gateway", "gw")
    assert wanted and len(set(listening)) == 1, listening


def test_a_question_to_a_silent_cluster_ends_at_ctrl_c(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (tmp_path / "kubeconfig").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{silent.getsockname()[1]}"}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))
        asking = subprocess.Popen(  # a shell may have started the tests with SIGINT ignored
            [BUILD / "kgateway", "check", "--cluster", "--kubeconfig", tmp_path / "kubeconfig"],
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        connection, _ = silent.accept()  # it has asked, and waits
        with connection:
            asking.send_signal(signal.SIGINT)
            assert asking.wait(10) == -signal.SIGINT
