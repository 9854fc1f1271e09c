"""A small client of the cluster's API server: what the tools need, with nothing but Python."""

import http.client
import json
import ssl
from collections.abc import Iterator

from layout import Layout


class ApiError(Exception):
    """An answer other than 2xx; `code` is its HTTP status."""

    def __init__(self, code: int, text: str):
        super().__init__(f"{code}: {text}")
        self.code = code


# Kinds whose resource is not the kind in lower case with an s.
IRREGULAR = {"NetworkPolicy": "networkpolicies", "GatewayClass": "gatewayclasses",
             "BackendTLSPolicy": "backendtlspolicies", "GatewayParameters": "gatewayparameters",
             "EnvoyProxy": "envoyproxies"}
CLUSTER_WIDE = {"Namespace", "GatewayClass", "ClusterRole", "ClusterRoleBinding",
                "CustomResourceDefinition", "Node"}


def collection(api_version: str, kind: str, namespace: str = "") -> str:
    """The path of all objects of a kind; without a namespace those of all namespaces."""
    base = "/api/" if "/" not in api_version else "/apis/"
    scope = f"/namespaces/{namespace}" if namespace and kind not in CLUSTER_WIDE else ""
    return f"{base}{api_version}{scope}/{IRREGULAR.get(kind) or kind.lower() + 's'}"


def path_of(manifest: dict) -> str:
    """The path of one object."""
    metadata = manifest["metadata"]
    return collection(manifest["apiVersion"], manifest["kind"], metadata.get("namespace", "")) \
        + "/" + metadata["name"]


def read_line(response: http.client.HTTPResponse) -> bytes:
    """The next line; empty at the end. Raises OSError when the stream is cut."""
    try:
        return response.readline()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error


class Api:
    """Speaks as the cluster's administrator. One connection per request; for tools, not for load."""

    def __init__(self, place: Layout):
        self.server = (place.address, place.api_port)
        self.tls = ssl.create_default_context(cafile=str(place.pki / "ca.crt"))
        self.tls.load_cert_chain(place.pki / "admin.crt", place.pki / "admin.key")

    def open(self, method: str, path: str, body: object = None, kind: str = "application/json",
             timeout: float = 30) -> http.client.HTTPResponse:
        """The response, with its body unread. Raises ApiError or OSError."""
        connection = http.client.HTTPSConnection(*self.server, context=self.tls, timeout=timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Content-Type": kind, "Accept": "application/json"})
            response = connection.getresponse()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        if response.status // 100 != 2:
            text = response.read().decode(errors="replace")
            try:
                text = json.loads(text).get("message") or text
            except ValueError:
                pass
            raise ApiError(response.status, text.strip())
        return response

    def call(self, method: str, path: str, body: object = None, kind: str = "application/json") -> dict:
        """The decoded answer."""
        with self.open(method, path, body, kind) as response:
            return json.loads(response.read())

    def get(self, path: str) -> dict:
        return self.call("GET", path)

    def patch_status(self, path: str, status: dict) -> None:
        self.call("PATCH", f"{path}/status", {"status": status}, "application/merge-patch+json")

    def ready(self) -> bool:
        try:
            self.open("GET", "/readyz", timeout=5).close()
        except (OSError, ApiError):
            return False
        return True

    def watch(self, path: str, version: str) -> Iterator[dict]:
        """Changes since a resource version, until the server ends the stream.

        Raises ApiError 410 when the version is too old: list again.
        """
        query = f"{path}?watch=1&allowWatchBookmarks=1&timeoutSeconds=300&resourceVersion={version}"
        with self.open("GET", query, timeout=330) as response:
            while line := read_line(response):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError(event["object"].get("code", 500), event["object"].get("message", ""))
                yield event


class Session:
    """A connection that is kept, for many requests one after the other. Thread: one."""

    def __init__(self, api: Api):
        self.connection = http.client.HTTPSConnection(*api.server, context=api.tls, timeout=60)

    def call(self, method: str, path: str, body: object = None,
             kind: str = "application/json") -> dict:
        """The decoded answer. Raises ApiError, and OSError when the server is not there."""
        text = None if body is None else json.dumps(body)
        headers = {"Content-Type": kind, "Accept": "application/json"}
        for attempt in (1, 2):  # the server may have closed a connection that was idle
            fresh = self.connection.sock is None
            try:
                self.connection.request(method, path, text, headers)
                response = self.connection.getresponse()
                answer = response.read()
                break
            except (OSError, http.client.HTTPException) as error:
                self.connection.close()
                if fresh or attempt == 2:
                    raise OSError(str(error)) from error
        if response.status // 100 != 2:
            raise ApiError(response.status, answer.decode(errors="replace").strip())
        return json.loads(answer)

    def get(self, path: str) -> dict:
        return self.call("GET", path)

    def create(self, manifest: dict) -> dict:
        return self.call("POST", path_of(manifest).rpartition("/")[0], manifest)

    def apply(self, manifest: dict) -> dict:
        """Server-side apply, as the tools' own field manager."""
        return self.call("PATCH", path_of(manifest) + "?fieldManager=kgateway-tools&force=true",
                         manifest, "application/apply-patch+yaml")

    def merge(self, path: str, patch: dict) -> dict:
        return self.call("PATCH", path, patch, "application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Also when it is not there."""
        try:
            self.call("DELETE", path)
        except ApiError as error:
            if error.code != 404:
                raise
