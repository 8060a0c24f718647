"""Pools and leases as rows of SQLite, and back.

An address is stored as its 4 or 16 bytes, which sort as addresses do.
"""

from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

from ipam.lease import Kind, Lease, Owner, State
from ipam.pool import AddressSpaceName, Pool, PoolID, Tenant
from ipam.prefixes import Address, AddressRange, parse_prefix, parse_range
from ipam.reservation import Reservation

PoolRow: TypeAlias = tuple[
    str, str, str, str, str, str, str | None, str | None, int, float, str | None, str | None
]
LeaseRow: TypeAlias = tuple[
    str,
    bytes,
    str,
    str,
    str | None,
    str | None,
    str | None,
    float,
    float | None,
    str | None,
]
ReservationRow: TypeAlias = tuple[str, str, bytes, str | None, str | None, str | None]


def pool_row(pool: Pool) -> PoolRow:
    return (
        pool.id,
        pool.space,
        pool.tenant,
        str(pool.prefix),
        _ranges_text(pool.ranges),
        _ranges_text(pool.exclusions),
        pool.owner,
        pool.network,
        int(pool.released),
        pool.requested,
        pool.group,
        pool.cluster,
    )


def pool_of(row: PoolRow) -> Pool:
    (
        pool_id,
        space,
        tenant,
        prefix,
        ranges,
        exclusions,
        owner,
        network,
        released,
        requested,
        group,
        cluster,
    ) = row
    return Pool(
        id=PoolID(pool_id),
        space=AddressSpaceName(space),
        tenant=Tenant(tenant),
        prefix=parse_prefix(prefix),
        ranges=_ranges(ranges),
        exclusions=_ranges(exclusions),
        owner=owner,
        network=network,
        released=bool(released),
        requested=requested,
        group=group,
        cluster=cluster,
    )


def lease_row(lease: Lease) -> LeaseRow:
    return (
        lease.pool,
        lease.address.packed,
        lease.kind,
        lease.state,
        lease.owner.name,
        lease.owner.mac,
        lease.owner.tag,
        lease.since,
        lease.until,
        lease.endpoint,
    )


def lease_of(row: LeaseRow) -> Lease:
    pool, address, kind, state, name, mac, tag, since, until, endpoint = row
    return Lease(
        pool=PoolID(pool),
        address=address_of(address),
        kind=Kind(kind),
        state=State(state),
        owner=Owner(name=name, mac=mac, tag=tag),
        since=since,
        until=until,
        endpoint=endpoint,
    )


def reservation_row(reservation: Reservation) -> ReservationRow:
    owner = reservation.owner
    return (
        reservation.space,
        reservation.tenant,
        reservation.address.packed,
        owner.name,
        owner.mac,
        owner.tag,
    )


def reservation_of(row: ReservationRow) -> Reservation:
    space, tenant, address, name, mac, tag = row
    return Reservation(
        space=AddressSpaceName(space),
        tenant=Tenant(tenant),
        address=address_of(address),
        owner=Owner(name=name, mac=mac, tag=tag),
    )


def address_of(packed: bytes) -> Address:
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


def _ranges_text(ranges: tuple[AddressRange, ...]) -> str:
    return ",".join(map(str, ranges))


def _ranges(text: str) -> tuple[AddressRange, ...]:
    return tuple(parse_range(item) for item in text.split(",") if item)
