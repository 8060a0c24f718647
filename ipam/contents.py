"""Read the contents of a store: for people, for checks, and to compare it with the host."""

from collections.abc import Iterator

from ipam.lease import Lease, State
from ipam.pool import AddressSpaces, Pool, PoolID
from ipam.reservation import Reservation
from ipam.store.base import Store


class Contents:
    """The pools, leases and reservations of a store.

    Every method may raise StoreError: the store could not be read, or another operation has kept
    it for ten seconds.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        names = AddressSpaces()
        self._names = (names.local, names.global_)

    def pools(self) -> list[Pool]:
        """Every pool that is held, of both address spaces."""
        return self._store.run(
            lambda stored: [pool for name in self._names for pool in stored.pools.held(name)]
        )

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        """Every lease of the pool, by address; none if the pool is not held.

        All are as they were at one moment.  StoreError is raised when the first is read.
        """
        return self._store.leases(pool)

    def use(self, pool: PoolID) -> dict[State, int]:
        """How many addresses of the pool are in each state; a state may be left out for 0."""
        return self._store.run(lambda stored: stored.leases.count(pool))

    def reservations(self) -> list[Reservation]:
        """Every reservation, by space, tenant and address."""
        return self._store.run(lambda stored: stored.reservations.all())
