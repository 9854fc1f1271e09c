"""What the benchmark sees from outside: when a request is first answered, when a watcher hears of a
write, how often an object was written. All times are of the monotonic clock, which processes share.
"""

import collections
import json
import multiprocessing
import socket
import time

import layout
from api import Api, Session, collection

PERIOD = 0.001


class Poller:
    """Asks one proxy again and again on a kept connection, every millisecond."""

    def __init__(self, address: str, port: int = 80):
        self.address, self.port = address, port
        self.socket: socket.socket | None = None

    def ask(self, host: str, path: str = "/") -> tuple[int, bytes]:
        """The status (0: no answer) and the body."""
        try:
            if self.socket is None:
                self.socket = socket.create_connection((self.address, self.port), 5)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            return self.read()
        except (OSError, ValueError):
            self.close()
            return 0, b""

    def read(self) -> tuple[int, bytes]:
        assert self.socket
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        status = int(lines[0].split()[1])
        headers = dict(line.split(b": ", 1) for line in lines[1:] if b": " in line)
        if headers.get(b"transfer-encoding") == b"chunked":
            while not body.endswith(b"0\r\n\r\n"):
                body += self.more()
        else:
            while len(body) < int(headers.get(b"content-length", 0)):
                body += self.more()
        if headers.get(b"connection") == b"close":
            self.close()
        return status, body

    def more(self) -> bytes:
        assert self.socket
        piece = self.socket.recv(65536)
        if not piece:
            raise OSError("closed")
        return piece

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def until(self, host: str, right, seconds: float) -> tuple[float | None, collections.Counter]:
        """When (status, body) was first right, None if never; and what was answered before, by status."""
        before: collections.Counter = collections.Counter()
        deadline = time.monotonic() + seconds
        while (begin := time.monotonic()) < deadline:
            answer = self.ask(host)
            now = time.monotonic()
            if right(*answer):
                return now, before
            before[answer[0]] += 1
            time.sleep(max(0.0, begin + PERIOD - now))
        return None, before


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def follow(place: layout.Layout, path: str, events: multiprocessing.Queue) -> None:
    """A bare watcher: posts (time, type, name, resourceVersion, hash of the status) of every event."""
    api = Api(place)
    version = Session(api).get(path + "?limit=1")["metadata"]["resourceVersion"]
    events.put((time.monotonic(), "READY", "", version, 0))
    while True:
        try:
            for event in api.watch(path, version):
                now, item = time.monotonic(), event["object"]
                version = item["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    status = hash(json.dumps(item.get("status"), sort_keys=True))
                    events.put((now, event["type"], item["metadata"]["name"], version, status))
        except OSError:
            pass


class Watcher:
    """follow() in a process of its own, so that it waits for nobody."""

    def __init__(self, place: layout.Layout, api_version: str, kind: str, namespace: str):
        self.queue: multiprocessing.Queue = multiprocessing.Queue()
        path = collection(api_version, kind, namespace)
        self.process = multiprocessing.Process(target=follow, args=(place, path, self.queue), daemon=True)
        self.process.start()
        self.queue.get(timeout=30)
        time.sleep(0.3)  # it lists, then watches

    def events(self, wait: float = 0.0) -> list[tuple]:
        """Everything heard so far and within `wait` seconds."""
        found, deadline = [], time.monotonic() + wait
        while True:
            try:
                found.append(self.queue.get(timeout=max(0.05, deadline - time.monotonic())))
            except Exception:  # queue.Empty
                if time.monotonic() >= deadline:
                    return found

    def close(self) -> None:
        self.process.terminate()
        self.process.join(5)


def status_writes(events: list[tuple]) -> int:
    """How many of the events changed an object's status."""
    last: dict[str, int] = {}
    count = 0
    for _, kind, name, _, status in events:
        if kind == "MODIFIED" and last.get(name) != status:
            count += 1
        last[name] = status
    return count
