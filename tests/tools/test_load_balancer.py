"""Which address a LoadBalancer Service gets, and what is written about it."""

import pytest
from load_balancer import AddressPool, Decision, NoAddress, Provider, decide

NETWORK, RESERVED = "10.97.0.0/29", "10.97.0.4/30"  # usable: .1 to .6; only on request: .4 to .6


@pytest.fixture
def pool():
    return AddressPool(NETWORK, RESERVED)


def service(uid, *, wanted="", written=(), kind="LoadBalancer", load_balancer_class=None):
    spec = {"type": kind}
    if wanted:
        spec["loadBalancerIP"] = wanted
    if load_balancer_class:
        spec["loadBalancerClass"] = load_balancer_class
    return {"metadata": {"uid": uid, "name": uid, "namespace": "ns"}, "spec": spec,
            "status": {"loadBalancer": {"ingress": [{"ip": ip} for ip in written]}}}


class RecordingApi:
    """Keeps what would be written."""

    def __init__(self):
        self.statuses = {}
        self.events = []

    def patch_status(self, path, status):
        ingress = status["loadBalancer"]["ingress"] or []
        self.statuses[path.rpartition("/")[2]] = [entry["ip"] for entry in ingress]

    def call(self, method, path, body):
        self.events.append(body["message"])


@pytest.fixture
def provider(pool, tmp_path):
    made = Provider(RecordingApi(), tmp_path / "sign")
    made.pool = pool
    return made


def test_addresses_are_distinct_and_stay(pool):
    first, second = pool.assign("a"), pool.assign("b")
    assert first != second
    assert pool.assign("a") == first


def test_network_and_reserved_addresses_are_not_given_unasked(pool):
    assert {pool.assign(owner) for owner in "abc"} == {"10.97.0.1", "10.97.0.2", "10.97.0.3"}
    with pytest.raises(NoAddress, match="no address"):
        pool.assign("d")


def test_a_freed_address_comes_back_last(pool):
    pool.assign("a")
    pool.release("a")
    assert pool.assign("b") == "10.97.0.2"
    pool.assign("c")
    assert pool.assign("d") == "10.97.0.1"


def test_a_wanted_address_is_given(pool):
    assert pool.assign("a", "10.97.0.5") == "10.97.0.5"


def test_a_changed_wish_frees_the_old_address(pool):
    pool.assign("a", "10.97.0.5")
    assert pool.assign("a", "10.97.0.6") == "10.97.0.6"
    assert pool.assign("b", "10.97.0.5") == "10.97.0.5"


@pytest.mark.parametrize("wanted, problem", [
    ("10.98.0.1", "not one of"), ("10.97.0.0", "not one of"), ("10.97.0.7", "not one of"),
    ("fd00::1", "not one of"), ("example.com", "not an IP address"),
])
def test_a_wish_that_cannot_be_met(pool, wanted, problem):
    pool.assign("a")
    with pytest.raises(NoAddress, match=problem):
        pool.assign("a", wanted)
    assert pool.addresses == {}


def test_a_taken_address_is_refused(pool):
    pool.assign("a", "10.97.0.5")
    with pytest.raises(NoAddress, match="another Service"):
        pool.assign("b", "10.97.0.5")


def test_other_services_get_none(pool):
    assert decide(pool, service("a", kind="ClusterIP")) == Decision(())
    assert decide(pool, service("a", load_balancer_class="example.com/other")) == Decision(())
    assert pool.owners == {}


def test_a_service_that_stops_being_a_load_balancer_frees_its_address(pool):
    decide(pool, service("a", wanted="10.97.0.5"))
    decide(pool, service("a", kind="ClusterIP"))
    assert decide(pool, service("b", wanted="10.97.0.5")) == Decision(("10.97.0.5",))


def test_written_addresses_survive_a_restart_of_the_provider(provider):
    provider.adopt([service("new"), service("old", written=["10.97.0.1"])])
    assert provider.api.statuses == {"new": ["10.97.0.2"]}


def test_a_problem_is_told_once_and_mended_when_the_address_is_free(provider):
    holder, waiting = service("a", wanted="10.97.0.5"), service("b", wanted="10.97.0.5")
    for one in (holder, waiting, waiting):
        provider.apply(one)
    assert provider.api.events == ["10.97.0.5 belongs to another Service"]
    assert provider.api.statuses == {"a": ["10.97.0.5"]}
    provider.remove(holder)
    assert provider.api.statuses["b"] == ["10.97.0.5"]


def test_an_address_that_is_no_longer_due_is_taken_away(provider):
    provider.apply(service("a"))
    provider.apply(service("a", wanted="192.0.2.1", written=["10.97.0.1"]))
    assert provider.api.statuses == {"a": []}
