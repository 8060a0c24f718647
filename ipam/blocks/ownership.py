"""Claiming blocks, giving them back, and finding again what a lost answer or a crash left claimed.

A block may be used once the registry has this host at its key *and* the ledger has it on disk.  The key is
written first and removed last, so whatever happens in between leaves the block to no other host.
"""

from collections.abc import Sequence
from secrets import token_hex
from typing import Final

from ipam.blocks.base import Identity, Ledger, Registry
from ipam.blocks.kept import free_kept
from ipam.blocks.keys import block_key, block_of, blocks_of, host_key, parsed
from ipam.blocks.layout import KEPT_BLOCK, block_around, block_length, in_order, is_kept
from ipam.blocks.membership import check_admitted, is_written
from ipam.errors import PoolFullError
from ipam.prefixes import Address, AddressRange, Prefix, alone

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

    def claim(
        self,
        pool: Prefix,
        containing: Address | None = None,
        without: Sequence[AddressRange] = (),
    ) -> Prefix:
        """One more block of the pool, or the one that contains this address; answer it.

        One more has addresses beside those ``without`` which the pool is.
        Raises PoolFullError if other hosts have all, or that one; NotAdmittedError, UnavailableError,
        UnknownOutcomeError (the next claim finds it), StoreError.
        """
        for _ in range(_TRIES):
            claimed = self._claimed(pool)
            found = self._found_again(pool, claimed)
            if found is not None and _serves(pool, found, containing):
                return found
            block = self._wanted(pool, claimed, containing, without)
            if containing is not None and is_kept(claimed.get(block)):
                single = self._claimed_alone(pool, containing, claimed)
                if single is not None:
                    return single
                self._check_admitted()
                continue
            if self._identity.owns(claimed.get(block)):
                if block in self._ledger.blocks(pool):
                    return block
            elif self._is_claimed(pool, block, None):
                self._ledger.add(pool, block)
                return block
            else:
                self._check_admitted()
        raise PoolFullError(f"other hosts claim blocks of {pool} faster than this one; try again")

    def find_again(self, pool: Prefix) -> None:
        """Own what the registry alone has as this host's: a process ended as it claimed that, or gave it back.

        Raises UnavailableError, UnknownOutcomeError, StoreError.
        """
        claimed = self._claimed(pool)
        while self._found_again(pool, claimed) is not None:
            pass

    def give_back(self, pool: Prefix, block: Prefix) -> None:
        """Let another host have a block of which no address is in use; may be repeated.

        Raises UnavailableError, UnknownOutcomeError, StoreError; the next claim then takes it again.
        """
        self._ledger.drop(pool, block)
        key = block_key(pool, block)
        value = self._registry.read(key).get(key)
        if self._identity.owns(value):
            self._registry.commit({key: value}, {key: None})
        if block.prefixlen > block_length(pool):
            free_kept(self._registry, pool, block_around(pool, block.network_address))

    def _claimed(self, pool: Prefix) -> dict[Prefix, str]:
        found = self._registry.read(blocks_of(pool))
        return {block: value for block, _, value in parsed(found, block_of)}

    def _claimed_alone(
        self, pool: Prefix, address: Address, claimed: dict[Prefix, str]
    ) -> Prefix | None:
        """The address alone, of a block that is kept; None if others changed that meanwhile.

        Raises PoolFullError if another host has it.
        """
        single, around = alone(address), block_around(pool, address)
        value = claimed.get(single)
        if self._identity.owns(value):
            # Written anew before it is used, as in `_found_again`.
            if single not in self._ledger.blocks(pool):
                if not self._is_claimed(pool, single, value):
                    return None
                self._ledger.add(pool, single)
            return single
        if value is not None:
            raise PoolFullError(
                f"address {address} of {pool} is in use on host {value.partition(' ')[0][:12]}; remove its "
                f"container there"
            )
        key, block = block_key(pool, single), block_key(pool, around)
        given = {block: claimed[around], key: None, **self._me()}
        owned = f"{self._identity.owner} {token_hex(4)}"
        writes = {block: f"{KEPT_BLOCK} {token_hex(4)}", key: owned}
        if not is_written(self._registry, given, writes, key):
            return None
        self._ledger.add(pool, single)
        return single

    def _me(self) -> dict[str, str]:
        return {host_key(self._identity.host): str(self._identity)}

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
        self,
        pool: Prefix,
        claimed: dict[Prefix, str],
        containing: Address | None,
        without: Sequence[AddressRange],
    ) -> Prefix:
        if containing is None:
            for block in in_order(pool, self._identity.host, without):
                if block not in claimed:
                    return block
            raise PoolFullError(
                f"every block of {pool} is a host's; remove containers, forget hosts that are gone, or use "
                f"a larger subnet"
            )
        block = block_around(pool, containing)
        value = claimed.get(block)
        if value is not None and not self._identity.owns(value) and not is_kept(value):
            raise PoolFullError(
                f"address {containing} of {pool} is in block {block} of host {value.partition(' ')[0][:12]}; "
                f"choose another, or run the container there"
            )
        return block

    def _is_claimed(self, pool: Prefix, block: Prefix, before: str | None) -> bool:
        """Whether the block is this host's now: its key was as ``before``, and the host is admitted."""
        key = block_key(pool, block)
        value = f"{self._identity.owner} {token_hex(4)}"
        return is_written(self._registry, {key: before, **self._me()}, {key: value}, key)

    def _check_admitted(self) -> None:
        check_admitted(self._registry, self._identity)


def _serves(pool: Prefix, block: Prefix, containing: Address | None) -> bool:
    """Whether a block that was found again is what is asked for: an address alone is no block."""
    if containing is not None:
        return containing in block
    return block.prefixlen == block_length(pool)
