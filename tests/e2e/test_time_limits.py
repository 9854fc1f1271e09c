"""How long a request may take, through a real Envoy. Limits of minutes are unit tests of the configuration."""

import concurrent.futures
import socket
import time

import grpc
from websockets.sync.client import connect

from harness import Client, free_port, gateway, http_route, service


def test_without_a_timeout_an_http_route_has_15_seconds_and_streams_have_none(kgw, v1):
    """The one test that waits for a default; all of it at once."""
    port = free_port()
    kgw.write("gateway.yaml", gateway(port))
    kgw.write("services.yaml", service("v1", {"http": v1.http, "grpc": v1.grpc},
                                       app_protocol={"grpc": "kubernetes.io/h2c"}))
    kgw.write("routes.yaml", http_route("plain", "- backendRefs: [{name: v1, port: 80}]"), http_route("off", """
        - timeouts: {request: 0s}
          backendRefs: [{name: v1, port: 80}]
    """, hostnames=["off.test"]), http_route("short", """
        - timeouts: {request: 500ms}
          backendRefs: [{name: v1, port: 80}]
    """, hostnames=["short.test"]), http_route("rpc", "- backendRefs: [{name: silent, port: 80}]",
                                               kind="GRPCRoute", hostnames=["rpc.test"]))
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes calls and says nothing
        kgw.write("silent.yaml", service("silent", {"grpc": silent.getsockname()[1]}))
        kgw.start()
        client = Client(port, timeout=60)
        client.wait_for("/")

        def get(host: str) -> int:
            return client.get("/?delay=17000", host=host).status_code

        def websocket(host: str) -> str:
            with connect(f"ws://127.0.0.1:{port}/", additional_headers={"host": host}) as opened:
                time.sleep(17)
                opened.send("still there")
                return opened.recv(timeout=5)

        def call() -> grpc.StatusCode:
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.default_authority", "rpc.test")]) as channel:
                try:
                    channel.unary_unary("/demo.Greeter/Hello")(b"", timeout=17)
                except grpc.RpcError as error:
                    return error.code()
            return grpc.StatusCode.OK

        with concurrent.futures.ThreadPoolExecutor() as pool:
            plain, off = pool.submit(get, "example.com"), pool.submit(get, "off.test")
            quiet, bounded = pool.submit(websocket, "example.com"), pool.submit(websocket, "short.test")
            rpc = pool.submit(call)
            assert (plain.result(), off.result()) == (504, 200)
            assert quiet.result() == bounded.result() == "still there"
            assert rpc.result() == grpc.StatusCode.DEADLINE_EXCEEDED  # the client's own limit
