"""Claiming blocks, giving them back, and finding again what a lost answer or a crash left claimed.

A block may be used once the registry has this host at its key *and* the ledger has it on disk.  The key is
written first and removed last, so whatever happens in between leaves the block to no other host.
"""

from collections.abc import Iterator
from hashlib import sha256
from ipaddress import ip_network
from secrets import token_hex
from typing import Final

from ipam.blocks.base import Identity, Ledger, NotAdmittedError, Registry, UnknownOutcomeError
from ipam.blocks.keys import block_key, block_of, blocks_of, host_key
from ipam.errors import PoolFullError
from ipam.prefixes import Address, Prefix

V4_BLOCK: Final = 64  # addresses
V6_BLOCK: Final = 1 << 16
_FEWEST: Final = 4  # blocks of a small pool, so that as many hosts have one
_TRIES: Final = 8  # others that claim the same block at the same moment


class Blocks:
    """The blocks of one admitted host."""

    def __init__(self, registry: Registry, ledger: Ledger, identity: Identity) -> None:
        self._registry = registry
        self._ledger = ledger
        self._identity = identity

    def owned(self, pool: Prefix) -> list[Prefix]:
        """What this host may give addresses from; asks no other host.  Raises StoreError."""
        return self._ledger.blocks(pool)

    def claim(self, pool: Prefix, containing: Address | None = None) -> Prefix:
        """One more block of the pool, or the one that contains this address; answer it.

        Raises PoolFullError if other hosts have all, or that one; NotAdmittedError, UnavailableError,
        UnknownOutcomeError (the next claim finds it), StoreError.
        """
        for _ in range(_TRIES):
            claimed = {
                block_of(key): value for key, value in self._registry.read(blocks_of(pool)).items()
            }
            found = self._found_again(pool, claimed)
            if found is not None and (containing is None or containing in found):
                return found
            block = self._wanted(pool, claimed, containing)
            if self._identity.owns(claimed.get(block)):
                if block in self._ledger.blocks(pool):
                    return block
            elif self._is_claimed(pool, block, None):
                self._ledger.add(pool, block)
                return block
            else:
                self._check_admitted()
        raise PoolFullError(f"other hosts claim blocks of {pool} faster than this one; try again")

    def give_back(self, pool: Prefix, block: Prefix) -> None:
        """Let another host have a block of which no address is in use; may be repeated.

        Raises UnavailableError, UnknownOutcomeError, StoreError; the next claim then takes it again.
        """
        self._ledger.drop(pool, block)
        key = block_key(pool, block)
        value = self._registry.read(key).get(key)
        if self._identity.owns(value):
            self._registry.commit({key: value}, {key: None})

    def _found_again(self, pool: Prefix, claimed: dict[Prefix, str]) -> Prefix | None:
        """A block that is this host's in the registry alone; None if there is none.

        Its value is written anew first.  A deletion that was sent before and is still under way is of
        the old value, and comes to nothing then.
        """
        owned = self._ledger.blocks(pool)
        for block, value in claimed.items():
            if (
                block not in owned
                and self._identity.owns(value)
                and self._is_claimed(pool, block, value)
            ):
                self._ledger.add(pool, block)
                return block
        return None

    def _wanted(
        self, pool: Prefix, claimed: dict[Prefix, str], containing: Address | None
    ) -> Prefix:
        if containing is None:
            for block in _in_order(pool, self._identity.host):
                if block not in claimed:
                    return block
            raise PoolFullError(
                f"every block of {pool} is a host's; remove containers, forget hosts that are gone, or use "
                f"a larger subnet"
            )
        length = block_length(pool)
        bits = pool.max_prefixlen - length
        block = ip_network((int(containing) >> bits << bits, length))
        value = claimed.get(block)
        if value is not None and not self._identity.owns(value):
            raise PoolFullError(
                f"address {containing} of {pool} is in block {block} of host {value.partition(' ')[0]}; "
                f"choose another, or run the container there"
            )
        return block

    def _is_claimed(self, pool: Prefix, block: Prefix, before: str | None) -> bool:
        """Whether the block is this host's now: its key was as ``before``, and the host is admitted."""
        key = block_key(pool, block)
        value = f"{self._identity.owner} {token_hex(4)}"
        given = {key: before, host_key(self._identity.host): str(self._identity)}
        try:
            return self._registry.commit(given, {key: value})
        except UnknownOutcomeError:
            if self._registry.read(key).get(key) == value:
                return True
            raise  # the write may yet come: the next claim finds it

    def _check_admitted(self) -> None:
        key = host_key(self._identity.host)
        if self._registry.read(key).get(key) != str(self._identity):
            raise NotAdmittedError(
                f"host {self._identity.host} is another machine's in the cluster, or was forgotten; "
                f"restart pynet to see which"
            )


def block_length(pool: Prefix) -> int:
    """How long the prefixes of the pool's blocks are: /26 and /112, longer in a small pool."""
    size = V4_BLOCK if pool.version == 4 else V6_BLOCK
    usual = pool.max_prefixlen - size.bit_length() + 1
    return min(pool.max_prefixlen, max(usual, pool.prefixlen + _FEWEST.bit_length() - 1))


def _in_order(pool: Prefix, host: str) -> Iterator[Prefix]:
    """The pool's blocks from one on that depends on the host, so that hosts seldom want the same."""
    length = block_length(pool)
    count = 1 << (length - pool.prefixlen)
    first = int.from_bytes(sha256(host.encode()).digest()[:8]) % count
    step = 1 << (pool.max_prefixlen - length)
    for number in range(count):
        start = int(pool.network_address) + (first + number) % count * step
        yield ip_network((start, length))
