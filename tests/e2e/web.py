"""Small backends inside the test's own process: HTTP/1.1, and HTTP/2 with or without TLS."""

import http.server
import json
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events

from harness import free_port


class Web:
    """Answers JSON with its name and what it received, and "Server: app/1.0"."""

    def __init__(self, name: str):
        self.name = name
        self.paths: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            server_version, sys_version = "app/1.0", ""

            def do_GET(self):
                outer.paths.append(self.path)
                self.rfile.read(int(self.headers.get("content-length") or 0))
                body = json.dumps({"backend": name, "path": self.path,
                                   "headers": {k.lower(): v for k, v in self.headers.items()}}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.send_header("x-backend", name)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_OPTIONS = do_GET

            def log_message(self, *_):
                pass

        self.port = free_port()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Http2Web:
    """HTTP/2 by prior knowledge or ALPN; answers JSON with the request's pseudo and other headers."""

    def __init__(self, context: ssl.SSLContext | None = None):
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            http2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
            http2.initiate_connection()
            connection.sendall(http2.data_to_send())
            while data := connection.recv(65536):
                for event in http2.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        http2.send_headers(event.stream_id, [(":status", "200")])
                        http2.send_data(event.stream_id, json.dumps(dict(event.headers)).encode(), end_stream=True)
                connection.sendall(http2.data_to_send())
        except OSError:
            pass
