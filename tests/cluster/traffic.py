"""Closed-loop clients: they ask one request after the other and count the answers."""

import collections
import dataclasses
import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence

PAUSE = 0.001  # between two requests: clients, proxies and the cluster share the cores


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int           # 0: none
    pod: str = ""         # of the echo server that answered
    headers: dict = dataclasses.field(default_factory=dict)  # the request's, as it got them


class Connection:
    """One kept connection to a proxy."""

    def __init__(self, address: str, port: int = 80):
        self.connection = http.client.HTTPConnection(address, port, timeout=5)

    def ask(self, path: str, host: str = "") -> Answer:
        try:
            self.connection.request("GET", path, headers={"Host": host} if host else {})
            response = self.connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return Answer(0)
        if response.status != 200 or response.headers.get("content-type") != "application/json":
            return Answer(response.status)
        said = json.loads(body)
        return Answer(200, said.get("pod", ""), said.get("headers", {}))

    def close(self) -> None:
        self.connection.close()


def ask(address: str, path: str = "/", host: str = "") -> Answer:
    """One request on a connection of its own."""
    connection = Connection(address)
    answer = connection.ask(path, host)
    connection.close()
    return answer


@dataclasses.dataclass(frozen=True)
class Target:
    path: str = "/"
    host: str = ""


class Client:
    """Asks the targets in turn until end(); `judge` gives an answer the name that it is counted under."""

    def __init__(self, address: str, targets: Sequence[Target] = (Target(),),
                 judge: Callable[[Target, Answer], object] = lambda target, answer: answer.status):
        self.address, self.targets, self.judge = address, targets, judge
        self.counts: collections.Counter = collections.Counter()
        self.bad: list[tuple[float, Target, Answer]] = []  # the first that were not 200, and when
        self.pods: list[str] = []                           # that answered, without repetition in a row
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self) -> None:
        connection = Connection(self.address)
        number = 0
        while not self.stopping.wait(PAUSE):
            target = self.targets[number % len(self.targets)]
            number += 1
            answer = connection.ask(target.path, target.host)
            self.counts[self.judge(target, answer)] += 1
            if answer.status != 200 and len(self.bad) < 20:
                self.bad.append((time.time(), target, answer))
            if answer.pod and (not self.pods or self.pods[-1] != answer.pod):
                self.pods.append(answer.pod)
        connection.close()

    def end(self) -> dict:
        self.stopping.set()
        self.thread.join(10)
        assert self.counts, "the client got no answer at all"
        return dict(self.counts)
