"""The contract of a cluster: which other hosts a network is on, announced by change.

A cluster knows hosts, and no containers: kernels learn which container is behind which host.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from plugin.model.ids import NetworkID
from plugin.model.network import IPAddress, IPNetwork
from plugin.model.tunnels import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """This host's part in a network: its address among the hosts, and whom the user ``named``.

    ``recorded`` are the other hosts as the network's record has them, and ``recorded_keys`` what they told: a process
    that starts knows no better until it is told.  ``key`` is what this host tells: its public key, "" if it needs none.
    """

    network: NetworkID
    local: IPAddress
    subnets: tuple[IPNetwork, ...] = ()
    named: tuple[IPAddress, ...] = ()
    recorded: tuple[IPAddress, ...] = ()
    recorded_keys: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersChange:
    """Other hosts that a network is on since, or have another key, and that it is not on any more.

    They are peers, with the network or without; or they have it since, or do not any more.
    """

    network: NetworkID
    added: frozenset[IPAddress] = frozenset()
    removed: frozenset[IPAddress] = frozenset()


class Cluster(Protocol):
    """A source that tells hosts of each other."""

    def own_address(self, network: NetworkID) -> IPAddress | None:
        """The address that other hosts of the network know this one by; None without a cluster.

        Raises RefusedError if this host's part in its cluster is not known.
        """

    def agree(self, membership: Membership, terms: Terms) -> int | None:
        """Before the network is made: have it as other hosts have it; its number, None where each makes the same.

        Raises RefusedError if others have it on other terms, ClusterAwayError.
        """

    def have_alike(self, network: NetworkID, subnets: Sequence[IPNetwork], terms: Terms) -> None:
        """The same for a network that connects no hosts, and has subnets that they share.

        Raises RefusedError, ClusterAwayError.
        """

    def peers(self, membership: Membership) -> frozenset[IPAddress]:
        """The other hosts, as far as they are known now; never waits."""

    def lacking(self, membership: Membership) -> frozenset[IPAddress]:
        """Those of ``peers`` that certainly do not have the network now; never waits."""

    def keys(self, membership: Membership) -> Mapping[IPAddress, str] | None:
        """What the other hosts told, as far as that is known now; None if nobody tells keys.  Never waits."""

    def enter(self, membership: Membership) -> None:
        """Tell other hosts that the network is here; may be repeated."""

    def leave(self, network: NetworkID) -> None:
        """Tell other hosts that the network is here no more; unknown ids are no failure."""

    def report_to(self, changed: Callable[[PeersChange], None]) -> None:
        """Call ``changed``, from any thread, with each difference to what ``peers`` last answered."""
