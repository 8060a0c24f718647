"""Leases of containers: asked for, saved before the engine hears of them, and rested.

A lease rests when its container is gone: nothing is said to the server, and a container that comes back under the
same identity has it again at once.

A server may be silent for as long as a call can wait.  So no lock is held while it is asked: a claim says who asks
as whom, and other calls on the network go on.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Final

from plugin.deadline import remaining
from plugin.dhcp.base import Clients
from plugin.drivers.base import BoundNetwork
from plugin.drivers.dhcp import DhcpUse, Ipv6
from plugin.errors import RefusedError, StoreError
from plugin.log import Log
from plugin.model.ids import NetworkID, short
from plugin.model.leases import Lease, LeaseRecord
from plugin.model.network import Endpoint, IPAddress, NetworkState
from plugin.service.boot_clock import moment
from plugin.service.claims import Claim, Claims, wish4_of, wish_of
from plugin.service.dhcp_exchange import Exchange
from plugin.service.lease_seats import Asker, Seats, asker_of, latest_at, leased
from plugin.store.base import Store

_log: Final = Log("leases")
_CONFIRM_SECONDS: Final = 3.0
_UNUSED_SECONDS: Final = 600.0  # an engine that asked for an address uses it in the next second


class Leases:
    """Everything but ``asked``, ``addressed`` and ``confirm`` is called with the network's lock held."""

    def __init__(self, store: Store, clients: Clients) -> None:
        self.store = self._store = store
        self._clients = clients
        self.claims = Claims()
        self.seats = Seats(store, self.claims)
        self.exchange = Exchange(clients)
        self._lock = Lock()  # who reads a record writes it back before another reads it

    def claim(self, bound: BoundNetwork, asker: Asker) -> Claim:
        """Decide as whom a container asks; no other does until ``asked`` ends.  Raises RefusedError."""
        use, address = bound.dhcp_use(), asker.address
        if use is None:
            raise RefusedError(f"network {short(asker.network_id)} has no addresses by DHCP")
        seat = self.seats.of(asker, use)
        known = seat.known
        if known and address and known.lease.address.ip != address:
            known = None
        wish = replace(wish4_of(use, seat.identity), address=address, exact=bool(address))
        claim = Claim(
            use=use,
            network_id=asker.network_id,
            endpoint_id=asker.endpoint_id,
            wish=wish,
            seat=seat.number,
            known=known,
        )
        self.claims.add(claim)
        return claim

    def claimed(self, bound: BoundNetwork, wanted: Endpoint) -> tuple[Endpoint, Claim | None]:
        """What is to be asked for an endpoint, which is bound to what its IPAM gave.  Raises RefusedError."""
        use = bound.dhcp_use()
        if use is None or not use.has_pool:
            return wanted, self.claim(bound, asker_of(wanted)) if use else None
        endpoint = self.bind(use, wanted)
        return endpoint, self._claim6(use, endpoint)

    @contextmanager
    def addressed(self, claim: Claim, wanted: Endpoint) -> Iterator[Endpoint]:
        """Give the block the endpoint with all addresses that are asked for; as ``asked``."""
        with self.asked(claim) as lease:
            endpoint = leased(claim.use, wanted, lease)
            claim6 = self._claim6(claim.use, endpoint) if lease.address.version == 4 else None
            if claim6 is None:
                yield endpoint
                return
            with self.addressed(claim6, endpoint) as complete:
                yield complete

    @contextmanager
    def asked(self, claim: Claim) -> Iterator[Lease]:
        """Ask the LAN's server, and give the block the lease, which is saved.

        If the block fails, the lease rests; of a network that is gone it is given back.

        Raises NoLeaseError, AddressInUseError, and EndpointNotFoundError if dockerd has deleted the endpoint meanwhile.
        """
        try:
            known = claim.known if claim.known and not claim.known.offered else None
            if known is None and claim.wish.is_granted:
                self._expect(claim)
            lease = self.exchange.ask(claim, known.lease_in(moment()) if known else None)
            try:
                with self._lock:
                    self._store.save_lease(claim.record(lease, moment()))
                claim.check()
                yield lease
            except Exception:
                self._let_go(claim, lease)
                raise
        finally:
            self.claims.remove(claim)

    def bind(self, use: DhcpUse, wanted: Endpoint) -> Endpoint:
        """The endpoint with the lease of its address, which the engine has of the IPAM.

        Raises RefusedError if the address is not leased, or is another container's.
        """
        record = self.at(wanted.network_id, wanted.ipv4.ip if wanted.ipv4 else None)
        if record is None:
            raise RefusedError(
                f"address {wanted.ipv4.ip if wanted.ipv4 else None} is not one that a DHCP server gave for "
                "this network; start the container again (two minutes after the engine, with --ip)"
            )
        mac = record.lease.identity.mac
        if wanted.mac_address not in ("", mac):
            raise RefusedError(
                f"MAC address {wanted.mac_address} was chosen, and {record.lease.address.ip} was leased to "
                f"{mac} before the engine told it; leave out the MAC address, or use a network with "
                "--ipam-driver null"
            )
        lease = record.lease_in(moment())
        self._clients.adopt(use.parent, wish_of(use, lease.identity), lease)
        with self._lock:
            self._store.save_lease(replace(record, endpoint_id=wanted.id))
        return leased(use, wanted, record.lease)

    def at(self, network_id: NetworkID, address: IPAddress | None) -> LeaseRecord | None:
        """What is remembered of an address."""
        return latest_at(address, self._store.leases(network_id))

    def grant(self, use: DhcpUse, record: LeaseRecord) -> None:
        """The engine has the address again, which it asks for by number; nothing is sent."""
        lease = record.lease_in(moment())
        self._clients.adopt(use.parent, wish_of(use, lease.identity), lease)
        with self._lock:
            self._store.save_lease(replace(record, granted=True, lease=lease, since=moment()))

    def ungrant(self, use: DhcpUse, record: LeaseRecord) -> None:
        """The engine has given the address back."""
        record = replace(record, granted=False)
        if not (record.endpoint_id and self._store.endpoint(record.endpoint_id)):
            self._rest(use, record)
            return
        with self._lock:
            self._store.save_lease(record)

    def is_released(self, use: DhcpUse | None, endpoint: Endpoint) -> bool:
        """Whether the engine had the endpoint's address of the IPAM, and has given it back."""
        own = self._of(endpoint) if use and use.has_pool else []
        return any(each.lease.address.version == 4 and not each.granted for each in own)

    def confirm(self, bound: BoundNetwork, endpoint: Endpoint) -> None:
        """Wait until nobody else is known to have the address; raises AddressInUseError."""
        if use := bound.dhcp_use():
            for record in self._of(endpoint):
                client = record.lease.identity.client_id
                self._clients.confirm(use.parent, client, seconds=remaining(_CONFIRM_SECONDS))

    def announce(self, bound: BoundNetwork, endpoint: Endpoint) -> None:
        """Tell the LAN who has the address now: engines before 28 do not."""
        if use := bound.dhcp_use():
            for record in self._of(endpoint):
                self._clients.announce(use.parent, record.lease)

    def rest(self, bound: BoundNetwork, endpoint: Endpoint) -> None:
        """The endpoint is gone, and its lease waits for it to come back."""
        if use := bound.dhcp_use():
            for record in self._of(endpoint):
                self._rest(use, record)

    def renew(self, bound: BoundNetwork, record: LeaseRecord) -> None:
        """Ask its server now; one that rests is asked for when its container starts."""
        use = bound.dhcp_use()
        if use:
            self._clients.renew(use.parent, record.lease.identity.client_id)

    def forget(self, bound: BoundNetwork, record: LeaseRecord) -> None:
        """Give one back that rests, if nothing of it has changed."""
        use = bound.dhcp_use()
        if use and record in self._settled(record.network_id):
            self._give_back(use, record)

    def give_all_back(self, bound: BoundNetwork) -> None:
        """The network is gone."""
        if use := bound.dhcp_use():
            for record in self._store.leases(bound.network.id):
                self._give_back(use, record)

    def give_back_rested(self, bound: BoundNetwork) -> None:
        """Release what nobody came back for, and forget what is over."""
        use, now = bound.dhcp_use(), moment()
        for record in self._settled(bound.network.id):
            if use is None:
                return
            rested = now.wall - record.since.wall
            if not record.is_resting:
                self._check_held(use, record, rested)
            elif record.lease_in(now).has_ended(now.boottime):
                self._store.delete_lease(record.network_id, record.client)
            elif use.release_after is not None and rested >= use.release_after:
                self._give_back(use, record)

    def resume(self, bound: BoundNetwork, endpoints: Iterable[Endpoint]) -> None:
        """After a start: renew what endpoints hold, and rest what none does."""
        use, now = bound.dhcp_use(), moment()
        held = {each.id for each in endpoints if not each.deleting}
        for record in self._settled(bound.network.id):
            if use is None:
                return
            if record.endpoint_id in held or record.granted:
                lease = record.lease_in(now)
                self._clients.adopt(use.parent, wish_of(use, lease.identity), lease)
            elif record.endpoint_id is not None:
                self._rest(use, record)

    def renewed(self, network_id: NetworkID, lease: Lease) -> None:
        """A server granted it again; one that rests meanwhile rests on."""
        now = moment()
        with self._lock:
            for record in self._store.leases(network_id):
                if record.lease.identity == lease.identity and not record.is_resting:
                    self._store.save_lease(record.renewed(lease, now))

    def _expect(self, claim: Claim) -> None:
        """Save what a server offers before it is asked for: no lease is without a record, wherever we end."""
        offer = self.exchange.offer(claim)
        record = claim.offered(offer, moment())
        try:
            with self._lock:
                self._store.save_lease(record)
        except Exception:
            self._clients.rest(claim.use.parent, offer.identity.client_id)
            raise

    def _claim6(self, use: DhcpUse, endpoint: Endpoint) -> Claim | None:
        """The container has an IPv4 address, and may be to ask for IPv6."""
        if use.ipv6 is Ipv6.OFF or endpoint.ipv6_off:
            return None
        own = next(each for each in self._of(endpoint) if each.lease.address.version == 4)
        claim = self.seats.claim6(use, endpoint, own.lease.identity)
        self.claims.add(claim)
        return claim

    def _let_go(self, claim: Claim, lease: Lease) -> None:
        """The endpoint did not come to be, and the lease did."""
        with self._lock:
            network = self._store.network(claim.network_id)
            record = replace(claim.record(lease, moment()), endpoint_id=None, granted=False)
            if network and network.state is not NetworkState.DELETING:
                try:
                    self._store.save_lease(record)
                except StoreError as error:  # a lease without a record is nobody's
                    _log.error("lease.not_saved", address=lease.address, reason=error)
                else:
                    self._clients.rest(claim.use.parent, lease.identity.client_id)
                    return
        self._clients.release(claim.use.parent, lease)

    def _settled(self, network_id: NetworkID) -> list[LeaseRecord]:
        """Leases of which no call asks, nor for their endpoint; none begins to while the network's lock is held."""
        asked = self.claims.asked(network_id)  # read first: a call saves before it ends
        records = self._store.leases(network_id)
        return [each for each in records if not asked & {each.client, each.endpoint_id}]

    def _check_held(self, use: DhcpUse, record: LeaseRecord, seconds: float) -> None:
        """Rest one whose endpoint did not come to be, or that the engine did not use."""
        if record.endpoint_id is None:
            if seconds > _UNUSED_SECONDS:
                self._rest(use, replace(record, granted=False))
        elif self._store.endpoint(record.endpoint_id) is None:
            self._rest(use, record)

    def _rest(self, use: DhcpUse, record: LeaseRecord) -> None:
        """No endpoint has it now; what the engine was granted is not given back yet."""
        self._clients.rest(use.parent, record.lease.identity.client_id)
        now = moment()
        resting = replace(record, endpoint_id=None, lease=record.lease_in(now), since=now)
        with self._lock:
            self._store.save_lease(resting)
        if use.release_after == 0 and resting.is_resting:
            self._give_back(use, resting)

    def _of(self, endpoint: Endpoint) -> list[LeaseRecord]:
        records = self._store.leases(endpoint.network_id)
        return [each for each in records if each.endpoint_id == endpoint.id]

    def _give_back(self, use: DhcpUse, record: LeaseRecord) -> None:
        """The record goes last: a server passes over what a client gives back that has it no more."""
        self._clients.release(use.parent, record.lease)
        self._store.delete_lease(record.network_id, record.client)
