"""The contract of a cluster: which other hosts a network is on, announced by change.

A cluster knows hosts, and no containers: kernels learn which container is behind which host.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from plugin.model.ids import NetworkID
from plugin.model.network import IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """This host's part in a network: its address among the hosts, and whom the user ``named``."""

    network: NetworkID
    local: IPAddress
    named: tuple[IPAddress, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersChange:
    """Other hosts that a network is on since, and that it is not on any more."""

    network: NetworkID
    added: frozenset[IPAddress] = frozenset()
    removed: frozenset[IPAddress] = frozenset()


class Cluster(Protocol):
    """A source that tells hosts of each other."""

    def own_address(self) -> IPAddress | None:
        """The address that other hosts know this one by; None without a cluster."""

    def peers(self, membership: Membership) -> frozenset[IPAddress]:
        """The other hosts, as far as they are known now; never waits."""

    def enter(self, membership: Membership) -> None:
        """Tell other hosts that the network is here; may be repeated."""

    def leave(self, network: NetworkID) -> None:
        """Tell other hosts that the network is here no more; unknown ids are no failure."""

    def report_to(self, changed: Callable[[PeersChange], None]) -> None:
        """Call ``changed``, from any thread, with each difference to what ``peers`` last answered."""
