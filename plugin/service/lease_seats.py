"""As whom a container asks a DHCP server, and what is remembered of that.

By the MAC address that its user chose, else by its name, else by an address that was asked for, else by a seat: seats of a network are numbered, and
a container without a name has the one that was left last, so that one that is restarted finds its own again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from itertools import count

from plugin.dhcp.identity import (
    identity6_of,
    identity_beside_others,
    identity_of_mac,
    identity_of_text,
)
from plugin.drivers.base import BoundNetwork
from plugin.drivers.dhcp import NAME, DhcpUse
from plugin.errors import RefusedError
from plugin.model.ids import EndpointID, MacAddress, NetworkID, short
from plugin.model.leases import Identity, Lease, LeaseRecord
from plugin.model.network import Endpoint, EndpointState, IPAddress
from plugin.service.claims import Claim, Claims, wish_of
from plugin.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """What the engine says of a container when its address must be asked for."""

    network_id: NetworkID
    endpoint_id: EndpointID | None = None
    mac: MacAddress | None = None
    name: str | None = None
    address: IPv4Address | None = None


def asker_of(endpoint: Endpoint) -> Asker:
    """Whom an endpoint without an address is for."""
    return Asker(
        network_id=endpoint.network_id,
        endpoint_id=endpoint.id,
        mac=endpoint.mac_address or None,
        name=NAME.of(endpoint.options),
    )


def leased(use: DhcpUse, wanted: Endpoint, lease: Lease) -> Endpoint:
    """The endpoint with what a server or router granted; one that has its parent's MAC address is told none."""
    if lease.address.version == 6:
        return replace(wanted, ipv6=lease.ipv6)
    has_parents = lease.identity.mac in (use.shared_mac, use.only_mac)
    mac = MacAddress("") if has_parents else lease.identity.mac
    return replace(wanted, mac_address=mac, ipv4=lease.ipv4, facts=lease.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """An identity; ``number`` is None if it has a name or a MAC address of its own."""

    identity: Identity
    number: int | None = None
    known: LeaseRecord | None = None


class Seats:
    """Called with the network's lock held."""

    def __init__(self, store: Store, claims: Claims) -> None:
        self._store = store
        self._claims = claims

    def of(self, asker: Asker, use: DhcpUse) -> Seat:
        """Raises RefusedError for an identity that another container has."""
        if use.only_mac:
            self._refuse_second(asker)
            asker = replace(asker, mac=asker.mac or use.only_mac)
        records = [
            each for each in self._store.leases(asker.network_id) if each.lease.address.version == 4
        ]
        if asker.mac or asker.name:
            return self._own(asker, records, use)
        if asker.address:
            return self._at(asker.address, asker, records, use)
        own = [
            each for each in records if asker.endpoint_id and each.endpoint_id == asker.endpoint_id
        ]
        free = [each for each in records if each.seat is not None and self._is_free(each)]
        for known in own or sorted(free, key=_when_left, reverse=True):
            return Seat(identity=known.lease.identity, number=known.seat, known=known)
        taken = {each.seat for each in records} | self._claims.seats(asker.network_id)
        clients = {each.client for each in records}  # a seat's address may have been chosen since
        for number in (each for each in count() if each not in taken):
            identity = _identity(use, "seat", str(number))
            if identity.client_id.hex() not in clients:
                break
        return Seat(identity=identity, number=number)

    def claim6(self, use: DhcpUse, endpoint: Endpoint, own: Identity) -> Claim:
        """For IPv6, of the container that has its IPv4 address as ``own``."""
        identity = identity6_of(own)
        records = self._store.leases(endpoint.network_id)
        return Claim(
            use=use,
            network_id=endpoint.network_id,
            endpoint_id=endpoint.id,
            wish=wish_of(use, identity),
            seat=None,
            known=next((each for each in records if each.lease.identity == identity), None),
        )

    def refuse_taken(self, wanted: Endpoint) -> None:
        """Refuse an address of the IPAM that a running container has: an engine does not compare."""
        if wanted.ipv4 is None:
            return
        record = latest_at(wanted.ipv4.ip, self._store.leases(wanted.network_id))
        other = self._store.endpoint(record.endpoint_id) if record and record.endpoint_id else None
        if record and other and other.id != wanted.id and other.joined and not other.deleting:
            raise RefusedError(
                f"address {record.lease.address.ip} is that of a running container of this network; "
                "choose another --ip"
            )

    def _own(self, asker: Asker, records: Sequence[LeaseRecord], use: DhcpUse) -> Seat:
        if asker.mac:
            identity = identity_of_mac(asker.mac, asker.name)
        else:
            name = asker.name
            identity = _identity(use, "name", name or "", name=name)
        client = identity.client_id.hex()
        self._refuse_asked(asker, identity)
        known = next((each for each in records if each.client == client), None)
        if known and asker.endpoint_id:  # else the engine says the name, and has one of it
            self._refuse_twice(asker, known)
        return Seat(identity=identity, known=known)

    def _at(
        self,
        address: IPv4Address,
        asker: Asker,
        records: Sequence[LeaseRecord],
        use: DhcpUse,
    ) -> Seat:
        """No container without a name or an address is given it from now on."""
        known = latest_at(address, records)
        own = _identity(use, "address", str(address))
        identity = known.lease.identity if known else own
        self._refuse_asked(asker, identity)
        return Seat(identity=identity, known=known)

    def _is_free(self, record: LeaseRecord) -> bool:
        """Also one of a container that has ended and is not deleted: an engine that was killed deletes none."""
        if record.granted or self._claims.has(record.network_id, record.client):
            return False
        other = self._store.endpoint(record.endpoint_id) if record.endpoint_id else None
        return record.is_resting or (other is not None and other.state is EndpointState.LEFT)

    def _refuse_second(self, asker: Asker) -> None:
        """The kernel would, when the container joins."""
        for other in self._store.endpoints(asker.network_id):
            if other.id != asker.endpoint_id and other.joined and not other.deleting:
                raise RefusedError(
                    "macvlan_mode is passthru, by which one container has the parent, and that with "
                    f"{other.ipv4.ip if other.ipv4 else 'no address'} does; stop it, or choose "
                    "macvlan_mode=bridge"
                )

    def _refuse_asked(self, asker: Asker, identity: Identity) -> None:
        """Another container is being started with it; a name may be asked for by one again."""
        claim = self._claims.has(asker.network_id, identity.client_id.hex())
        is_again = claim and (asker.mac or asker.name) and claim.endpoint_id == asker.endpoint_id
        if claim and not is_again:
            raise RefusedError(
                f"{_named(asker)} is that of a container of this network that is being started; "
                "choose another"
            )

    def _refuse_twice(self, asker: Asker, record: LeaseRecord) -> None:
        """The container with that MAC address or name has the address, and would lose it."""
        other = self._store.endpoint(record.endpoint_id) if record.endpoint_id else None
        if other and other.id != asker.endpoint_id and other.joined and not other.deleting:
            raise RefusedError(
                f"{_named(asker)} is that of a running container of this network, which has "
                f"{record.lease.address.ip} by it; choose another, or stop that container"
            )


def _when_left(record: LeaseRecord) -> tuple[bool, float]:
    """Resting ones left when they began to rest; one whose container is not deleted yet left last."""
    return not record.is_resting, record.since.wall


def latest_at(address: IPAddress | None, records: Sequence[LeaseRecord]) -> LeaseRecord | None:
    """Who has an address: a server gives it to another when a lease has ended, and that one rests."""
    found = [each for each in records if each.lease.address.ip == address]
    return max(found, key=lambda each: (not each.is_resting, each.since.wall), default=None)


def first_identity(use: DhcpUse) -> Identity:
    """Whom a new network's first container without a name asks as."""
    if use.only_mac:
        return identity_of_mac(use.only_mac)
    return _identity(use, "seat", "0")


def refuse_same_identity(bound: BoundNetwork, other: BoundNetwork) -> None:
    """Refuse a network whose containers would ask as those of another.  Raises RefusedError."""
    mine, theirs = bound.dhcp_use(), other.dhcp_use()
    if mine and theirs and (mine.parent, mine.key) == (theirs.parent, theirs.key):
        raise RefusedError(
            f"option identity is {mine.terms.identity}, and network {short(other.network.id)} on "
            f"{mine.parent} has the same, whose containers would have the same addresses; choose another"
        )


def _identity(use: DhcpUse, *text: str, name: str | None = None) -> Identity:
    if use.shared_mac:
        return identity_beside_others(use.shared_mac, use.key, *text, name=name)
    return identity_of_text(use.key, *text, name=name)


def _named(asker: Asker) -> str:
    if asker.mac:
        return f"MAC address {asker.mac}"
    return f"name {asker.name}" if asker.name else f"address {asker.address}"
