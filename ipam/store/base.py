"""The contract of a store: it keeps pools, leases and reservations, and decides nothing.

Every change is an operation given to ``Store.run``.  All of it is kept, durably, or nothing.  A
store may run an operation again if another process changed what it read (an optimistic
transaction, as etcd's ``concurrency.STM``).  So an operation changes only its transaction.

Operations have one order, across threads and, if the store is shared, across processes and hosts.
With that order, and because an address is unique within its pool, no address is allocated twice,
even if the memory of an allocator is wrong.

Facts about one host alone are no part of this contract: see ``host_facts.py``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeVar

from ipam.lease import Lease, Owner, State
from ipam.pool import AddressSpaceName, Pool, PoolID
from ipam.prefixes import Address
from ipam.reservation import Reservation

T = TypeVar("T")


class Pools(Protocol):
    """The pools that are held."""

    def revision(self, space: AddressSpaceName) -> int:
        """A number that changes with every change of the space's pools or reservations."""
        ...

    def held(self, space: AddressSpaceName) -> list[Pool]:
        """Every pool of the space."""
        ...

    def put(self, pool: Pool) -> None:
        """Add the pool, or replace the one with its id; its leases stay."""
        ...

    def remove(self, pool: PoolID) -> None:
        """Forget the pool and its leases, if it is held."""
        ...


class Leases(Protocol):
    """The addresses that are not free, each once in its pool."""

    def addresses(self, pool: PoolID) -> list[Address]:
        """Every address of the pool that has a lease, the latest last."""
        ...

    def get(self, pool: PoolID, address: Address) -> Lease | None:
        """The lease on this address."""
        ...

    def of_owner(self, pool: PoolID, owner: Owner) -> Lease | None:
        """The owner's latest lease that is not bound, by name, MAC, then tag."""
        ...

    def first_resting(self, pool: PoolID) -> Lease | None:
        """The resting lease that ends first."""
        ...

    def due(self, space: AddressSpaceName, now: float, limit: int) -> list[Lease]:
        """Leases of the space that end at ``now`` (Unix seconds) or before, at most ``limit``."""
        ...

    def add(self, lease: Lease) -> bool:
        """Add the lease, unless its address has one already; answers whether it was added."""
        ...

    def put(self, lease: Lease) -> None:
        """Add the lease, or replace the one on its address."""
        ...

    def remove(self, pool: PoolID, address: Address) -> None:
        """Forget the lease on this address, if there is one."""
        ...

    def count(self, pool: PoolID) -> dict[State, int]:
        """How many leases of the pool are in each state; a state without any may be left out."""
        ...


class Reservations(Protocol):
    """The addresses that are kept for an owner, each once in its space and tenant."""

    def all(self) -> list[Reservation]:
        """Every reservation, by space, tenant and address."""
        ...

    def put(self, reservation: Reservation) -> None:
        """Add the reservation, or replace the one of its address."""
        ...

    def remove(self, reservation: Reservation) -> None:
        """Forget the reservation of this address, if there is one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What an operation reads and changes; of no use once the operation has ended."""

    pools: Pools
    leases: Leases
    reservations: Reservations


class Disk(Enum):
    """Whether an operation has an answer only when it is on the disk, and outlives a power failure."""

    AWAITED = auto()  # no other operation runs meanwhile, and what fails has changed nothing
    # Others run meanwhile, and what fails is kept all the same: for what ends by itself then.
    AWAITED_BESIDE = auto()
    LATER = auto()


class Store(Protocol):
    """What an allocator needs to remember."""

    def run(self, operation: Callable[[Transaction], T], *, on_disk: bool = True) -> T:
        """Run the operation, keep what it changed, and answer what it answered.

        It may run several times; the last time counts.  Without ``on_disk`` what it changed
        outlives the process, and may be missing after a power failure.

        Raises StoreError if nothing could be kept, and all that the operation raises.
        """
        ...

    def sync(self) -> None:
        """Return when all that was kept before is on the disk, for several callers at once.

        Raises StoreError if it is not known to be there; it is kept all the same.
        """
        ...

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        """Every lease of the pool by address, as it was at one moment; in no operation.

        Raises StoreError.
        """
        ...

    def close(self) -> None:
        """Close the file.  Raises StoreError if another operation does not end."""
        ...
