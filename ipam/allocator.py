"""The operations of IPAM: the way in to this package.

An answer is given when the store holds it durably.  What endpoints are bound to is held only as
long as the machine runs.  An operation that raises has changed nothing.  Every operation may be
repeated: a release of what is unknown does nothing, and a request that an owner repeats is
answered as before.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from ipam.address_space import AddressSpace
from ipam.attempt import Attempt, Times
from ipam.errors import UnknownAddressSpaceError, UnknownPoolError
from ipam.lease import ANONYMOUS, AddressRequest, Kind, Lease, Owner, State
from ipam.naming import Naming
from ipam.pool import (
    LOCAL,
    AddressSpaceName,
    AddressSpaces,
    Pool,
    PoolID,
    PoolRequest,
    space_of,
)
from ipam.pool_request import WantedPool, read_request
from ipam.prefixes import Address, Interface, Prefix, with_mask
from ipam.replay import LostPool, options_of
from ipam.reservation import Reservation
from ipam.settings import Settings
from ipam.store.base import Store
from ipam.store.host_facts import HostFacts, MemoryFacts

COLLECT_LIMIT: Final = 1000  # leases ended in one transaction, some 20 ms
# A default route is no reason to avoid anything, nor are the two halves of one that a
# VPN sets to come before it (OpenVPN's redirect-gateway def1).
SHORTEST_AVOIDED: Final = 2


def _never(_: str) -> bool:
    return False


class Allocator:
    """Gives out pools and addresses, each to one holder at a time.

    ``occupied`` is asked at each request for any pool.  It answers which prefixes the host uses
    outside of this store, for its routes and resolvers.  ``in_use`` is asked, by an endpoint's id,
    before an address is released that the endpoint is bound to.  ``facts`` remembers what concerns
    this host's engine; without it that is forgotten with the process.  ``clock`` answers in Unix
    seconds.

    Any method but the constructor may raise StoreError, besides what it names: the store could not
    be read or written, or another operation has kept it for ten seconds.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings | None = None,
        *,
        facts: HostFacts | None = None,
        occupied: Callable[[], Iterable[Prefix]] = tuple,
        in_use: Callable[[str], bool] = _never,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings or Settings()
        self._facts = facts or MemoryFacts()
        self._occupied = occupied
        self._in_use = in_use
        self._clock = clock
        self._began = clock()
        self._replay = 0.0
        self._naming = Naming()
        self._looked = False
        names = AddressSpaces()
        self._spaces = {
            name: AddressSpace(name, store, self._settings, self._facts)
            for name in (names.local, names.global_)
        }

    def restarted(self) -> bool:
        """Record that the engine was started again; answer whether it should replay.

        No request of the engine is under way then.  It should replay its networks if it knows one
        whose pool is not held.  For two minutes what is held may then be asked for again, once.
        """
        self._began = self._clock()
        self._naming.restart()
        if self.pools() and not self._facts.replay_due():
            return False
        self._facts.put_replay_due(due=False)
        self._replay = self._began
        return True

    def expect_replay(self, pool: PoolID) -> None:
        """Record that the engine knows a pool that is not held, to be replayed at its next start.

        Raises UnknownPoolError if the id names no address space.
        """
        if space_of(pool) == LOCAL:
            self._facts.put_replay_due(due=True)

    def request_pool(self, request: PoolRequest) -> Pool:
        """Hold the pool that is asked for, or any that is free; answer it.

        Raises UnknownAddressSpaceError; InvalidPrefixError, InvalidSubPoolError or
        InvalidOptionError if the request can never be granted; PoolOverlapError if a pool of the
        tenant is in the way; PoolsExhaustedError if no configured range has room.
        """
        space = self._space(request.space)
        wanted = read_request(request)
        prefix = wanted.prefix
        if prefix is not None:
            return space.run(lambda at: space.place(wanted, prefix, at), self._times())
        occupied = [*self._prefixes_beside(space, wanted), *self._occupied_for(wanted)]
        return space.run(lambda at: space.place_anywhere(wanted, occupied, at), self._times())

    def release_pool(self, pool: PoolID) -> None:
        """Release the pool and its addresses; an unknown one is passed over.

        A pool that a network uses is held until ``ungroup`` says that the network is gone.
        """
        space = self._space_of(pool)
        if space is not None:
            space.run(lambda at: space.release(pool, at), self._times())

    def request_address(self, pool: PoolID, request: AddressRequest | None = None) -> Interface:
        """Hold the address that is asked for, or any that is free; answer it with its length.

        Raises UnknownAddressSpaceError, UnknownPoolError; InvalidAddressError if the pool can never
        give the address; AddressInUseError or AddressReservedError if it is another's;
        PoolFullError if all addresses are taken, in the pool and those of its group.
        """
        wanted = request or AddressRequest()
        space = self._space(space_of(pool))

        def take(at: Attempt) -> Interface:
            lease = space.group_of(pool).take(wanted, at)
            return with_mask(lease.address, space.get(lease.pool).pool.prefix)

        interface = space.run(take, self._times())
        self._naming.note(wanted)
        return interface

    def names_containers(self) -> bool | None:
        """Whether the engine says whose address it asks for; None if it has asked for none yet.

        Engines do from version 29.  What was stored when this process began is read once; after
        that only requests count.
        """
        if self._naming.known is None and not self._looked:
            self._looked = True
            self._naming.known = self._named_before()
        return self._naming.known

    def release_address(self, pool: PoolID, address: Address) -> None:
        """Release the address, if it is held in the pool or in another of its group.

        An address whose endpoint is in use stays held.  An engine deletes an endpoint first, and
        may release an address twice, the second time when another endpoint has it (moby,
        libnetwork/controller.go: what could not be deleted is deleted again at the next start).
        """
        space = self._space_of(pool)
        if space is None:
            return

        def give_back(at: Attempt) -> None:
            holder = space.group_of(pool).holding(address)
            if holder is not None:
                endpoint = holder.bound_to(address, at)
                if endpoint is None or not self._in_use(endpoint):
                    holder.give_back(address, at)

        with suppress(UnknownPoolError):
            space.run(give_back, self._times())

    def group(self, network: str, space: AddressSpaceName, prefixes: Sequence[Prefix]) -> None:
        """Record that this network uses these pools, which are all its pools of the space.

        When one is full, an address is then given from another of the same IP version.  An
        address is released when no endpoint is bound to it within ``reserve_timeout`` seconds.
        Prefixes that are not held here, because another IPAM gave them, are passed over.

        Raises PoolInUseError if another network uses one of them.
        """
        found = self._spaces.get(space)
        if found is not None:
            found.run(lambda at: found.group(network, prefixes, at), self._times())

    def ungroup(self, network: str, *, deleted: bool = False) -> None:
        """Record that the network is gone, and release its pools that the engine had released.

        ``deleted`` says that the engine itself has told; all the network's local pools are then
        released, because a release may have been lost.
        """
        for name, space in self._spaces.items():
            gone = partial(space.ungroup, network, deleted=deleted and name == LOCAL)
            space.run(gone, self._times())

    def options(
        self, network: str, space: AddressSpaceName, prefix: Prefix
    ) -> dict[str, str] | None:
        """The options with which ``restore_pool`` gives the same pool again.

        None if the pool is not held, or is another network's.
        """
        found = self._spaces.get(space)
        if found is None:
            return None
        pool = found.run(lambda _: found.pool_for(network, prefix), self._times())
        return None if pool is None else options_of(pool)

    def restore_pool(self, lost: LostPool) -> bool:
        """Hold a pool that the store lost, with its addresses; answer False if it is held.

        Raises what ``request_pool`` does, but for PoolsExhaustedError.
        """
        wanted = read_request(lost.request)
        prefix = wanted.prefix
        if prefix is None:
            return False
        space = self._space(lost.request.space)
        return space.run(lambda at: space.restore_pool(wanted, prefix, lost, at), self._times())

    def bind(
        self,
        space: AddressSpaceName,
        prefix: Prefix,
        address: Address,
        owner: Owner = ANONYMOUS,
        *,
        endpoint: str | None = None,
        mac_made: bool = False,
    ) -> None:
        """Record that an endpoint has the address, which no other may have then.

        ``mac_made`` says that its MAC address was made and not chosen.  Such a MAC address never
        comes back, so the IP address is not kept for it.  A pool that is not held here is passed
        over.

        Raises AddressInUseError if another endpoint has the address.
        """
        found = self._spaces.get(space)
        if found is None:
            return

        def bind(at: Attempt) -> None:
            holder = found.holding(prefix, address, endpoint, at)
            if holder is not None:
                holder.bind(address, endpoint, owner, at, mac_made=mac_made)

        # What an endpoint has is over with the machine, so the disk need not be waited for.
        found.run(bind, self._times(), on_disk=False)

    def unbind(
        self,
        space: AddressSpaceName,
        prefix: Prefix,
        address: Address,
        *,
        endpoint: str | None = None,
    ) -> None:
        """Record that the endpoint has lost the address.

        If no release follows within ``reserve_timeout`` seconds, ``collect`` releases it.
        """
        found = self._spaces.get(space)
        if found is None:
            return

        def unbind(at: Attempt) -> None:
            holder = found.holding(prefix, address, endpoint, at)
            if holder is not None:
                holder.unbind(address, endpoint, at)

        found.run(unbind, self._times(), on_disk=False)

    def collect(self, now: float | None = None) -> int:
        """End the leases whose time was over at ``now`` (Unix seconds); answer how many."""
        times = self._times(now)
        return sum(self._collect_from(name, times) for name in self._spaces)

    def pools(self) -> list[Pool]:
        """Every pool that is held, of both address spaces."""
        return self._store.run(
            lambda stored: [pool for name in self._spaces for pool in stored.pools.held(name)]
        )

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        """Every lease of the pool, by address; none if the pool is not held.

        All are as they were at one moment.  StoreError is raised when the first is read.
        """
        return self._store.leases(pool)

    def use(self, pool: PoolID) -> dict[State, int]:
        """How many addresses of the pool are in each state; a state may be left out for 0."""
        return self._store.run(lambda stored: stored.leases.count(pool))

    def reserve(self, *reservations: Reservation) -> None:
        """Keep addresses for their owners, from the time that present holders release them.

        Makes all of the reservations or, if one is refused, none.

        Raises UnknownAddressSpaceError; InvalidAddressError if no host may have the address;
        AddressReservedError if it is kept for another.
        """
        wanted: dict[AddressSpaceName, list[Reservation]] = {}
        for each in reservations:
            self._space(each.space)
            wanted.setdefault(each.space, []).append(each)
        for name, chosen in wanted.items():
            self._check_reservations(self._spaces[name], chosen)
        for name, chosen in wanted.items():
            self._spaces[name].run(partial(self._spaces[name].reserve, chosen), self._times())

    def unreserve(self, reservation: Reservation) -> bool:
        """Remove the reservation of this address, whoever it is for; answer if there was one.

        Raises UnknownAddressSpaceError.
        """
        space = self._space(reservation.space)
        return space.run(lambda at: space.unreserve(reservation, at), self._times())

    def reservations(self) -> list[Reservation]:
        """Every reservation, by space, tenant and address."""
        return self._store.run(lambda stored: stored.reservations.all())

    def _named_before(self) -> bool | None:
        named: bool | None = None
        for pool in self.pools():
            for lease in self._store.leases(pool.id):
                if lease.owner.name:
                    return True
                if lease.kind is Kind.ENDPOINT:
                    named = False
        return named

    def _collect_from(self, name: AddressSpaceName, times: Times) -> int:
        space = self._spaces[name]

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

    def _prefixes_beside(self, space: AddressSpace, wanted: WantedPool) -> list[Prefix]:
        found: list[Prefix] = []
        for other in self._spaces.values():
            if other is not space:
                found.extend(self._prefixes_of(other))
        return [prefix for prefix in found if prefix.version == wanted.version]

    def _prefixes_of(self, space: AddressSpace) -> list[Prefix]:
        return space.run(lambda _: space.prefixes(), self._times())

    def _check_reservations(self, space: AddressSpace, wanted: Sequence[Reservation]) -> None:
        space.run(lambda _: space.check_reservations(wanted), self._times())

    def _occupied_for(self, wanted: WantedPool) -> list[Prefix]:
        return [
            prefix
            for prefix in self._occupied()
            if prefix.version == wanted.version and prefix.prefixlen >= SHORTEST_AVOIDED
        ]

    def _space(self, name: AddressSpaceName) -> AddressSpace:
        try:
            return self._spaces[name]
        except KeyError:
            raise UnknownAddressSpaceError(
                f"address space is {name!r}, expected one of {', '.join(self._spaces)}"
            ) from None

    def _space_of(self, pool: PoolID) -> AddressSpace | None:
        try:
            return self._spaces.get(space_of(pool))
        except UnknownPoolError:
            return None

    def _times(self, now: float | None = None) -> Times:
        at = self._clock() if now is None else now
        return Times(now=at, began=self._began, replay=self._replay)
