"""The clusters that etcdgw's contract is about."""

import os
from collections.abc import Iterator

import pytest

from etcdgw import Client
from tests.contract.etcdgw.clusters import Cluster, EtcdCluster, FakeCluster, Reach, client
from tests.kernel.netns import Netns


@pytest.fixture(scope="package", params=["fake", pytest.param("etcd", marks=pytest.mark.root)])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster for all tests of the folder: each has keys of its own, and leaves it well."""
    if request.param == "fake":
        made: Cluster = FakeCluster()
        yield made
        made.close()
        return
    if os.geteuid():
        pytest.skip("needs root")
    netns = Netns()
    with netns.entered():
        made = EtcdCluster(netns)
        yield made
        made.close()
    netns.close()


@pytest.fixture
def reach(cluster: Cluster) -> Iterator[Reach]:
    """Makes clients of some members, by number."""
    made: list[Client] = []

    def make(*numbers: int, timeout: float = 10.0) -> Client:
        made.append(client(cluster, *numbers, timeout=timeout))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def etcd(reach: Reach) -> Client:
    """A client of all members."""
    return reach()


@pytest.fixture
def key(request: pytest.FixtureRequest) -> bytes:
    """A prefix of the test's own."""
    return f"/{request.node.name}/".encode()
