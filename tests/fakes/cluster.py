"""A cluster in memory: a test says which hosts there are."""

from collections.abc import Callable

from plugin.cluster.base import Membership, PeersChange
from plugin.model.ids import NetworkID
from plugin.model.network import IPAddress


class FakeCluster:
    """All networks are on all hosts."""

    def __init__(self) -> None:
        self.own: IPAddress | None = None
        self.hosts: frozenset[IPAddress] = frozenset()
        self.members: set[NetworkID] = set()
        self._told: list[Callable[[PeersChange], None]] = []

    def own_address(self) -> IPAddress | None:
        return self.own

    def peers(self, membership: Membership) -> frozenset[IPAddress]:
        return self.hosts - {membership.local}

    def enter(self, membership: Membership) -> None:
        self.members.add(membership.network)

    def leave(self, network: NetworkID) -> None:
        self.members.discard(network)

    def report_to(self, changed: Callable[[PeersChange], None]) -> None:
        self._told.append(changed)

    def move(self, hosts: frozenset[IPAddress]) -> None:
        """Hosts come and go."""
        before, self.hosts = self.hosts, hosts
        for network in self.members:
            change = PeersChange(network=network, added=hosts - before, removed=before - hosts)
            for told in self._told:
                told(change)
