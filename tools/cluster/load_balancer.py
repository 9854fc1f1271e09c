#!/usr/bin/env python3
"""Gives each Service of type LoadBalancer an address; kube-proxy carries it to the pods.

usage: load_balancer.py SIGN     runs until it is ended; makes the file SIGN once it follows the Services

An address stays with its Service until the Service goes. `spec.loadBalancerIP` is honoured when it
lies in the range and is free; otherwise the Service stays without one and an Event says why.
"""

import dataclasses
import datetime
import ipaddress
import pathlib
import sys
import time

import layout
from api import Api, ApiError

PROVIDER = "kgateway-cluster-load-balancer"


class NoAddress(Exception):
    """Why a Service gets none."""


class AddressPool:
    """Who has which address. Freed ones come back last, so a stale rule seldom meets a new owner."""

    def __init__(self, network: str, only_on_request: str):
        self.network = ipaddress.ip_network(network)
        self.reserved = ipaddress.ip_network(only_on_request)
        self.owners: dict[str, str] = {}     # address -> owner
        self.addresses: dict[str, str] = {}  # owner -> address
        self.cursor = 0

    def assign(self, owner: str, wanted: str = "") -> str:
        """The owner's address: the wanted one, else the one it has, else the next free one.

        Raises NoAddress; the owner then has none.
        """
        held = self.addresses.get(owner)
        if held and wanted in ("", held):
            return held
        self.release(owner)
        address = self.requested(wanted) if wanted else self.next_free()
        self.owners[address] = owner
        self.addresses[owner] = address
        return address

    def release(self, owner: str) -> bool:
        """Whether the owner had one."""
        address = self.addresses.pop(owner, None)
        return address is not None and self.owners.pop(address, None) is not None

    def requested(self, wanted: str) -> str:
        try:
            address = ipaddress.ip_address(wanted)
        except ValueError:
            raise NoAddress(f"{wanted} is not an IP address") from None
        if address not in self.network or not self.usable(address):
            raise NoAddress(f"{wanted} is not one of {self.network}")
        if str(address) in self.owners:
            raise NoAddress(f"{wanted} belongs to another Service")
        return str(address)

    def usable(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return address not in (self.network.network_address, self.network.broadcast_address)

    def next_free(self) -> str:
        size = self.network.num_addresses
        for step in range(1, size + 1):
            position = (self.cursor + step) % size
            address = self.network[position]
            if self.usable(address) and address not in self.reserved and str(address) not in self.owners:
                self.cursor = position
                return str(address)
        raise NoAddress(f"no address of {self.network} is free")


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a Service's status should say."""

    addresses: tuple[str, ...]
    problem: str = ""


def wants_address(service: dict) -> bool:
    """Services of another load balancer class are another provider's."""
    spec = service["spec"]
    return spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass")


def written(service: dict) -> tuple[str, ...]:
    """The addresses in a Service's status."""
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    return tuple(entry.get("ip", "") for entry in ingress)


def decide(pool: AddressPool, service: dict) -> Decision:
    owner = service["metadata"]["uid"]
    if not wants_address(service):
        pool.release(owner)
        return Decision(())
    try:
        return Decision((pool.assign(owner, service["spec"].get("loadBalancerIP", "")),))
    except NoAddress as error:
        return Decision((), str(error))


class Provider:
    """Follows all Services and keeps their statuses as decided."""

    def __init__(self, api: Api, sign: pathlib.Path):
        self.api = api
        self.sign = sign
        self.pool = AddressPool(layout.LOAD_BALANCERS, layout.STATIC_LOAD_BALANCERS)
        self.waiting: dict[str, dict] = {}  # Services without an address, by uid
        self.told: dict[str, str] = {}      # the problem of each that an Event was written for

    def adopt(self, services: list[dict]) -> None:
        """Takes the state of the cluster: addresses in statuses are kept, whoever else wants them."""
        present = {service["metadata"]["uid"] for service in services}
        for owner in set(self.pool.addresses) - present:
            self.pool.release(owner)
        for service in services:
            if wants_address(service) and written(service):
                try:
                    self.pool.assign(service["metadata"]["uid"], written(service)[0])
                except NoAddress as error:
                    print(f"{service['metadata']['name']}: {error}", flush=True)
        self.waiting.clear()
        for service in services:
            self.apply(service)

    def apply(self, service: dict) -> None:
        owner = service["metadata"]["uid"]
        had = self.pool.addresses.get(owner)
        decision = decide(self.pool, service)
        self.waiting.pop(owner, None)
        if decision.problem:
            self.waiting[owner] = service
            self.tell(service, decision.problem)
        if wants_address(service) and decision.addresses != written(service):
            self.write(service, decision.addresses)
        if had and had not in decision.addresses:
            self.retry()

    def remove(self, service: dict) -> None:
        owner = service["metadata"]["uid"]
        self.waiting.pop(owner, None)
        self.told.pop(owner, None)
        if self.pool.release(owner):
            self.retry()

    def retry(self) -> None:
        """An address became free: somebody may have waited for it."""
        for service in list(self.waiting.values()):
            self.apply(service)

    def write(self, service: dict, addresses: tuple[str, ...]) -> None:
        meta = service["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/services/{meta['name']}"
        ingress = [{"ip": address, "ipMode": "VIP"} for address in addresses]
        try:
            self.api.patch_status(path, {"loadBalancer": {"ingress": ingress or None}})
            print(f"{meta['namespace']}/{meta['name']}: {', '.join(addresses) or 'none'}", flush=True)
        except ApiError as error:
            if error.code != 404:  # gone meanwhile: its deletion is on the way
                raise

    def tell(self, service: dict, problem: str) -> None:
        """An Event, once per problem."""
        meta = service["metadata"]
        if self.told.get(meta["uid"]) == problem:
            return
        self.told[meta["uid"]] = problem
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        print(f"{meta['namespace']}/{meta['name']}: {problem}", flush=True)
        try:
            self.api.call("POST", f"/api/v1/namespaces/{meta['namespace']}/events", {
                "metadata": {"generateName": f"{meta['name'][:200]}.", "namespace": meta["namespace"]},
                "involvedObject": {"apiVersion": "v1", "kind": "Service", "name": meta["name"],
                                   "namespace": meta["namespace"], "uid": meta["uid"]},
                "type": "Warning", "reason": "AllocationFailed", "message": problem, "count": 1,
                "firstTimestamp": now, "lastTimestamp": now, "source": {"component": PROVIDER}})
        except ApiError as error:  # a namespace that is going takes no Events
            print(f"event: {error}", flush=True)

    def follow(self) -> None:
        """Lists, then watches until the stream ends or breaks."""
        listed = self.api.get("/api/v1/services")
        self.adopt(listed["items"])
        self.sign.touch()
        version = listed["metadata"]["resourceVersion"]
        while True:
            for event in self.api.watch("/api/v1/services", version):
                service = event["object"]
                version = service["metadata"]["resourceVersion"]
                if event["type"] == "DELETED":
                    self.remove(service)
                elif event["type"] in ("ADDED", "MODIFIED"):
                    self.apply(service)


def main() -> None:
    provider = Provider(Api(layout.layout()), pathlib.Path(sys.argv[1]))
    while True:
        try:
            provider.follow()
        except (OSError, ValueError, ApiError) as error:
            print(f"starting over: {error}", flush=True)
            time.sleep(1)


if __name__ == "__main__":
    main()
