"""Hosts that the user named with the network, the same on every one of them.

Networks without named hosts are left to another cluster.
"""

from collections.abc import Callable, Mapping, Sequence

from plugin.cluster.base import Cluster, Membership, PeersChange
from plugin.model.ids import NetworkID
from plugin.model.network import IPAddress, IPNetwork
from plugin.model.tunnels import Terms


class Static:
    """Named hosts are used; networks without are left to ``otherwise``."""

    def __init__(self, otherwise: Cluster) -> None:
        self._otherwise = otherwise

    def own_address(self, network: NetworkID) -> IPAddress | None:
        return self._otherwise.own_address(network)

    def agree(self, membership: Membership, terms: Terms) -> int | None:
        """Those who name the hosts see to it that the options are the same."""
        return None if membership.named else self._otherwise.agree(membership, terms)

    def have_alike(self, network: NetworkID, subnets: Sequence[IPNetwork], terms: Terms) -> None:
        self._otherwise.have_alike(network, subnets, terms)

    def peers(self, membership: Membership) -> frozenset[IPAddress]:
        if membership.named:
            return frozenset(membership.named) - {membership.local}
        return self._otherwise.peers(membership)

    def lacking(self, membership: Membership) -> frozenset[IPAddress]:
        return frozenset() if membership.named else self._otherwise.lacking(membership)

    def keys(self, membership: Membership) -> Mapping[IPAddress, str] | None:
        return None if membership.named else self._otherwise.keys(membership)

    def enter(self, membership: Membership) -> None:
        if not membership.named:
            self._otherwise.enter(membership)

    def leave(self, network: NetworkID) -> None:
        self._otherwise.leave(network)

    def report_to(self, changed: Callable[[PeersChange], None]) -> None:
        self._otherwise.report_to(changed)
