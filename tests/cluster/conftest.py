"""A namespace with a backend and a Gateway, in the development cluster (make cluster-up).

They need a cluster with a controller and fail without one; `make cluster-test` prepares both.
"""

import pytest

import kube


@pytest.fixture
def gateway():
    instance = kube.EchoGateway()
    yield instance
    instance.close()
