"""Leases of containers: asked for, saved before the engine hears of them, and rested.

A lease rests when its container is gone: nothing is said to the server, and a container that comes back under the
same identity has it again at once.  Without a MAC address that the user chose nobody says who comes; such
containers have numbered seats, and the seat that was left last is the next one's.
"""

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Final

from plugin.deadline import remaining
from plugin.dhcp.base import Clients
from plugin.dhcp.identity import identity_of_mac, identity_of_text
from plugin.dhcp.values import Wish
from plugin.drivers.base import BoundNetwork
from plugin.drivers.dhcp import DhcpUse
from plugin.errors import RefusedError
from plugin.log import Log
from plugin.model.ids import NetworkID, short
from plugin.model.leases import Identity, Lease, LeaseRecord, Moment
from plugin.model.network import Endpoint
from plugin.store.base import Store

_log: Final = Log("leases")
_ACQUIRE_SECONDS: Final = 14.0  # of the 16 that a call has
_CONFIRM_SECONDS: Final = 3.0
_SLOW_SECONDS: Final = 1.0
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def moment() -> Moment:
    """Now."""
    return Moment(
        boot_id=_BOOT_ID.read_text().strip(),
        boottime=time.clock_gettime(time.CLOCK_BOOTTIME),
        wall=time.time(),
    )


