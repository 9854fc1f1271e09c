#!/usr/bin/env python3
"""A tour of a gateway on this machine: starts two backends, kgateway and its Envoy, sends real requests
through it and says what each one proves; then edits a manifest and shows the change taking effect.

usage: demo.py [--once]     --once: exit with the result instead of staying until Ctrl-C

Needs only Python's standard library, curl and openssl.
"""

import argparse
import base64
import collections
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("KGW_BUILD", ROOT / "build" / "release"))
WORK = ROOT / "build" / "demo"
HTTP, HTTPS, ADMIN = 8080, 8443, "127.0.0.1:9095"
HOST = "shop.example.com"

failures: list[str] = []


def show(what: str, good: bool, detail: str) -> None:
    print(f"  {'ok  ' if good else 'FAIL'}  {what:<24} {detail}", flush=True)
    if not good:
        failures.append(what)


def wait_until(check, what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if check():
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise SystemExit(f"demo: {what} did not happen within {seconds:.0f} s; see {WORK}/*.log")


class Answer:
    def __init__(self, status: int, headers, body: bytes):
        self.status, self.headers = status, headers
        self.json = json.loads(body) if headers.get("content-type") == "application/json" else {}

    @property
    def backend(self) -> str:
        return self.json.get("backend", "")


def send(path: str, method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", HTTP, timeout=5)
    connection.request(method, path, headers={"Host": HOST, **(headers or {})})
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


def requests_by_rule() -> None:
    show("path", send("/v2/items").backend == "v2", "GET /v2/items goes to v2, GET / to "
         + send("/").backend)
    show("header", send("/header", headers={"x-version": "v2"}).backend == "v2"
         and send("/header").backend == "v1", "x-version: v2 chooses v2, without it v1 answers")
    show("method", send("/method", "POST").backend == "v2" and send("/method").backend == "v1",
         "POST goes to v2, GET to v1")
    show("query", send("/query?version=v2").backend == "v2" and send("/query?version=v1").backend == "v1",
         "?version=v2 goes to v2")
    shares = collections.Counter(send("/split").backend for _ in range(300))
    show("90/10 split", 5 <= shares["v2"] <= 70 and shares["v1"] + shares["v2"] == 300,
         f"300 requests: {shares['v1']} to v1, {shares['v2']} to v2")
    redirect = send("/old/shelf")
    show("redirect", redirect.status == 301 and redirect.headers["location"].endswith("/new/shelf"),
         f"GET /old/shelf answers {redirect.status} to {redirect.headers['location']}")
    rewrite = send("/rewrite/item")
    show("rewrite", rewrite.json.get("path") == "/v1/item" and rewrite.json["host"] == "internal.example.com",
         f"the backend sees {rewrite.json.get('host')}{rewrite.json.get('path')}")
    answer = send("/headers", headers={"x-secret": "1"})
    seen = {name.lower(): values for name, values in answer.json["headers"].items()}
    show("header filters", seen.get("x-added-by") == ["kgateway"] and "x-secret" not in seen
         and answer.headers["x-served-by"] == "quickstart",
         "x-added-by was set, x-secret removed, x-served-by added to the answer")


def mirrored_requests() -> int:
    return (WORK / "v2.log").read_text().count("GET /mirror")


def mirror() -> None:
    before = mirrored_requests()
    answer = send("/mirror")
    wait_until(lambda: mirrored_requests() > before, "the mirrored request", 5)
    show("mirror", answer.backend == "v1", "v1 answered; v2 got a copy")


def tls() -> None:
    context = ssl.create_default_context(cafile=str(WORK / "ca.crt"))
    context.set_alpn_protocols(["http/1.1"])
    with socket.create_connection(("127.0.0.1", HTTPS), timeout=5) as raw:
        with context.wrap_socket(raw, server_hostname=HOST) as secure:
            secure.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while chunk := secure.recv(65536):
                data += chunk
            version = secure.version()
    show("TLS termination", data.startswith(b"HTTP/1.1 200"),
         f"{version} with the certificate of the Secret, verified against its CA")
    curl = subprocess.run(
        ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "--resolve", f"{HOST}:{HTTPS}:127.0.0.1",
         f"https://{HOST}:{HTTPS}/", "-H", "Host: other.example.com"], capture_output=True, text=True)
    show("misdirected request", curl.stdout == "421", f"another Host on this connection answers {curl.stdout}")


def grpc() -> None:
    message = b"hello"
    frame = b"\0" + len(message).to_bytes(4, "big") + message
    curl = subprocess.run(
        ["curl", "-s", "--http2-prior-knowledge", "-D", "-", "-o", str(WORK / "grpc.out"), "-H",
         "Host: grpc.example.com", "-H", "content-type: application/grpc", "-H", "te: trailers",
         "--data-binary", "@-", f"http://127.0.0.1:{HTTP}/demo.Greeter/Hello"],
        input=frame, capture_output=True)
    headers = curl.stdout.decode()
    good = "grpc-status: 0" in headers and (WORK / "grpc.out").read_bytes() == frame
    show("gRPC", good, "demo.Greeter/Hello answered with grpc-status 0 over HTTP/2")


def websocket() -> None:
    with socket.create_connection(("127.0.0.1", HTTP), timeout=5) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall((f"GET /chat HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head and (chunk := connection.recv(4096)):
            head += chunk
        text = b"ping"
        mask = os.urandom(4)
        connection.sendall(bytes([0x81, 0x80 | len(text)]) + mask
                           + bytes(b ^ mask[i % 4] for i, b in enumerate(text)))
        reply = connection.recv(64) if b" 101 " in head.split(b"\r\n")[0] else b""
    show("WebSocket", reply == bytes([0x81, len(text)]) + text, "upgraded, and a frame came back")


def live_edit(config: pathlib.Path) -> None:
    routes = config / "routes.yaml"
    text = routes.read_text()
    changed = text.replace("path: {type: PathPrefix, value: /v2}", "path: {type: PathPrefix, value: /next}")
    start = time.monotonic()
    routes.write_text(changed)
    wait_until(lambda: send("/next").backend == "v2", "the live change", 10)
    took = (time.monotonic() - start) * 1000
    show("live edit", send("/v2/items").backend == "v1",
         f"routes.yaml edited: /next serves v2 after {took:.0f} ms, /v2 no longer does")


def make_certificate(config: pathlib.Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "30", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout",
         str(WORK / "tls.key"), "-out", str(WORK / "ca.crt")], check=True, capture_output=True)
    encode = lambda name: base64.b64encode((WORK / name).read_bytes()).decode()
    (config / "certificate.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop-certificate\ntype: kubernetes.io/tls\n"
        f"data:\n  tls.crt: {encode('ca.crt')}\n  tls.key: {encode('tls.key')}\n")


def start(name: str, *command: str) -> subprocess.Popen:
    with open(WORK / f"{name}.log", "wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--once", action="store_true")
    once = parser.parse_args().once
    shutil.rmtree(WORK, ignore_errors=True)
    config = WORK / "config"
    shutil.copytree(ROOT / "examples" / "quickstart", config)
    make_certificate(config)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    echo = str(BUILD / "samples" / "sample_echo")
    children = [
        start("v1", echo, "--name", "v1", "--http", "9001", "--grpc", "9003", "--log"),
        start("v2", echo, "--name", "v2", "--http", "9002", "--log"),
        start("kgateway", str(BUILD / "kgateway"), "run", "--config", str(config), "--state-dir",
              str(WORK / "state"), "--admin", ADMIN),
    ]
    try:
        print(f"kgateway run --config {config.relative_to(ROOT)}   (a copy of examples/quickstart)\n")
        wait_until(lambda: send("/").status == 200, "the first answer")
        for step in (requests_by_rule, mirror, tls, grpc, websocket, lambda: live_edit(config)):
            step()
        print(f"\n{'FAILED: ' + ', '.join(failures) if failures else 'everything above really happened'}")
        if not once:
            print(f"""
  http://127.0.0.1:{HTTP}/       with the header Host: {HOST}
  https://127.0.0.1:{HTTPS}/      the same with TLS
  http://{ADMIN}/       admin: statuses, metrics, what each proxy holds
  {config.relative_to(ROOT)}       edit these manifests; changes take effect at once
  build/release/kgateway explain HTTPRoute default/shop

Ctrl-C ends it.""")
            signal.pause()
    except KeyboardInterrupt:
        print("\nstopping")
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait(30)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
