"""The first exchange of a proxy with the controller, with any token. Protobuf by hand: two messages."""

import threading

import grpc

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"


def field(number: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    size, length = len(data), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


def first_request(namespace: str, gateway: str) -> bytes:
    """A DeltaDiscoveryRequest for all listeners of the Gateway's proxies."""
    role = field(1, "role") + field(2, field(3, f"kgateway-kube-gateway-api~{namespace}~{gateway}"))
    node = field(1, "a-test") + field(3, field(1, role))
    return field(1, node) + field(2, LISTENER)


def ask(address: str, namespace: str, gateway: str, token: str | None, seconds: float = 10) -> tuple[str, int]:
    """What the controller says: OK and the bytes of its first answer, or its refusal's code and 0."""
    done = threading.Event()

    def requests():
        yield first_request(namespace, gateway)
        done.wait(seconds)
    with grpc.insecure_channel(address) as channel:
        method = channel.stream_stream(METHOD, request_serializer=bytes, response_deserializer=bytes)
        metadata = [] if token is None else [("authorization", f"Bearer {token}")]
        stream = method(requests(), metadata=metadata, timeout=seconds)
        try:
            return "OK", len(next(stream))
        except grpc.RpcError as error:
            return error.code().name, 0
        except StopIteration:
            return "ended", 0
        finally:
            done.set()
            stream.cancel()
