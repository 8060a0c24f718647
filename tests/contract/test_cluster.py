"""What a caller of plugin.cluster may rely on, whatever tells it of other hosts."""

from collections.abc import Callable
from ipaddress import ip_address

import pytest

from plugin.cluster.alone import Alone
from plugin.cluster.base import Cluster, Membership, PeersChange
from plugin.cluster.static import Static
from plugin.model.ids import NetworkID
from tests.fakes.cluster import FakeCluster

ONE, TWO, THREE = map(ip_address, ("10.99.0.1", "10.99.0.2", "10.99.0.3"))
BLUE = NetworkID("blue")
TOLD = Membership(network=BLUE, local=ONE)
NAMED = Membership(network=BLUE, local=ONE, named=(TWO, ONE))
CLUSTERS: list[Callable[[], Cluster]] = [
    Alone,
    FakeCluster,
    lambda: Static(Alone()),
    lambda: Static(FakeCluster()),
]


@pytest.mark.parametrize("make", CLUSTERS)
class TestEvery:
    def test_a_host_is_no_peer_of_itself(self, make: Callable[[], Cluster]) -> None:
        """It would send everything to itself."""
        cluster = make()

        assert ONE not in cluster.peers(TOLD) | cluster.peers(NAMED)

    def test_what_hosts_tell_is_of_peers(self, make: Callable[[], Cluster]) -> None:
        """Or nobody tells keys."""
        cluster = make()

        for part in (TOLD, NAMED):
            assert (cluster.keys(part) or {}).keys() <= cluster.peers(part)

    def test_entering_and_leaving_may_be_repeated(self, make: Callable[[], Cluster]) -> None:
        """Also of a network that never entered."""
        cluster = make()
        cluster.leave(BLUE)
        for _ in range(2):
            cluster.enter(TOLD)
            cluster.enter(NAMED)
        for _ in range(2):
            cluster.leave(BLUE)


class TestStatic:
    def test_those_that_were_named_are_the_peers(self) -> None:
        """Less the host itself, whatever a cluster says."""
        other = FakeCluster()
        other.hosts = frozenset({ONE, THREE})

        assert Static(other).peers(NAMED) == {TWO}

    def test_a_network_without_names_is_left_to_the_cluster(self) -> None:
        """Which is told of that one only."""
        other = FakeCluster()
        other.own, other.hosts = ONE, frozenset({ONE, THREE})
        static = Static(other)
        static.enter(NAMED)
        assert other.members == set()
        static.enter(TOLD)

        assert static.own_address(BLUE) == ONE
        assert static.peers(TOLD) == {THREE}
        assert other.members == {BLUE}

    def test_differences_are_told(self) -> None:
        """Who came, and who went."""
        other, told = FakeCluster(), list[PeersChange]()
        other.hosts = frozenset({ONE, TWO})
        static = Static(other)
        static.report_to(told.append)
        static.enter(TOLD)
        other.move(frozenset({ONE, THREE}))

        assert told == [
            PeersChange(network=BLUE, added=frozenset({THREE}), removed=frozenset({TWO}))
        ]
