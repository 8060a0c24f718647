"""The addresses of a pool one by one, 256 at a time: what each is, and whose."""

from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, Final

from ipam.lease import Kind, Lease
from ipam.pool import Pool
from ipam.prefixes import Address, usable
from ipam.reservation import Reservation
from plugin.errors import RefusedError

_BLOCK: Final = 256
_MOST_BLOCKS: Final = 256  # listed; a pool of more than that in use is a rare one
_GATEWAY: Final = "gateway"
_KEPT: Final = "kept"
_NEVER: Final = "never"

_Mark = tuple[str, str]  # state and owner


def address_map(
    pool: Pool, leases: Iterable[Lease], reservations: Iterable[Reservation], at: str
) -> dict[str, Any]:
    """The ``cells`` of the 256 addresses with ``at`` among them that are not free.

    ``blocks`` are those in which an address is taken; without ``at`` the first of them is shown.

    Raises RefusedError if ``at`` is no address of the pool.
    """
    marks = _marks(pool, leases, reservations)
    blocks = sorted(Counter(_first(pool, address) for address in marks).items())
    if at:
        first = _first(pool, _read(pool, at))
    else:
        first = blocks[0][0] if blocks else int(pool.prefix.network_address)
    size = min(_BLOCK, pool.prefix.num_addresses)
    base = pool.prefix.network_address
    shown = [base + (first - int(base) + number) for number in range(size)]
    return {
        "pool": pool.id,
        "prefix": str(pool.prefix),
        "first": str(shown[0]),
        "size": size,
        "blocks": [
            {"first": str(base + (number - int(base))), "taken": taken}
            for number, taken in blocks[:_MOST_BLOCKS]
        ],
        "unlisted": max(0, len(blocks) - _MOST_BLOCKS),
        "cells": [
            {"address": str(each), "state": mark[0], "owner": mark[1]}
            for each in shown
            if (mark := marks.get(each) or _unmarked(pool, each))
        ],
    }


def _marks(
    pool: Pool, leases: Iterable[Lease], reservations: Iterable[Reservation]
) -> dict[Address, _Mark]:
    """Every address that is held or kept; one that is both is held."""
    marks: dict[Address, _Mark] = {
        each.address: (_KEPT, str(each.owner))
        for each in reservations
        if (each.space, each.tenant) == (pool.space, pool.tenant) and each.address in pool.prefix
    }
    for lease in leases:
        state = _GATEWAY if lease.kind is Kind.GATEWAY else lease.state.value
        marks[lease.address] = state, str(lease.owner) if lease.owner else ""
    return marks


def _unmarked(pool: Pool, address: Address) -> _Mark | None:
    """Nothing, if the address is free."""
    never = address not in usable(pool.prefix) or pool.is_excluded(address)
    return (_NEVER, "") if never else None


def _first(pool: Pool, address: Address) -> int:
    """The first address of its block, which in a small pool is the pool's."""
    return max(int(address) // _BLOCK * _BLOCK, int(pool.prefix.network_address))


def _read(pool: Pool, at: str) -> Address:
    try:
        found = ip_address(at)
        if found in pool.prefix:
            return found
    except ValueError:
        pass
    raise RefusedError(f"at is {at!r}, expected an address of {pool.prefix}")
