"""A host without a cluster: it knows no other hosts."""

from collections.abc import Callable

from plugin.cluster.base import Membership, PeersChange
from plugin.model.ids import NetworkID
from plugin.model.network import IPAddress


class Alone:
    """No other hosts, ever."""

    def own_address(self) -> IPAddress | None:
        return None

    def peers(self, membership: Membership) -> frozenset[IPAddress]:
        return frozenset()

    def enter(self, membership: Membership) -> None:
        """Do nothing: there are no other hosts."""

    def leave(self, network: NetworkID) -> None:
        """Do nothing: there are no other hosts."""

    def report_to(self, changed: Callable[[PeersChange], None]) -> None:
        """Nothing changes."""
