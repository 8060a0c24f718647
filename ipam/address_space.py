"""One address space: its pools, which never overlap within a tenant, and one lock.

The store is authoritative, and every operation is one transaction of it.  The memory of this
object changes when the store has kept an operation.  It is read again when another process
changed a pool, and after any failure.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ipam.addresses import PoolAddresses
from ipam.attempt import Attempt, Times
from ipam.election import is_allocated, is_confirmed, is_displaced, is_given_up
from ipam.errors import InvalidRequestError, RefusedError, UnknownPoolError
from ipam.held_pools import HeldPools, exhausted, overlap
from ipam.kept_addresses import KeptAddresses
from ipam.mirror import is_mirror
from ipam.pool import GLOBAL, AddressSpaceName, Pool, PoolID
from ipam.pool_group import PoolGroup
from ipam.pool_request import WantedPool
from ipam.prefixes import Address, Prefix, alone
from ipam.replay import LostPool, is_owned, repeats
from ipam.reservation import Reservation
from ipam.settings import Settings
from ipam.shared import check_shareable
from ipam.store.base import Disk, Store, Transaction
from ipam.store.host_facts import HostFacts
from ipam.timed_lock import TimedLock

T = TypeVar("T")


class AddressSpace:
    """The pools of one address space, of all tenants.

    Everything but ``run`` itself is called in an operation that it runs.
    """

    def __init__(
        self, name: AddressSpaceName, store: Store, settings: Settings, facts: HostFacts
    ) -> None:
        self._name = name
        self._store = store
        self._settings = settings
        self._facts = facts
        self._lock = TimedLock(f"address space {name}")
        self._held = HeldPools()
        self._kept = KeptAddresses()
        self._revision = -1

    def run(self, operation: Callable[[Attempt], T], times: Times, disk: Disk = Disk.AWAITED) -> T:
        """Run the operation as a whole, durably, and alone; answer what it answered.

        Raises StoreError, and all that the operation raises; nothing has changed then (but ``Disk``).
        """
        with self._lock:
            try:
                answer, attempt = self._store.run(
                    partial(self._attempt, operation, times), on_disk=disk is Disk.AWAITED
                )
                attempt.was_kept()
            except (InvalidRequestError, RefusedError):
                raise
            except BaseException:
                # Whether the store kept it may be unknown: all is read again.
                self._held = HeldPools()
                self._revision = -1
                raise
        if disk is Disk.AWAITED_BESIDE:
            self._store.sync()
        return answer

    def prefixes(self) -> list[Prefix]:
        """Every prefix that is held here, of all tenants."""
        return [each.pool.prefix for each in self._held]

    def get(self, pool: PoolID) -> PoolAddresses:
        """The addresses of this pool.  Raises UnknownPoolError if it is not held."""
        found = self._held.get(pool)
        if found is None:
            raise UnknownPoolError(
                f"pool {pool} is not held; recreate the network, or restart Docker if the network "
                f"is of another driver than pynet and pynet's state was lost"
            )
        return found

    def group_of(self, pool: PoolID) -> PoolGroup:
        """This pool and those that stand in for it.  Raises UnknownPoolError if it is not held."""
        home = self.get(pool)
        first = self._held.of_version(4, home) if is_allocated(home.pool) else []
        return PoolGroup([home, *self._held.siblings(home)], first)

    def holding(
        self, prefix: Prefix, address: Address, endpoint: str | None, at: Attempt
    ) -> PoolAddresses | None:
        """The pool with this prefix in which the endpoint has, or waits for, the address.

        A network driver does not know the tenant.  Of several tenants' pools the one with the
        right lease is answered, or None.
        """
        found = self._held.at(prefix)
        if len(found) == 1:
            return found[0]
        return next((each for each in found if each.expects(address, endpoint, at)), None)

    def place(self, wanted: WantedPool, prefix: Prefix, at: Attempt) -> Pool:
        """Hold exactly this pool, or answer the one that its owner has already.

        Raises PoolOverlapError, InvalidOptionError.
        """
        pool = wanted.placed(prefix, at.now)
        found = self._held.overlapping(pool.tenant, prefix)
        if found is None or self._give_up(pool, at):
            check_shareable(pool, self._facts)
            return self._add(pool, at).pool
        if not self._repeats(found.pool, pool, at):
            raise overlap(pool, found.pool)
        at.once_kept(partial(found.was_asked_again, at.now))
        # Who asks is known later, or never: until then nothing is confirmed (``group``).
        kept = is_allocated(found.pool) or is_mirror(found.pool)
        requested = found.pool.requested if kept else at.now
        return self._change(found, replace(found.pool, requested=requested, released=False), at)

    def place_anywhere(self, wanted: WantedPool, occupied: Sequence[Prefix], at: Attempt) -> Pool:
        """Hold the first pool that is clear of all others and of ``occupied``.

        Raises PoolsExhaustedError.
        """
        if wanted.request.owner is not None:
            for each in self._held:
                if is_owned(each.pool, wanted):
                    return each.pool
        sources = [
            source for source in self._settings.pools if source.base.version == wanted.version
        ]
        for source in sources:
            length = wanted.length or source.size
            prefix = self._held.gap(source, length, occupied)
            if prefix is not None:
                return self.place(wanted, prefix, at)
        raise exhausted(wanted, sources, f"{len(self._held)} pools and {len(occupied)} prefixes")

    def release(self, pool: PoolID, at: Attempt) -> None:
        """Release the pool, now or when the network that uses it is gone."""
        found = self._held.get(pool)
        if found is None or is_allocated(found.pool):
            # What swarm gives back before it frees the network is what it asked for a second one.
            return
        if found.pool.network is None:
            self._drop(found.pool, at)
        elif found.awaits_second_release():
            at.once_kept(found.was_released_once)
        else:
            self._change(found, replace(found.pool, released=True), at)

    def group(self, network: str, prefixes: Sequence[Prefix], at: Attempt, *, again: bool) -> None:
        """Record that this network uses the pools with these prefixes.  Raises PoolInUseError."""
        is_gone = partial(is_displaced, times=at.times, again=again)
        chosen = [self._held.to_use(network, prefix, is_gone) for prefix in prefixes]
        for found in filter(None, chosen):
            if found.pool.network is not None:
                at.once_kept(found.was_allocated_again)
            used = replace(found.pool, network=network)
            if used.space == GLOBAL:
                used = replace(used, requested=at.now)
            self._change(found, used, at)
        for found in self._held.of_network(network):
            # The network was allocated before: this is a new leader's round.
            if is_allocated(found.pool) and not is_confirmed(found.pool, at.times):
                self._change(found, replace(found.pool, requested=at.now), at)
                at.once_kept(found.was_allocated_again)

    def ungroup(self, network: str, at: Attempt, *, deleted: bool) -> None:
        """Record that the network is gone, and drop its pools that were released.

        If the engine itself ``deleted`` it, all are dropped: a release may have been lost.
        """
        for found in self._held.of_network(network):
            if found.pool.released or deleted:
                self._drop(found.pool, at)
            else:
                self._change(found, replace(found.pool, network=None), at)

    def pool_for(self, network: str, prefix: Prefix) -> Pool | None:
        """The pool with this prefix that the network uses, or will be taken to use."""
        return self._held.pool_for(network, prefix)

    def restore_pool(
        self, wanted: WantedPool, prefix: Prefix, known: LostPool, at: Attempt
    ) -> bool:
        """Hold a pool as its network knows it; answer False if it is held.

        Raises PoolOverlapError, InvalidOptionError.
        """
        pool = wanted.placed(prefix, at.now)
        if self._held.get(pool.id) is not None:
            return False
        in_the_way = self._held.overlapping(pool.tenant, prefix)
        if in_the_way is not None:
            raise overlap(pool, in_the_way.pool)
        found = self._add(replace(pool, network=known.network), at)
        for used in known.used:
            if used.address in prefix:
                found.restore(used, at)
        return True

    def reserve(self, reservations: Sequence[Reservation], at: Attempt) -> None:
        """Keep the addresses for their owners, all of them or none.

        The next operation reads them, as it would another process's.

        Raises AddressReservedError, InvalidAddressError.
        """
        self.check_reservations(reservations)
        for each in reservations:
            pool = self._pool_around(each)
            if pool is not None:
                pool.clear_for(each.address, at)
            at.reservations.put(each)

    def check_reservations(self, reservations: Sequence[Reservation]) -> None:
        """Refuse reservations that contradict those there are, or each other.

        Raises AddressReservedError, InvalidAddressError.
        """
        self._kept.check(reservations, self._pool_around)

    def unreserve(self, reservation: Reservation, at: Attempt) -> bool:
        """Remove the reservation of this address; answer if there was one."""
        if not self._kept.has(reservation):
            return False
        at.reservations.remove(reservation)
        return True

    def _attempt(
        self, operation: Callable[[Attempt], T], times: Times, transaction: Transaction
    ) -> tuple[T, Attempt]:
        attempt = Attempt(transaction, times)
        self._refresh(attempt)
        return operation(attempt), attempt

    def _refresh(self, at: Attempt) -> None:
        """Read what another process changed, before the attempt itself changes anything."""
        revision = at.pools.revision(self._name)
        if revision == self._revision:
            return
        known, self._held = self._held, HeldPools()
        self._kept = KeptAddresses(r for r in at.reservations.all() if r.space == self._name)
        for pool in at.pools.held(self._name):
            found = known.get(pool.id)
            if found is None or found.pool != pool:
                found = self._opened(pool)
            found.keep(self._kept.of_pool(pool))
            self._held.add(found)
        self._revision = revision

    def _opened(self, pool: Pool) -> PoolAddresses:
        return PoolAddresses(pool, self._settings, self._kept.of_pool(pool), self._facts)

    def _add(self, pool: Pool, at: Attempt) -> PoolAddresses:
        added = self._opened(pool)
        at.pools.put(pool)
        self._remember(partial(self._held.add, added), at)
        return added

    def _change(self, found: PoolAddresses, pool: Pool, at: Attempt) -> Pool:
        at.pools.put(pool)
        self._remember(partial(self._held.change, found, pool), at)
        return pool

    def _drop(self, pool: Pool, at: Attempt) -> None:
        at.pools.remove(pool.id)
        self._remember(partial(self._held.remove, pool), at)

    def _remember(self, change: Callable[[], None], at: Attempt) -> None:
        revision = at.pools.revision(self._name)
        at.once_kept(change)
        at.once_kept(partial(setattr, self, "_revision", revision))

    def _pool_around(self, reservation: Reservation) -> PoolAddresses | None:
        return self._held.overlapping(reservation.tenant, alone(reservation.address))

    def _give_up(self, pool: Pool, at: Attempt) -> bool:
        """Drop what is in the way of a pool, if all of that is given up."""
        in_the_way = self._held.all_overlapping(pool.tenant, pool.prefix)
        if any(not is_given_up(each, at.times) for each in in_the_way):
            return False
        for each in in_the_way:
            self._drop(each, at)
        return True

    def _repeats(self, held: Pool, asked: Pool, at: Attempt) -> bool:
        window, leases = self._settings.reserve_timeout, at.leases
        return repeats(
            held, asked, at.times, window=window, is_empty=lambda: not leases.count(held.id)
        )
