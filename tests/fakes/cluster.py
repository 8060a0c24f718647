"""A cluster in memory: a test says which hosts there are."""

from collections.abc import Callable, Mapping, Sequence

from plugin.cluster.base import Membership, PeersChange
from plugin.errors import PynetError
from plugin.model.ids import NetworkID
from plugin.model.network import IPAddress, IPNetwork
from plugin.model.tunnels import Terms


class FakeCluster:
    """All networks are on all hosts."""

    def __init__(self) -> None:
        self.own: IPAddress | None = None
        self.hosts: frozenset[IPAddress] = frozenset()
        self.without: frozenset[IPAddress] = frozenset()
        self.vni: int | None = None
        self.told_keys: dict[IPAddress, str] | None = None
        self.refusal: PynetError | None = None
        self.terms: dict[NetworkID, Terms] = {}
        self.parts: dict[NetworkID, Membership] = {}
        self.members: set[NetworkID] = set()
        self._told: list[Callable[[PeersChange], None]] = []

    def own_address(self, network: NetworkID) -> IPAddress | None:
        return self.own

    def agree(self, membership: Membership, terms: Terms) -> int | None:
        if self.refusal is not None:
            raise self.refusal
        self.terms[membership.network] = terms
        self.parts[membership.network] = membership
        return self.vni

    def have_alike(self, network: NetworkID, subnets: Sequence[IPNetwork], terms: Terms) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.terms[network] = terms

    def peers(self, membership: Membership) -> frozenset[IPAddress]:
        return self.hosts - {membership.local}

    def lacking(self, membership: Membership) -> frozenset[IPAddress]:
        return self.without - {membership.local}

    def keys(self, membership: Membership) -> Mapping[IPAddress, str] | None:
        return self.told_keys

    def enter(self, membership: Membership) -> None:
        self.members.add(membership.network)

    def leave(self, network: NetworkID) -> None:
        self.members.discard(network)

    def report_to(self, changed: Callable[[PeersChange], None]) -> None:
        self._told.append(changed)

    def joined(self, own: IPAddress) -> None:
        """This host is in a swarm."""
        self.own = own

    def appeared(self, node: IPAddress) -> None:
        """A node of the swarm has come."""
        self.move(self.hosts | {node})

    def disappeared(self, node: IPAddress) -> None:
        """A node of the swarm has gone."""
        self.move(self.hosts - {node})

    def move(self, hosts: frozenset[IPAddress]) -> None:
        """Hosts come and go."""
        before, self.hosts = self.hosts, hosts
        for network in self.members:
            change = PeersChange(network=network, added=hosts - before, removed=before - hosts)
            for told in self._told:
                told(change)
