"""The clusters that etcdgw's contract is about."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Final

import pytest

from etcdgw import Client
from tests.contract.etcdgw.clusters import Cluster, EtcdCluster, FakeCluster, Reach, client, place

# What waits long for etcd's own times; the fake has those of every run.
LONG_ON_ETCD: Final = (
    "test_a_silent_member_is_passed_over",
    "test_without_a_leader_a_watch_is_lost",
    "test_without_a_quorum",
    "test_a_session_ends_when_nobody_is_heard",
    "test_a_member_that_is",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.name.startswith(LONG_ON_ETCD) and "[etcd" in item.name:
            item.add_marker(pytest.mark.nightly)


@pytest.fixture(scope="package", params=["fake", pytest.param("etcd", marks=pytest.mark.root)])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster for all tests of the folder: each has keys of its own, and leaves it well."""
    with place(request.param) as netns:
        made: Cluster = EtcdCluster(netns) if netns else FakeCluster()
        with closing(made):
            yield made


@pytest.fixture
def reach(cluster: Cluster) -> Iterator[Reach]:
    """Makes clients of some members, by number."""
    with ExitStack() as stack:

        def make(*numbers: int, timeout: float = 10.0) -> Client:
            return stack.enter_context(closing(client(cluster, *numbers, timeout=timeout)))

        yield make


@pytest.fixture
def etcd(reach: Reach) -> Client:
    """A client of all members."""
    return reach()


@pytest.fixture
def key(request: pytest.FixtureRequest) -> bytes:
    """A prefix of the test's own."""
    return f"/{request.node.name}/".encode()
