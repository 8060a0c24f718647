"""Leases that are renewed, change, or rest for too long."""

import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Final

from plugin.dhcp.local_server import listens_here
from plugin.dhcp.states import Conflicted, Event, Leased, Refused, Unanswered
from plugin.errors import gathering
from plugin.health import Health
from plugin.model.ids import IfName, short
from plugin.model.leases import Lease, LeaseRecord
from plugin.model.network import IPAddress, Network, NetworkState
from plugin.service.bound_networks import BoundNetworks
from plugin.service.leases import Leases
from plugin.service.locks import Locks
from plugin.store.base import Store

_WHAT: Final = "lease "
_ADDRESS: Final = "lease and address "
_HINTS: Final = "dhcp"
_MANY_RESTING: Final = 50
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
        """Save what was renewed, say what is wrong, and give back what rested for too long.

        Raises one ExceptionGroup of all failures: one network keeps no other from it.
        """
        failures: list[Exception] = []
        for parent, client_id, event in self._news.take():
            for record in self._records(client_id):
                with gathering(failures):
                    self._follow(parent, record, event)
        for network in self._leasing():
            with gathering(failures), self._locks.hold(network.id):
                bound = self._bound.of(network)
                if not self._resumed:
                    self._leases.resume(bound, self._store.endpoints(network.id))
                self._leases.give_back_rested(bound)
        self._resumed = self._resumed or not failures
        self._recover()
        self._compare()
        self._health.advise(self._hints(), about=_HINTS)
        if failures:
            raise ExceptionGroup("not every lease could be looked after", failures)

    def _compare(self) -> None:
        """A container has the address that it started with until it is connected again."""
        for network in self._leasing():
            for record in self._store.leases(network.id):
                endpoint = self._store.endpoint(record.endpoint_id) if record.endpoint_id else None
                version = record.lease.address.version
                own = (
                    [each.ip for each in endpoint.interfaces if each.version == version]
                    if endpoint
                    else []
                )
                if own and own[0] != record.lease.address.ip:
                    what = _ADDRESS + record.client
                    self._say(what, record, _changed(own[0], record.lease))
                elif endpoint:
                    self._health.recover(_ADDRESS + record.client)

    def _hints(self) -> Iterator[str]:
        networks = [each for each in self._store.networks() if each.state is NetworkState.ACTIVE]
        uses = [self._bound.as_readable(each).dhcp_use() for each in networks]
        asked = {use.parent for use in uses if use}
        silent = {
            name: at for name, at in dict(self._leases.exchange.silent).items() if name in asked
        }
        here = (
            "; one listens on this host, which no client on its own parent reaches"
            if (silent and listens_here())
            else ""
        )
        for parent, since in silent.items():
            when = time.strftime("%H:%M", time.gmtime(since))
            yield (
                f"no DHCP server has given an address on {parent} since {when} UTC{here}; see that a "
                f"server is on that LAN, and neither on this host nor in a macvlan container of {parent}"
            )
        for network in self._leasing():
            resting = sum(record.is_resting for record in self._store.leases(network.id))
            if resting > _MANY_RESTING:
                yield (
                    f"{resting} addresses of the LAN rest for containers of network "
                    f"{short(network.id)} that are gone; create it with a shorter release_after, or give "
                    "them back with `pynet leases forget`"
                )

    def _leasing(self) -> list[Network]:
        """Networks with leases."""
        return [
            network
            for network in self._store.networks()
            if network.state is NetworkState.ACTIVE and self._store.leases(network.id)
        ]

    def _follow(self, parent: IfName, record: LeaseRecord, event: Event) -> None:
        address, what = record.lease.address.ip, _WHAT + record.client
        match event:
            case Leased(lease=lease):
                with self._locks.hold(record.network_id):  # calls write back what they have read
                    self._leases.renewed(record.network_id, lease)
                self._health.recover(what)
            case Refused():
                self._say(what, record, f"the DHCP server took {address} back")
            case Conflicted(mac=mac):
                self._say(what, record, f"{address} is in use by {mac} on {parent}")
            case Unanswered(ended=ended):
                when = "and it may be given away" if ended else "before it may be given away"
                by_prefix = record.lease.address.version == 6 and not record.lease.server_id
                nobody = "IPv6 router" if by_prefix else "DHCP server"
                self._say(what, record, f"no {nobody} on {parent} renews {address}, {when}")

    def _say(self, what: str, record: LeaseRecord, why: str) -> None:
        self._health.degrade(
            what,
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
            what + record.client
            for what in (_WHAT, _ADDRESS)
            for network in self._store.networks()
            for record in self._store.leases(network.id)
            if record.endpoint_id is not None
        }
        for condition in self._health.conditions:
            if condition.what.startswith(_WHAT) and condition.what not in held:
                self._health.recover(condition.what)


def _changed(address: IPAddress, lease: Lease) -> str:
    return f"{address} is the container's no more: server {lease.server} gave it {lease.address.ip}"
