"""The contract of a store: it keeps pools and leases, and decides nothing.

Everything is done inside ``transaction``: all of it is kept, durably, when the
block ends, or none of it when the block raises.  One transaction runs at a time,
across threads and, where the store is shared, across processes; that, and the
uniqueness of an address within its pool, is what makes a double allocation
impossible whatever the memory of an allocator says.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from ipam.lease import Lease, Owner, State
from ipam.pool import AddressSpaceName, Pool, PoolID
from ipam.prefixes import Address
from ipam.reservation import Reservation


class Store(Protocol):
    """What an allocator needs to remember."""

    def transaction(self, *, on_disk: bool = True) -> AbstractContextManager[None]:
        """Make what is done in the block durable at its end, or undo it.

        Without ``on_disk`` it outlives the process, and may be missing after a power failure.
        """
        ...

    def revision(self, space: AddressSpaceName) -> int:
        """A number that changes with the space's pools and reservations."""
        ...

    def others(self) -> int:
        """A number that changes with every change that another process makes."""
        ...

    def pools(self, space: AddressSpaceName) -> list[Pool]:
        """Every pool of the space that is held."""
        ...

    def put_pool(self, pool: Pool) -> None:
        """Add the pool, or replace the one with its id."""
        ...

    def remove_pool(self, pool: PoolID) -> None:
        """Forget the pool and its leases, if it is held."""
        ...

    def addresses(self, pool: PoolID) -> list[Address]:
        """Every address of the pool that has a lease, the latest last."""
        ...

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        """Every lease of the pool by address, as it was at one moment."""
        ...

    def lease(self, pool: PoolID, address: Address) -> Lease | None:
        """The lease on this address."""
        ...

    def lease_of(self, pool: PoolID, owner: Owner) -> Lease | None:
        """The owner's latest lease that is not bound, by name, MAC, then tag."""
        ...

    def resting(self, pool: PoolID) -> Lease | None:
        """The resting lease that ends first."""
        ...

    def due(self, space: AddressSpaceName, now: float, limit: int) -> list[Lease]:
        """Leases of the space that have ended by themselves, at most so many."""
        ...

    def add_lease(self, lease: Lease) -> bool:
        """Add the lease, unless its address has one already."""
        ...

    def put_lease(self, lease: Lease) -> None:
        """Add the lease, or replace the one on its address."""
        ...

    def remove_lease(self, pool: PoolID, address: Address) -> None:
        """Forget the lease on this address, if there is one."""
        ...

    def count(self, pool: PoolID) -> dict[State, int]:
        """How many leases of the pool are in each state; a state without any may be left out."""
        ...

    def reservations(self) -> list[Reservation]:
        """Every reservation, by space, tenant and address."""
        ...

    def put_reservation(self, reservation: Reservation) -> None:
        """Add the reservation, or replace the one of its address."""
        ...

    def remove_reservation(self, reservation: Reservation) -> None:
        """Forget the reservation of this address, if there is one."""
        ...

    def replay_due(self) -> bool:
        """Whether it was recorded last that something is missing which an engine knows."""
        ...

    def put_replay_due(self, *, due: bool) -> None:
        """Record whether something is missing which an engine knows."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
