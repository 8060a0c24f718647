"""Follow the cluster: the other hosts of networks that span several hosts."""

from collections.abc import Callable
from typing import Final

from plugin.cluster.base import Cluster, PeersChange
from plugin.errors import PynetError
from plugin.health import Health
from plugin.log import Log
from plugin.model.ids import IfName, NetworkID, short
from plugin.model.network import Network, NetworkState
from plugin.model.tunnels import EVERYBODY, FloodEntry, is_inner
from plugin.service.hosts import Hosts
from plugin.upkeep.moves import Moves

_log: Final = Log("peers")
_WHAT: Final = "hosts of networks"


class Peers:
    """Networks on several hosts, kept to the hosts that there are."""

    def __init__(self, moves: Moves, hosts: Hosts, cluster: Cluster, health: Health) -> None:
        self._moves = moves
        self._hosts = hosts
        self._cluster = cluster
        self._health = health
        self._looked_at: frozenset[str] = frozenset()
        self._underlays: frozenset[IfName] = frozenset()

    def concerns(self, ifname: str) -> bool:
        """Whether a network reaches its hosts by a link of that name, or did, or was not looked at."""
        return ifname in self._underlays or self._looked_at != _ids(self._spanning())

    def report_to(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` when the hosts of a network are others than they were."""

        def told(change: PeersChange) -> None:
            _log.info(
                "peers.changed",
                network=short(change.network),
                added=len(change.added),
                removed=len(change.removed),
            )
            changed()

        self._cluster.report_to(told)

    def follow(self) -> None:
        """Bring every network up to date; what fails is healed as anything else is."""
        for network in self._moves.store.networks():
            try:
                if network.state is not NetworkState.ACTIVE or self._followed(network) == network:
                    continue
                self._moves.move(NetworkID(network.id), self._followed)
            except (PynetError, ExceptionGroup) as error:
                _log.error("peers.not_followed", network=short(network.id), reason=error)
        self._tell_lost()

    def _tell_lost(self) -> None:
        """Report the networks that reach no host: this host has lost its address in them."""
        networks = self._spanning()
        wanted = {each.local for each in networks if each.local is not None}
        there = self._moves.kernel.links_with(wanted) if wanted else {}
        lost = [each for each in networks if each.local not in there]
        self._looked_at = _ids(networks)
        self._underlays = frozenset(each.ifname for each in there.values()) | (
            self._underlays if lost else frozenset()
        )
        if not lost:
            self._health.recover(_WHAT)
            return
        addresses = ", ".join(sorted({str(each.local) for each in lost}))
        names = ", ".join(short(each.id) for each in lost)
        self._health.degrade(
            _WHAT,
            f"this host has no address {addresses} now; networks {names} reach no other host by it",
            "give it back, or make the networks again on every host with the new one among peers",
        )

    def _spanning(self) -> list[Network]:
        return [each for each in self._moves.store.networks() if each.local is not None]

    def _followed(self, network: Network) -> Network:
        return self._hosts.with_peers(self._moves.bound.of(network))


def is_peers(network: Network, entry: FloodEntry) -> bool:
    """Whether an entry is one that the network should have.

    Inside an encrypted tunnel no host answers at another address than a peer's.
    """
    known = entry.peer in network.peers and entry.peer not in network.idle_peers
    return entry.mac_address == EVERYBODY and (known or is_inner(entry.peer))


def _ids(networks: list[Network]) -> frozenset[str]:
    return frozenset(each.id for each in networks)
