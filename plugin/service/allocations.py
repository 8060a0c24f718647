"""Networks of a swarm on its manager that leads: checked there, before any node has them.

A swarm has no place for a driver's refusal: ``docker network create`` has succeeded by then, and
services on the network stay new for ever.  The health of the leader's host shows it instead, until
the network is accepted, or the swarm asks no more.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from plugin.addressing.base import AddressUse
from plugin.drivers.allocated import check_allocated, numbered
from plugin.errors import PynetError
from plugin.health import Health
from plugin.model.ids import NetworkID, short
from plugin.model.network import Network
from plugin.model.tunnels import Tunnel

# A leader asks again for a network that was refused when a service wants it.  Nothing tells that the
# network was removed.
_FORGOTTEN_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class _Refused:
    what: str
    at: float


class Allocations:
    """The networks that the swarm has allocated since this process started, or has asked for."""

    def __init__(
        self, addresses: AddressUse, health: Health, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._addresses = addresses
        self._health = health
        self._clock = clock
        self._lock = threading.Lock()
        self._tunnels: dict[NetworkID, Tunnel | None] = {}
        self._refused: dict[NetworkID, _Refused] = {}

    def allocate(self, network: Network, *, again: bool) -> dict[str, str]:
        """Check the network, and keep its pools together; answers the options that all nodes get.

        ``again`` is true if another leader has accepted it: its number stays then, because nodes have it.

        Raises RefusedError, StoreError.
        """
        bound = check_allocated(network)
        with self._lock:
            others = (each for other, each in self._tunnels.items() if other != network.id)
            taken = frozenset(filter(None, others))
            bound = numbered(bound, () if again else taken)
            self._tunnels[network.id] = bound.tunnel()
        try:
            self._addresses.group(bound.network, again=again)
        except PynetError:
            self._forget_number(network.id)
            raise
        return bound.network.options

    def free(self, network_id: NetworkID) -> None:
        """Record that the swarm has the network no more.  Raises StoreError."""
        self._forget_number(network_id)
        self._recover(network_id)
        self._addresses.free(network_id)

    @contextmanager
    def reported(self, network_id: NetworkID) -> Iterator[None]:
        """Report in the health if the network is refused in the block."""
        try:
            yield
        except PynetError as error:
            self._report(network_id, error)
            raise
        self._recover(network_id)

    def forget_old(self) -> None:
        """Stop reporting networks that the swarm has not asked for lately: it may have removed them."""
        before = self._clock() - _FORGOTTEN_SECONDS
        with self._lock:
            old = [network for network, each in self._refused.items() if each.at < before]
        for network in old:
            self._recover(network)

    def _forget_number(self, network_id: NetworkID) -> None:
        with self._lock:
            self._tunnels.pop(network_id, None)

    def _report(self, network_id: NetworkID, error: PynetError) -> None:
        what = f"network {short(network_id)} of the swarm"
        with self._lock:
            self._refused[network_id] = _Refused(what, self._clock())
        self._health.degrade(
            what,
            f"{error}; Docker lists the network all the same, and its services stay new",
            "remove the network (docker network ls --no-trunc shows the id), and create it as it should be",
        )

    def _recover(self, network_id: NetworkID) -> None:
        with self._lock:
            known = self._refused.pop(network_id, None)
        if known is not None:
            self._health.recover(known.what)
