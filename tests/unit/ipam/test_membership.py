"""Pools that hosts agree on: a network is its subnet."""

from ipaddress import ip_address

import pytest

from ipam.blocks.admission import admit, forget
from ipam.blocks.base import Identity, NotAdmittedError, UnknownOutcomeError
from ipam.blocks.keys import member_key, pool_key
from ipam.blocks.membership import Agreed, PoolDiffersError, agree_on_gateway, join, leave
from ipam.errors import PoolOverlapError
from ipam.prefixes import parse_prefix
from tests.fakes.registry import FakeLedger, FakeRegistry, Fate, RegistryState

POOL = parse_prefix("10.50.0.0/16")
LAN = Agreed(cluster="lan")


class Cluster:
    """A registry, the hosts that were admitted to it, and what becomes of the next write."""

    def __init__(self) -> None:
        self.state = RegistryState()
        self.fates: list[Fate] = []
        self.registry = FakeRegistry(self.state, "host", self._fate)

    def host(self, name: str) -> Identity:
        return admit(self.registry, FakeLedger(), host=name, boot="b1", instance=f"of-{name}")

    def write(self, fate: Fate) -> None:
        """Of three reads and a write, the write meets this fate."""
        self.fates = [Fate.DONE, Fate.DONE, fate]

    def _fate(self) -> Fate:
        return self.fates.pop(0) if self.fates else Fate.DONE


@pytest.fixture
def cluster() -> Cluster:
    """A registry with nothing in it."""
    return Cluster()


def test_who_comes_second_joins(cluster: Cluster) -> None:
    """With the number that the first one got, which no other pool has."""
    one, two = cluster.host("one"), cluster.host("two")
    first = join(cluster.registry, one, POOL, LAN)
    other = join(cluster.registry, one, parse_prefix("10.60.0.0/16"), LAN)

    assert join(cluster.registry, two, POOL, LAN) == first
    assert first.vni != other.vni
    assert {member_key(POOL, "one"), member_key(POOL, "two")} <= set(cluster.state.keys)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Agreed(cluster="dmz"), "cluster of 10.50.0.0/16 is 'lan' in the cluster and 'dmz' here"),
        (
            Agreed(cluster="lan", exclusions="10.50.0.9"),
            "exclude of 10.50.0.0/16 is '' in the cluster and '10.50.0.9' here",
        ),
    ],
)
def test_other_options_are_refused(cluster: Cluster, wanted: Agreed, said: str) -> None:
    """With both values; and nothing has changed then."""
    join(cluster.registry, cluster.host("one"), POOL, LAN)
    two = cluster.host("two")
    before = dict(cluster.state.keys)

    with pytest.raises(PoolDiffersError, match=said):
        join(cluster.registry, two, POOL, wanted)

    assert cluster.state.keys == before


@pytest.mark.parametrize("prefix", ["10.50.1.0/24", "10.0.0.0/8"])
def test_a_pool_that_overlaps_another_is_refused(cluster: Cluster, prefix: str) -> None:
    """Their addresses would meet."""
    join(cluster.registry, cluster.host("one"), POOL, LAN)

    with pytest.raises(PoolOverlapError, match=r"pool 10\.50\.0\.0/16 of the cluster"):
        join(cluster.registry, cluster.host("two"), parse_prefix(prefix), LAN)


def test_the_gateway_is_the_same_on_all_hosts(cluster: Cluster) -> None:
    """The first one's; who wants another is told both."""
    one, two = cluster.host("one"), cluster.host("two")
    for host in (one, two):
        join(cluster.registry, host, POOL, LAN)
    first = agree_on_gateway(cluster.registry, one, POOL, None)

    assert first == ip_address("10.50.0.1")
    assert agree_on_gateway(cluster.registry, two, POOL, first) == first
    with pytest.raises(PoolDiffersError, match=r"is 10\.50\.0\.1 in the cluster and 10\.50\.0\.2"):
        agree_on_gateway(cluster.registry, two, POOL, ip_address("10.50.0.2"))


def test_the_last_that_leaves_removes_the_pool(cluster: Cluster) -> None:
    """And it can be made anew, with other options."""
    one, two = cluster.host("one"), cluster.host("two")
    for host in (one, two):
        join(cluster.registry, host, POOL, LAN)

    leave(cluster.registry, "one", POOL)
    leave(cluster.registry, "one", POOL)
    assert pool_key(POOL) in cluster.state.keys
    leave(cluster.registry, "two", POOL)

    assert pool_key(POOL) not in cluster.state.keys
    assert join(cluster.registry, one, POOL, Agreed(cluster="dmz")).cluster == "dmz"


def test_a_lost_answer_is_looked_up(cluster: Cluster) -> None:
    """The write was done, and the caller need not ask again."""
    one = cluster.host("one")
    cluster.write(Fate.DONE_UNHEARD)

    assert join(cluster.registry, one, POOL, LAN).vni
    assert member_key(POOL, "one") in cluster.state.keys


@pytest.mark.parametrize("others", [True, False])
def test_a_write_that_comes_after_leaving_is_void(cluster: Cluster, *, others: bool) -> None:
    """Else the host would be a member for ever of what it does not have."""
    one = cluster.host("one")
    if others:
        join(cluster.registry, cluster.host("two"), POOL, LAN)
    cluster.write(Fate.LATE)
    with pytest.raises(UnknownOutcomeError):
        join(cluster.registry, one, POOL, LAN)

    leave(cluster.registry, "one", POOL)

    assert not cluster.state.late.pop()()
    assert member_key(POOL, "one") not in cluster.state.keys


def test_a_host_that_is_forgotten_leaves_its_pools(cluster: Cluster) -> None:
    """And joins none any more, until it is admitted again."""
    one = cluster.host("one")
    join(cluster.registry, one, POOL, LAN)
    cluster.state.lapse(lambda _: True)

    forget(cluster.registry, "one")

    assert pool_key(POOL) not in cluster.state.keys
    with pytest.raises(NotAdmittedError):
        join(cluster.registry, one, POOL, LAN)
