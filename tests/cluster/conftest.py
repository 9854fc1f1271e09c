"""Gateways in namespaces of their own, in the development cluster (make cluster-up).

They need a cluster with a controller and fail without one; `make cluster-test` prepares both.
"""

import kube
import pytest

import world


@pytest.fixture
def gateway():
    instance = world.EchoGateway()
    yield instance
    instance.close()


@pytest.fixture(scope="session")
def crowd():
    """A thousand healthy routes, shared: a test leaves them as it found them."""
    instance = world.Crowd()
    yield instance
    instance.close()


@pytest.fixture
def restored():
    """CRDs (kube.crd) that are brought back at the end."""
    saved: list[dict] = []
    yield saved
    for each in saved:
        kube.restore_crd(each)
