"""One address space: its pools, which never overlap within a tenant, and one lock.

The store is the truth and every operation is one transaction of it.  What this object
remembers changes when the store has kept an operation.  It is read again when somebody
else changed a pool, and after anything that went wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ipam.addresses import PoolAddresses
from ipam.attempt import Attempt, Times
from ipam.errors import (
    AddressReservedError,
    InvalidRequestError,
    PoolInUseError,
    PoolOverlapError,
    PoolsExhaustedError,
    RefusedError,
    UnknownPoolError,
)
from ipam.lease import Owner
from ipam.placement import Placement
from ipam.pool import AddressSpaceName, Pool, PoolID, Tenant
from ipam.pool_group import PoolGroup
from ipam.pool_request import WantedPool
from ipam.prefixes import Address, Prefix, alone
from ipam.replay import LostPool, is_owned, repeats
from ipam.reservation import Reservation
from ipam.settings import Settings
from ipam.store.base import Store, Transaction
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
        self._pools: dict[PoolID, PoolAddresses] = {}
        self._placement = Placement()
        self._reserved: dict[Tenant, dict[Address, Owner]] = {}
        self._used: dict[str, list[PoolID]] = {}
        self._revision = -1

    def run(self, operation: Callable[[Attempt], T], times: Times, *, on_disk: bool = True) -> T:
        """Run the operation as a whole, durably, and alone; answer what it answered.

        Raises StoreError, and whatever the operation raises; nothing has changed then.
        """
        with self._lock:
            try:
                answer, attempt = self._store.run(
                    partial(self._attempt, operation, times), on_disk=on_disk
                )
                attempt.was_kept()
            except (InvalidRequestError, RefusedError):
                raise
            except BaseException:
                # Whether the store kept it may be unknown: all is read again.
                self._pools = {}
                self._revision = -1
                raise
            return answer

    def prefixes(self) -> list[Prefix]:
        """Every prefix that is held here, of all tenants."""
        return [each.pool.prefix for each in self._pools.values()]

    def get(self, pool: PoolID) -> PoolAddresses:
        """The addresses of this pool.  Raises UnknownPoolError if it is not held."""
        found = self._pools.get(pool)
        if found is None:
            raise UnknownPoolError(
                f"pool {pool} is not held; recreate the network, or restart Docker if the network "
                f"is of another driver than pynet and pynet's state was lost"
            )
        return found

    def group_of(self, pool: PoolID) -> PoolGroup:
        """This pool and those that stand in for it.  Raises UnknownPoolError if it is not held."""
        home = self.get(pool)
        kin = [*self._of(home.pool.network), *self._grouped(home.pool)]
        siblings = [
            each
            for each in dict.fromkeys(kin)
            if each is not home
            and each.pool.tenant == home.pool.tenant
            and each.pool.prefix.version == home.pool.prefix.version
        ]
        return PoolGroup([home, *siblings])

    def holding(
        self, prefix: Prefix, address: Address, endpoint: str | None, at: Attempt
    ) -> PoolAddresses | None:
        """The pool with this prefix in which the endpoint has, or waits for, the address.

        A network driver does not know the tenant.  Of several tenants' pools the one with the
        right lease is answered, or None.
        """
        found = [self._pools[pool] for pool in self._placement.at(prefix)]
        if len(found) == 1:
            return found[0]
        for each in found:
            if each.expects(address, endpoint, at):
                return each
        return None

    def place(self, wanted: WantedPool, prefix: Prefix, at: Attempt) -> Pool:
        """Hold exactly this pool, or answer the one that its owner has already.

        Raises PoolOverlapError, InvalidOptionError.
        """
        pool = wanted.placed(prefix, at.now)
        found = self._in_the_way(pool)
        if found is None:
            return self._add(pool, at).pool
        if not self._repeats(found.pool, pool, at):
            raise _overlap(pool, found.pool)
        at.once_kept(partial(found.was_asked_again, at.now))
        return self._change(found, replace(found.pool, requested=at.now, released=False), at)

    def place_anywhere(self, wanted: WantedPool, occupied: Sequence[Prefix], at: Attempt) -> Pool:
        """Hold the first pool that is clear of all others and of ``occupied``.

        Raises PoolsExhaustedError.
        """
        if wanted.request.owner is not None:
            for each in self._pools.values():
                if is_owned(each.pool, wanted):
                    return each.pool
        sources = [
            source for source in self._settings.pools if source.base.version == wanted.version
        ]
        for source in sources:
            length = wanted.length or source.size
            prefix = self._placement.gap(source, length, occupied)
            if prefix is not None:
                return self.place(wanted, prefix, at)
        bases = ", ".join(str(source) for source in sources) or "none"
        size = f" of length {wanted.length}" if wanted.length else ""
        raise PoolsExhaustedError(
            f"all predefined address pools have been fully subnetted: no IPv{wanted.version} "
            f"pool{size} is left in {bases} beside {len(self._pools)} pools and "
            f"{len(occupied)} prefixes of the host; add a range to the setting pools, or "
            f"give a subnet"
        )

    def release(self, pool: PoolID, at: Attempt) -> None:
        """Release the pool, now or when the network that uses it is gone."""
        found = self._pools.get(pool)
        if found is None:
            return
        if found.pool.network is None:
            self._drop(found.pool, at)
        else:
            self._change(found, replace(found.pool, released=True), at)

    def group(self, network: str, prefixes: Sequence[Prefix], at: Attempt) -> None:
        """Record that this network uses the pools with these prefixes.  Raises PoolInUseError."""
        chosen = [self._to_use(network, prefix) for prefix in prefixes]
        for found in filter(None, chosen):
            self._change(found, replace(found.pool, network=network), at)

    def ungroup(self, network: str, at: Attempt, *, deleted: bool) -> None:
        """Record that the network is gone, and drop its pools that were released.

        If the engine itself ``deleted`` it, all are dropped: a release may have been lost.
        """
        for found in self._of(network):
            if found.pool.released or deleted:
                self._drop(found.pool, at)
            else:
                self._change(found, replace(found.pool, network=None), at)

    def pool_for(self, network: str, prefix: Prefix) -> Pool | None:
        """The pool with this prefix that the network uses, or will be taken to use."""
        found = [self._pools[pool].pool for pool in self._placement.at(prefix)]
        mine = [pool for pool in found if pool.network == network]
        free = [pool for pool in found if pool.network is None]
        candidates = mine or free
        return candidates[0] if len(candidates) == 1 else None

    def restore_pool(
        self, wanted: WantedPool, prefix: Prefix, known: LostPool, at: Attempt
    ) -> bool:
        """Hold a pool as its network knows it; answer False if it is held.

        Raises PoolOverlapError, InvalidOptionError.
        """
        pool = wanted.placed(prefix, at.now)
        if pool.id in self._pools:
            return False
        in_the_way = self._in_the_way(pool)
        if in_the_way is not None:
            raise _overlap(pool, in_the_way.pool)
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
        wanted: dict[tuple[Tenant, Address], Owner] = {}
        for each in reservations:
            kept = self._reserved.get(each.tenant, {}).get(each.address, each.owner)
            kept_for = wanted.setdefault((each.tenant, each.address), kept)
            if kept_for != each.owner:
                raise AddressReservedError(
                    f"address {each.address} is reserved for {kept_for}, not for "
                    f"{each.owner}; unreserve it first"
                )
            pool = self._pool_around(each)
            if pool is not None:
                pool.check_reservable(each.address)

    def unreserve(self, reservation: Reservation, at: Attempt) -> bool:
        """Remove the reservation of this address; answer if there was one."""
        if reservation.address not in self._reserved.get(reservation.tenant, {}):
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
        """Read what somebody else changed, before the attempt has changed anything itself."""
        revision = at.pools.revision(self._name)
        if revision == self._revision:
            return
        known = self._pools
        self._pools, self._placement, self._reserved = {}, Placement(), {}
        self._used = {}
        for each in at.reservations.all():
            if each.space == self._name:
                self._reserved.setdefault(each.tenant, {})[each.address] = each.owner
        for pool in at.pools.held(self._name):
            found = known.get(pool.id)
            if found is None or found.pool != pool:
                found = self._opened(pool)
            found.keep(self._reserved_in(pool))
            self._pools[pool.id] = found
            self._placement.add(pool)
            if pool.network is not None:
                self._used.setdefault(pool.network, []).append(pool.id)
        self._revision = revision

    def _opened(self, pool: Pool) -> PoolAddresses:
        return PoolAddresses(pool, self._settings, self._reserved_in(pool), self._facts)

    def _add(self, pool: Pool, at: Attempt) -> PoolAddresses:
        added = self._opened(pool)
        at.pools.put(pool)
        at.once_kept(partial(self._remember_added, added, at.pools.revision(self._name)))
        return added

    def _change(self, found: PoolAddresses, pool: Pool, at: Attempt) -> Pool:
        at.pools.put(pool)
        at.once_kept(partial(self._remember_change, found, pool, at.pools.revision(self._name)))
        return pool

    def _drop(self, pool: Pool, at: Attempt) -> None:
        at.pools.remove(pool.id)
        at.once_kept(partial(self._remember_dropped, pool, at.pools.revision(self._name)))

    def _remember_added(self, added: PoolAddresses, revision: int) -> None:
        self._pools[added.pool.id] = added
        self._placement.add(added.pool)
        self._use(replace(added.pool, network=None), added.pool)
        self._revision = revision

    def _remember_change(self, found: PoolAddresses, pool: Pool, revision: int) -> None:
        self._use(found.pool, pool)
        found.pool = pool
        self._revision = revision

    def _remember_dropped(self, pool: Pool, revision: int) -> None:
        self._placement.remove(pool)
        self._use(pool, replace(pool, network=None))
        del self._pools[pool.id]
        self._revision = revision

    def _use(self, before: Pool, after: Pool) -> None:
        if before.network == after.network:
            return
        if before.network is not None:
            self._used[before.network].remove(before.id)
            if not self._used[before.network]:
                del self._used[before.network]
        if after.network is not None:
            self._used.setdefault(after.network, []).append(after.id)

    def _in_the_way(self, pool: Pool) -> PoolAddresses | None:
        found = self._placement.overlapping(pool.tenant, pool.prefix)
        return None if found is None else self._pools[found]

    def _pool_around(self, reservation: Reservation) -> PoolAddresses | None:
        pool = self._placement.overlapping(reservation.tenant, alone(reservation.address))
        return None if pool is None else self._pools[pool]

    def _reserved_in(self, pool: Pool) -> dict[Address, Owner]:
        kept = self._reserved.get(pool.tenant)
        if not kept:
            return {}
        return {address: owner for address, owner in kept.items() if address in pool.prefix}

    def _of(self, network: str | None) -> list[PoolAddresses]:
        return [self._pools[pool] for pool in self._used.get(network or "", ())]

    def _grouped(self, pool: Pool) -> list[PoolAddresses]:
        if pool.group is None:
            return []
        return [each for each in self._pools.values() if each.pool.group == pool.group]

    def _repeats(self, held: Pool, asked: Pool, at: Attempt) -> bool:
        window = self._settings.reserve_timeout
        return repeats(
            held, asked, at.times, window=window, is_empty=lambda: not at.leases.count(held.id)
        )

    def _to_use(self, network: str, prefix: Prefix) -> PoolAddresses | None:
        found = [self._pools[pool] for pool in self._placement.at(prefix)]
        if any(each.pool.network == network for each in found):
            return None
        free = [each for each in found if each.pool.network is None]
        if found and not free:
            raise PoolInUseError(
                f"pool {found[0].pool.id} serves network {found[0].pool.network} and cannot "
                f"serve {network} as well; choose another subnet"
            )
        # Of two tenants' pools that both wait for their network, neither is taken for
        # this one's: a pool that no network is known to use is merely kept longer.
        return free[0] if len(free) == 1 else None


def _overlap(pool: Pool, held: Pool) -> PoolOverlapError:
    user = f", of network {held.network}" if held.network else ""
    return PoolOverlapError(
        f"Pool overlaps with other one on this address space: {pool.prefix} and pool "
        f"{held.id}{user}; choose another subnet, or keep the networks apart "
        f"with the option tenant=NAME"
    )
