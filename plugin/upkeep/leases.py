"""Leases that are renewed, change, or rest for too long."""

from queue import Empty, SimpleQueue
from typing import Final

from plugin.dhcp.states import Conflicted, Event, Leased, Refused, Unanswered
from plugin.health import Health
from plugin.model.ids import IfName, short
from plugin.model.leases import LeaseRecord
from plugin.model.network import Network, NetworkState
from plugin.service.bound_networks import BoundNetworks
from plugin.service.leases import Leases
from plugin.service.locks import Locks
from plugin.store.base import Store

_WHAT: Final = "lease "
_News = tuple[IfName, bytes, Event]


class LeaseNews:
    """What clients told since the last look; telling it never waits."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[_News] = SimpleQueue()

    def __call__(self, parent: IfName, client_id: bytes, event: Event, /) -> None:
        self._queue.put((parent, client_id, event))

    def take(self) -> list[_News]:
        """Everything, oldest first."""
        found: list[_News] = []
        while True:
            try:
                found.append(self._queue.get_nowait())
            except Empty:
                return found


class LeaseKeeper:
    """Follows the leases of all networks."""

    def __init__(
        self,
        store: Store,
        bound: BoundNetworks,
        leases: Leases,
        locks: Locks,
        news: LeaseNews,
        health: Health,
    ) -> None:
        self._store = store
        self._bound = bound
        self._leases = leases
        self._locks = locks
        self._news = news
        self._health = health
        self._resumed = False

    def resume(self) -> None:
        """After a start, and before calls are let in; what fails is done with the next look."""
        for network in self._leasing():
            self._leases.resume(self._bound.of(network), self._store.endpoints(network.id))
        self._resumed = True

    def look_after(self) -> None:
        """Save what was renewed, say what is wrong, and give back what rested for too long."""
        for parent, client_id, event in self._news.take():
            for record in self._records(client_id):
                self._follow(parent, record, event)
        for network in self._leasing():
            with self._locks.hold(network.id):
                bound = self._bound.of(network)
                if not self._resumed:
                    self._leases.resume(bound, self._store.endpoints(network.id))
                self._leases.give_back_rested(bound)
        self._resumed = True
        self._recover()

    def _leasing(self) -> list[Network]:
        """Networks with leases."""
        return [
            network
            for network in self._store.networks()
            if network.state is NetworkState.ACTIVE and self._store.leases(network.id)
        ]

    def _follow(self, parent: IfName, record: LeaseRecord, event: Event) -> None:
        address = record.lease.address.ip
        match event:
            case Leased(lease=lease) if lease.address == record.lease.address:
                self._leases.renewed(record.network_id, lease)
                self._health.recover(_WHAT + record.client)
            case Leased(lease=lease):
                self._leases.renewed(record.network_id, lease)
                self._say(
                    record,
                    f"{address} is the container's no more: server {lease.server} gave it {lease.address.ip}",
                )
            case Refused():
                self._say(record, f"the DHCP server took {address} back")
            case Conflicted(mac=mac):
                self._say(record, f"{address} is in use by {mac} on {parent}")
            case Unanswered(ended=ended):
                when = "and it may be given away" if ended else "before it may be given away"
                self._say(record, f"no DHCP server on {parent} renews {address}, {when}")

    def _say(self, record: LeaseRecord, why: str) -> None:
        self._health.degrade(
            _WHAT + record.client,
            f"{why} (network {short(record.network_id)})",
            "look at the DHCP server; a container with an address that is not its own is disconnected "
            "and connected again (docker network disconnect, docker network connect)",
        )

    def _records(self, client_id: bytes) -> list[LeaseRecord]:
        return [
            record
            for network in self._store.networks()
            for record in self._store.leases(network.id)
            if record.lease.identity.client_id == client_id and record.endpoint_id is not None
        ]

    def _recover(self) -> None:
        """What nobody holds any more is nobody's trouble."""
        held = {
            _WHAT + record.client
            for network in self._store.networks()
            for record in self._store.leases(network.id)
            if record.endpoint_id is not None
        }
        for condition in self._health.conditions:
            if condition.what.startswith(_WHAT) and condition.what not in held:
                self._health.recover(condition.what)
