"""The two address spaces of an allocator, and what is done in both."""

from collections.abc import Iterator, Sequence
from typing import Final

from ipam.address_space import AddressSpace
from ipam.attempt import Attempt, Times
from ipam.claims import is_awaited
from ipam.errors import UnknownAddressSpaceError, UnknownPoolError
from ipam.lease import Kind
from ipam.pool import LOCAL, AddressSpaceName, AddressSpaces, Pool, PoolID, is_of_swarm, space_of
from ipam.prefixes import Prefix
from ipam.reservation import Reservation
from ipam.settings import Settings
from ipam.store.base import Disk, Store
from ipam.store.host_facts import HostFacts

COLLECT_LIMIT: Final = 1000  # leases ended in one transaction, some 20 ms


class Spaces:
    """Address spaces by name."""

    def __init__(self, store: Store, settings: Settings, facts: HostFacts) -> None:
        names = AddressSpaces()
        self._timeout = settings.reserve_timeout
        self._spaces = {
            name: AddressSpace(name, store, settings, facts)
            for name in (names.local, names.global_)
        }

    def __iter__(self) -> Iterator[tuple[AddressSpaceName, AddressSpace]]:
        return iter(self._spaces.items())

    def left_by(self, network: str) -> list[AddressSpace]:
        """Spaces in which a deleted network has nothing any more: a swarm's lives on elsewhere."""
        of_swarm = is_of_swarm(network)
        return [space for name, space in self if name == LOCAL or not of_swarm]

    def named(self, name: AddressSpaceName) -> AddressSpace:
        """The space of this name.  Raises UnknownAddressSpaceError."""
        try:
            return self._spaces[name]
        except KeyError:
            raise UnknownAddressSpaceError(
                f"address space is {name!r}, expected one of {', '.join(self._spaces)}"
            ) from None

    def find(self, name: AddressSpaceName) -> AddressSpace | None:
        """The space of this name; None if it is another IPAM's."""
        return self._spaces.get(name)

    def of(self, pool: PoolID) -> AddressSpace | None:
        """The space of this pool; None if it is another IPAM's."""
        try:
            return self._spaces.get(space_of(pool))
        except UnknownPoolError:
            return None

    def disk_for(self, pool: PoolID, kind: Kind) -> Disk:
        """How a request of this pool waits for the disk: beside others if its lease ends by itself."""
        known = self.known(pool)
        awaited = known is not None and is_awaited(known, kind, self._timeout)
        return Disk.AWAITED_BESIDE if awaited else Disk.AWAITED

    def known(self, pool: PoolID) -> Pool | None:
        """The pool as this process read it last: without a look at the store, which may have another now."""
        space = self.of(pool)
        try:
            return space.get(pool).pool if space else None
        except UnknownPoolError:
            return None

    def prefixes_beside(self, space: AddressSpace, times: Times) -> list[Prefix]:
        """Every prefix that is held in the other space.  Raises StoreError."""
        found: list[Prefix] = []
        for other in self._spaces.values():
            if other is not space:
                found.extend(_prefixes_of(other, times))
        return found

    def unreserve(self, reservation: Reservation, times: Times) -> bool:
        """Remove a reservation; answer if there was one.  Raises UnknownAddressSpaceError, StoreError."""
        space = self.named(reservation.space)
        return space.run(lambda at: space.unreserve(reservation, at), times)

    def reserve(self, reservations: Sequence[Reservation], times: Times) -> None:
        """Keep addresses for their owners; a refusal in one space comes before all changes.

        Raises UnknownAddressSpaceError, AddressReservedError, InvalidAddressError, StoreError.
        """
        wanted: dict[AddressSpaceName, list[Reservation]] = {}
        for each in reservations:
            self.named(each.space)
            wanted.setdefault(each.space, []).append(each)
        for name, chosen in wanted.items():
            _check(self._spaces[name], chosen, times)
        for name, chosen in wanted.items():
            _reserve(self._spaces[name], chosen, times)

    def collect(self, times: Times) -> int:
        """End the leases whose time is over; answer how many.  Raises StoreError."""
        return sum(_collect(name, space, times) for name, space in self)


def _prefixes_of(space: AddressSpace, times: Times) -> list[Prefix]:
    return space.run(lambda _: space.prefixes(), times)


def _check(space: AddressSpace, wanted: Sequence[Reservation], times: Times) -> None:
    space.run(lambda _: space.check_reservations(wanted), times)


def _reserve(space: AddressSpace, wanted: Sequence[Reservation], times: Times) -> None:
    space.run(lambda at: space.reserve(wanted, at), times)


def _collect(name: AddressSpaceName, space: AddressSpace, times: Times) -> int:
    def end_some(at: Attempt) -> int:
        due = at.leases.due(name, at.now, COLLECT_LIMIT)
        for lease in due:
            space.get(lease.pool).lapse(lease, at)
        return len(due)

    ended = last = space.run(end_some, times)
    while last == COLLECT_LIMIT:
        last = space.run(end_some, times)
        ended += last
    return ended
