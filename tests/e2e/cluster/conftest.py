"""A host of each engine in one cluster, for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.e2e.clustered import Clustered, clustered
from tests.lab.commands import wait_until
from tests.lab.lab import Lab
from tests.lab.roots import ENGINES


@pytest.fixture(scope="package")
def cluster(lab: Lab) -> Iterator[Clustered]:
    with clustered(lab, *reversed(ENGINES)) as cluster:
        yield cluster


@pytest.fixture
def hosts(cluster: Clustered) -> Iterator[Clustered]:
    """The hosts, which have nothing in common afterwards."""
    yield cluster
    cluster.clear()
    keys, left = cluster.etcd.keys, ("pools/", "blocks/", "members/", "places/")
    wait_until(lambda: not any(map(keys, left)), "the end")


@pytest.fixture
def etcd(hosts: Clustered) -> Iterator[Clustered]:
    """The hosts, whose etcd is well afterwards."""
    yield hosts
    hosts.etcd.go_on()
    wait_until(lambda: not any(map(hosts.conditions, range(len(hosts.sites)))), "the health")