class Leases:
    """Everything but ``renewed`` is called with the network's lock held."""

    def __init__(self, store: Store, clients: Clients) -> None:
        self._store = store
        self._clients = clients
        self._lock = Lock()  # who reads a record writes it back before another reads it

    def acquire(self, bound: BoundNetwork, wanted: Endpoint) -> Endpoint:
        """The endpoint with an address of the LAN's server; raises NoLeaseError."""
        use = bound.dhcp_use()
        if use is None:
            return wanted
        identity, seat, known = self._who(bound.network.id, wanted)
        began, now = time.monotonic(), moment()
        lease = self._clients.acquire(
            use.parent,
            Wish(identity=identity),
            known.lease_in(now) if known else None,
            seconds=remaining(_ACQUIRE_SECONDS),
        )
        self._save(bound.network.id, lease, seat, wanted)
        seconds = time.monotonic() - began
        if seconds > _SLOW_SECONDS:
            _log.warning("lease.slow", server=lease.server, seconds=f"{seconds:.1f}")
        _log.info("lease.acquired", network=short(bound.network.id), address=lease.address)
        return replace(wanted, mac_address=identity.mac, ipv4=lease.address, facts=lease.facts)

    def confirm(self, bound: BoundNetwork, endpoint: Endpoint) -> None:
        """Wait until nobody else is known to have the address; raises AddressInUseError."""
        use, record = bound.dhcp_use(), self._of(endpoint)
        if use and record:
            client = record.lease.identity.client_id
            self._clients.confirm(use.parent, client, seconds=remaining(_CONFIRM_SECONDS))

    def announce(self, bound: BoundNetwork, endpoint: Endpoint) -> None:
        """Tell the LAN who has the address now: engines before 28 do not."""
        use, record = bound.dhcp_use(), self._of(endpoint)
        if use and record:
            self._clients.announce(use.parent, record.lease)

    def rest(self, bound: BoundNetwork, endpoint: Endpoint) -> None:
        """The endpoint is gone, and its lease waits for it to come back."""
        use, record = bound.dhcp_use(), self._of(endpoint)
        if use is None or record is None:
            return
        self._clients.rest(use.parent, record.lease.identity.client_id)
        with self._lock:
            self._store.save_lease(self._resting(record))
        if use.release_after == 0:
            self._give_back(use, record)

    def give_all_back(self, bound: BoundNetwork) -> None:
        """The network is gone."""
        use = bound.dhcp_use()
        for record in self._store.leases(bound.network.id) if use else ():
            if use:
                self._give_back(use, record)

    def give_back_rested(self, bound: BoundNetwork) -> None:
        """Release what nobody came back for, and forget what is over."""
        use, now = bound.dhcp_use(), moment()
        for record in self._store.leases(bound.network.id) if use else ():
            if use is None or self._is_held(record):
                continue
            rested = now.wall - record.since.wall
            if record.lease_in(now).has_ended(now.boottime):
                self._store.delete_lease(record.network_id, record.client)
            elif use.release_after is not None and rested >= use.release_after:
                self._give_back(use, record)

    def resume(self, bound: BoundNetwork, endpoints: Iterable[Endpoint]) -> None:
        """After a start: renew what endpoints hold, and rest what none does."""
        use, now = bound.dhcp_use(), moment()
        held = {each.id for each in endpoints if not each.deleting}
        for record in self._store.leases(bound.network.id) if use else ():
            if use and record.endpoint_id in held:
                lease = record.lease_in(now)
                self._clients.adopt(use.parent, Wish(identity=lease.identity), lease)
            elif record.endpoint_id is not None:
                self._store.save_lease(self._resting(record))

    def renewed(self, network_id: NetworkID, lease: Lease) -> None:
        """A server granted it again; one that rests meanwhile rests on."""
        with self._lock:
            for record in self._store.leases(network_id):
                if record.lease.identity == lease.identity and record.endpoint_id is not None:
                    self._store.save_lease(replace(record, lease=lease, since=moment()))

    def _who(
        self, network_id: NetworkID, wanted: Endpoint
    ) -> tuple[Identity, int | None, LeaseRecord | None]:
        """As whom the endpoint asks, on which seat, and what is remembered."""
        records = self._store.leases(network_id)
        if wanted.mac_address:
            identity = identity_of_mac(wanted.mac_address)
            known = [each for each in records if each.lease.identity == identity]
            self._refuse_twice(wanted, known)
            return identity, None, known[0] if known else None
        own = [each for each in records if each.endpoint_id == wanted.id]
        free = [each for each in records if each.seat is not None and each.endpoint_id is None]
        known = own or sorted(free, key=lambda each: each.since.wall, reverse=True)
        if known:
            return known[0].lease.identity, known[0].seat, known[0]
        taken = {each.seat for each in records}
        seat = next(number for number in range(len(records) + 1) if number not in taken)
        return identity_of_text(network_id, "seat", str(seat)), seat, None

    def _refuse_twice(self, wanted: Endpoint, known: Iterable[LeaseRecord]) -> None:
        """The container with that MAC address has the address, and would lose it."""
        for record in known:
            other = self._store.endpoint(record.endpoint_id) if record.endpoint_id else None
            if other and other.id != wanted.id and other.joined and not other.deleting:
                raise RefusedError(
                    f"MAC address {wanted.mac_address} is that of a running container of this network, "
                    f"which has {record.lease.address.ip} by it; choose another, or stop that container"
                )

    def _save(
        self, network_id: NetworkID, lease: Lease, seat: int | None, endpoint: Endpoint
    ) -> None:
        with self._lock:
            self._store.save_lease(
                LeaseRecord(
                    network_id=network_id,
                    lease=lease,
                    since=moment(),
                    seat=seat,
                    endpoint_id=endpoint.id,
                )
            )

    def _is_held(self, record: LeaseRecord) -> bool:
        """Whether an endpoint has it; of a creation that failed, none has."""
        if record.endpoint_id is None:
            return False
        if self._store.endpoint(record.endpoint_id) is not None:
            return True
        self._store.save_lease(self._resting(record))
        return True

    def _of(self, endpoint: Endpoint) -> LeaseRecord | None:
        records = self._store.leases(endpoint.network_id)
        return next((each for each in records if each.endpoint_id == endpoint.id), None)

    def _resting(self, record: LeaseRecord) -> LeaseRecord:
        now = moment()
        return replace(record, endpoint_id=None, lease=record.lease_in(now), since=now)

    def _give_back(self, use: DhcpUse, record: LeaseRecord) -> None:
        """The record goes first: nothing is given back twice, and another's is never."""
        self._store.delete_lease(record.network_id, record.client)
        self._clients.release(use.parent, record.lease)
