"""Addresses that are kept for an owner, on whichever host it runs.

No host has the block of such an address.  A host claims the address alone while its owner is there, and others are refused
meanwhile.  So no host has to know what is kept before it gives an address from its own blocks.
"""

from secrets import token_hex

from ipam.blocks.base import Identity, Registry
from ipam.blocks.keys import (
    BLOCKS,
    KEPT,
    block_key,
    block_of,
    blocks_of,
    host_key,
    kept_key,
    kept_of,
    parsed,
    pool_of,
)
from ipam.blocks.layout import KEPT_BLOCK, block_around, block_length, is_kept
from ipam.blocks.membership import TRIES, busy, check_admitted, is_written
from ipam.errors import AddressReservedError, InvalidAddressError
from ipam.prefixes import Address, Prefix, parse_address


def read_all_kept(registry: Registry) -> dict[Prefix, dict[Address, str]]:
    """For whom each address is kept, by pool.  Raises UnavailableError."""
    kept: dict[Prefix, dict[Address, str]] = {}
    for (pool, address), _, owner in parsed(registry.read(KEPT), _kept_of):
        kept.setdefault(pool, {})[address] = owner
    return kept


def keep(
    registry: Registry, identity: Identity, pool: Prefix, address: Address, owner: str
) -> None:
    """Keep an address for an owner, on all hosts; may be repeated.

    Raises AddressReservedError if it is kept for another, InvalidAddressError if a host has its block;
    NotAdmittedError, UnavailableError, UnknownOutcomeError.
    """
    block, key = block_around(pool, address), kept_key(pool, address)
    if block.prefixlen == pool.max_prefixlen:
        raise InvalidAddressError(
            f"pool {pool} is too small to keep addresses for all hosts; use a larger subnet"
        )
    for _ in range(TRIES):
        found = registry.read(key).get(key)
        if found is not None:
            _check_same(address, found, owner)
            return
        claimed = registry.read(blocks_of(pool))
        before = claimed.get(block_key(pool, block))
        if before is not None and not is_kept(before):
            raise InvalidAddressError(
                f"address {address} of {pool} is in block {block} of host {before.partition(' ')[0][:12]}; "
                f"choose one of a block that no host has{_example(pool, claimed)}"
            )
        given = {block_key(pool, block): before, key: None}
        given[host_key(identity.host)] = str(identity)
        writes = {block_key(pool, block): f"{KEPT_BLOCK} {token_hex(4)}", key: owner}
        if is_written(registry, given, writes, block_key(pool, block)):
            return
        check_admitted(registry, identity)
    raise busy(pool)


def give_up(registry: Registry, pool: Prefix, address: Address) -> bool:
    """Keep the address no longer; answer whether it was; may be repeated.

    Raises UnavailableError, UnknownOutcomeError.
    """
    key = kept_key(pool, address)
    found = registry.read(key).get(key)
    if found is not None:
        registry.commit({key: found}, {key: None})
    free_kept(registry, pool, block_around(pool, address))
    return found is not None


def free_kept(registry: Registry, pool: Prefix, block: Prefix) -> None:
    """Let hosts have a block of which no address is kept or in use any more.

    Raises UnavailableError, UnknownOutcomeError.
    """
    key = block_key(pool, block)
    claimed = registry.read(blocks_of(pool))
    before = claimed.get(key)
    in_use = (each for each, _, _ in parsed(claimed, block_of))
    used = any(each != block and each.network_address in block for each in in_use)
    kept = (each for each, _, _ in parsed(registry.read(kept_of(pool)), _address_of))
    if is_kept(before) and not used and not any(each in block for each in kept):
        registry.commit({key: before}, {key: None})


def free_all_kept(registry: Registry) -> None:
    """The same for all blocks: a host may have ended as it gave up the last address of one.

    Raises UnavailableError, UnknownOutcomeError.
    """
    kept = read_all_kept(registry)
    for (pool, block), _, value in parsed(registry.read(BLOCKS), _place_of):
        if is_kept(value) and not any(each in block for each in kept.get(pool, ())):
            free_kept(registry, pool, block)


def _place_of(key: str) -> tuple[Prefix, Prefix]:
    return pool_of(key), block_of(key)


def _kept_of(key: str) -> tuple[Prefix, Address]:
    return pool_of(key), _address_of(key)


def _address_of(key: str) -> Address:
    return parse_address(key.rpartition("/")[2])


def _check_same(address: Address, found: str, owner: str) -> None:
    if found != owner:
        raise AddressReservedError(
            f"address {address} is reserved for {found.replace('=', ' ', 1)}, not for "
            f"{owner.replace('=', ' ', 1)}; unreserve it first"
        )


def _example(pool: Prefix, claimed: dict[str, str]) -> str:
    """One such block, from the end, where hosts seldom begin."""
    length = block_length(pool)
    last = int(pool.broadcast_address)
    for back in range(min(1 << (length - pool.prefixlen), 1024)):
        start = last - (back << (pool.max_prefixlen - length))
        block = block_around(pool, pool.network_address + (start - int(pool.network_address)))
        if claimed.get(block_key(pool, block)) is None or is_kept(claimed[block_key(pool, block)]):
            return f", as of {block}"
    return ""
