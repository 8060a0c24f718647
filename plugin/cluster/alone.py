"""A host without a cluster: it knows no other hosts."""

from collections.abc import Callable, Mapping, Sequence

from plugin.cluster.base import Membership, PeersChange
from plugin.model.ids import NetworkID
from plugin.model.network import IPAddress, IPNetwork
from plugin.model.tunnels import Terms


class Alone:
    """No other hosts, ever."""

    def own_address(self, network: NetworkID) -> IPAddress | None:
        return None

    def agree(self, membership: Membership, terms: Terms) -> int | None:
        return None

    def have_alike(self, network: NetworkID, subnets: Sequence[IPNetwork], terms: Terms) -> None:
        """Do nothing: there are no other hosts."""

    def peers(self, membership: Membership) -> frozenset[IPAddress]:
        return frozenset()

    def lacking(self, membership: Membership) -> frozenset[IPAddress]:
        return frozenset()

    def keys(self, membership: Membership) -> Mapping[IPAddress, str] | None:
        return None

    def enter(self, membership: Membership) -> None:
        """Do nothing: there are no other hosts."""

    def leave(self, network: NetworkID) -> None:
        """Do nothing: there are no other hosts."""

    def report_to(self, changed: Callable[[PeersChange], None]) -> None:
        """Nothing changes."""
