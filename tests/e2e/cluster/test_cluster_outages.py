"""Outages of etcd and of the ways to it: containers run on and start, and no call waits."""

from collections.abc import Iterator

import pytest

from tests.e2e.cluster.outages import OUTAGES, join_again, through
from tests.e2e.clustered import Clustered


@pytest.fixture
def away(etcd: Clustered) -> Iterator[Clustered]:
    """The hosts, which reach everything afterwards."""
    yield etcd
    join_again(etcd)


def test_etcd_is_away(away: Clustered) -> None:
    """All of it, at the start of pynet."""
    through(away, OUTAGES["etcd away at the start"])


@pytest.mark.nightly
def test_a_host_is_cut_off(away: Clustered) -> None:
    """From etcd and from the other host."""
    through(away, OUTAGES["a host without both"])


@pytest.mark.nightly
def test_other_outages(away: Clustered) -> None:
    """A member, a majority, all of them, the way of one host to etcd, the way between hosts."""
    for name in (
        "a member stops",
        "no quorum",
        "etcd away",
        "a host without etcd",
        "hosts without each other",
    ):
        through(away, OUTAGES[name])
        away.clear()
