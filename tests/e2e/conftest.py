"""Fixtures: a directory, backends v1 and v2, and a kgateway that ends with its Envoys."""

import shutil

import pytest

import harness


@pytest.fixture
def directory():
    path = harness.temporary_directory()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def v1(directory):
    backend = harness.Echo("v1", directory)
    yield backend
    backend.close()


@pytest.fixture
def v2(directory):
    backend = harness.Echo("v2", directory)
    yield backend
    backend.close()


@pytest.fixture
def kgw(directory, request):
    """Not started: write manifests first. Its log is printed when the test fails."""
    instance = harness.Kgateway(directory)
    yield instance
    instance.close()
    instance.end_envoys()
    if instance.process:
        print(instance.process.output())
