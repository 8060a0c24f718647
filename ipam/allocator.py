"""The six operations of IPAM: the way in to this package.

An answer is given when the store holds it durably (what endpoints are bound to: as
long as the machine runs).  An operation that raises has changed nothing, and every
operation may be repeated: what is released or unknown is released without complaint,
and what is asked again by the same owner is answered as before.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from ipam.address_space import AddressSpace
from ipam.addresses import PoolAddresses
from ipam.errors import UnknownAddressSpaceError, UnknownPoolError
from ipam.lease import ANONYMOUS, AddressRequest, Kind, Lease, Owner, State
from ipam.moment import Moment
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
from ipam.recollection import Recollection, options_of
from ipam.reservation import Reservation
from ipam.settings import Settings
from ipam.store.base import Store

COLLECT_LIMIT: Final = 1000  # leases ended in one transaction, some 20 ms
# A default route is no reason to avoid anything, nor are the two halves of one that a
# VPN sets to come before it (OpenVPN's redirect-gateway def1).
SHORTEST_AVOIDED: Final = 2


def _never(_: str) -> bool:
    return False


class Allocator:
    """Gives out pools and addresses, each to one holder at a time.

    ``occupied`` is asked at each request for any pool, and answers with what the
    host uses outside of this store: its routes and its resolvers.  ``in_use`` is asked before
    an address is taken back that an endpoint was bound to, by the endpoint's id.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings | None = None,
        *,
        occupied: Callable[[], Iterable[Prefix]] = tuple,
        in_use: Callable[[str], bool] = _never,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings or Settings()
        self._occupied = occupied
        self._in_use = in_use
        self._clock = clock
        self._began = clock()
        self._replay = 0.0
        self._naming = Naming()
        self._looked = False
        names = AddressSpaces()
        self._spaces = {
            name: AddressSpace(name, store, self._settings) for name in (names.local, names.global_)
        }

    def restarted(self) -> bool:
        """Record that the engine was started again; answers whether it should replay.

        Nothing that it asked is under way.  It should replay its networks if it knows one that is
        not held, and what is held may then be asked for again, once.
        """
        self._began = self._clock()
        self._naming.restart()
        with self._store.transaction():
            if self._held() and not self._store.replay_due():
                return False
            self._store.put_replay_due(due=False)
        self._replay = self._began
        return True

    def expect_replay(self, pool: PoolID) -> None:
        """Record that the engine knows a pool that is not held; its next start tells it."""
        if space_of(pool) == LOCAL:
            with self._store.transaction():
                self._store.put_replay_due(due=True)

    def request_pool(self, request: PoolRequest) -> Pool:
        """Hold the pool that is asked for, or any that is free."""
        space = self._space(request.space)
        wanted = read_request(request)
        if wanted.prefix is not None:
            with space.operation():
                return space.place(wanted, wanted.prefix, self._moment())
        occupied = [*self._prefixes_beside(space, wanted), *self._occupied_for(wanted)]
        with space.operation():
            return space.place_anywhere(wanted, occupied, self._moment())

    def release_pool(self, pool: PoolID) -> None:
        """Let the pool go, and its addresses with it.

        A pool that a network uses goes when that network is gone.
        """
        space = self._space_of(pool)
        if space is None:
            return
        with space.operation():
            space.release(pool)

    def request_address(self, pool: PoolID, request: AddressRequest | None = None) -> Interface:
        """Hold the address that is asked for, or any that is free."""
        wanted = request or AddressRequest()
        space = self._space(space_of(pool))
        with space.operation():
            lease = space.family(pool).take(wanted, self._moment())
            prefix = space.get(lease.pool).pool.prefix
        self._naming.note(wanted)
        return with_mask(lease.address, prefix)

    def names_containers(self) -> bool | None:
        """Whether the engine says whose address it asks for; None if it has asked for none yet.

        What was stored when this process began is looked at once, and then only what is asked.
        """
        if self._naming.known is None and not self._looked:
            self._looked = True
            self._naming.known = self._named_before()
        return self._naming.known

    def release_address(self, pool: PoolID, address: Address) -> None:
        """Give the address back, if it is held in the pool or in a sibling of it.

        One whose endpoint is in use stays: an engine deletes an endpoint first, and may release
        an address twice, the second time when another endpoint has it (moby, controller.go: what
        could not be deleted is deleted again when the engine starts).
        """
        space = self._space_of(pool)
        if space is None:
            return
        with suppress(UnknownPoolError), space.operation():
            holder = space.family(pool).holding(address)
            if holder is not None:
                endpoint = holder.bound_to(address)
                if endpoint is None or not self._in_use(endpoint):
                    holder.give_back(address, self._moment())

    def group(self, network: str, space: AddressSpaceName, prefixes: Sequence[Prefix]) -> None:
        """Record that this network uses these pools: all its pools of the space.

        An address is then given from another of them when one is full, and taken back
        when no endpoint is bound to it within ``reserve_timeout``.  Prefixes that are
        not held here, because another IPAM gave them, do not matter.
        """
        found = self._spaces.get(space)
        if found is None:
            return
        with found.operation():
            found.group(network, prefixes)

    def ungroup(self, network: str, *, deleted: bool = False) -> None:
        """Record that the network is gone; ``deleted`` if the engine has said so itself.

        Its local pools are then let go whether they were released or not.
        """
        for name, space in self._spaces.items():
            with space.operation():
                space.ungroup(network, deleted=deleted and name == LOCAL)

    def options(
        self, network: str, space: AddressSpaceName, prefix: Prefix
    ) -> dict[str, str] | None:
        """What the network's driver should remember of its pool, if it is held and known."""
        found = self._spaces.get(space)
        if found is None:
            return None
        with found.operation():
            pool = found.pool_for(network, prefix)
            return None if pool is None else options_of(pool)

    def recollect(self, recollection: Recollection) -> bool:
        """Hold a pool that was lost, with its addresses; False if it is held."""
        wanted = read_request(recollection.request)
        if wanted.prefix is None:
            return False
        space = self._space(recollection.request.space)
        with space.operation():
            return space.recollect(wanted, wanted.prefix, recollection, self._moment())

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

        A MAC address that was made for it, and not chosen, never comes back: the address was
        asked for with it, but is not kept for it.
        """
        with self._holding(space, prefix, address, endpoint) as holder:
            if holder is not None:
                holder.bind(address, endpoint, owner, self._moment(), mac_made=mac_made)

    def unbind(
        self,
        space: AddressSpaceName,
        prefix: Prefix,
        address: Address,
        *,
        endpoint: str | None = None,
    ) -> None:
        """Record that the endpoint has lost the address; its release follows."""
        with self._holding(space, prefix, address, endpoint) as holder:
            if holder is not None:
                holder.unbind(address, endpoint, self._moment())

    def collect(self, now: float | None = None) -> int:
        """End the leases whose time is over; answers how many there were."""
        at = self._moment(now)
        return sum(self._collect_from(name, at) for name in self._spaces)

    def pools(self) -> list[Pool]:
        """Every pool that is held."""
        with self._store.transaction():
            return self._held()

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        """Every lease of the pool, by address."""
        return self._store.leases(pool)

    def use(self, pool: PoolID) -> dict[State, int]:
        """How many addresses of the pool are in each state."""
        with self._store.transaction():
            return self._store.count(pool)

    def reserve(self, *reservations: Reservation) -> None:
        """Keep addresses for owners, from the time their present holders leave them.

        All of them or, if one is refused, none.
        """
        wanted: dict[AddressSpaceName, list[Reservation]] = {}
        for each in reservations:
            self._space(each.space)
            wanted.setdefault(each.space, []).append(each)
        for name, chosen in wanted.items():
            with self._spaces[name].operation():
                self._spaces[name].check_reservations(chosen)
        for name, chosen in wanted.items():
            with self._spaces[name].operation():
                self._spaces[name].reserve(chosen)

    def unreserve(self, reservation: Reservation) -> bool:
        """Keep the address no longer, whoever it was kept for; answers whether it was kept."""
        space = self._space(reservation.space)
        with space.operation():
            return space.unreserve(reservation)

    def reservations(self) -> list[Reservation]:
        """Every reservation."""
        with self._store.transaction():
            return self._store.reservations()

    @contextmanager
    def _holding(
        self, space: AddressSpaceName, prefix: Prefix, address: Address, endpoint: str | None
    ) -> Iterator[PoolAddresses | None]:
        found = self._spaces.get(space)
        if found is None:
            yield None
            return
        # What an endpoint has is over with the machine, so the disk need not be waited for.
        with found.operation(on_disk=False):
            yield found.holding(prefix, address, endpoint)

    def _named_before(self) -> bool | None:
        named: bool | None = None
        for pool in self.pools():
            for lease in self._store.leases(pool.id):
                if lease.owner.name:
                    return True
                if lease.kind is Kind.ENDPOINT:
                    named = False
        return named

    def _held(self) -> list[Pool]:
        return [pool for name in self._spaces for pool in self._store.pools(name)]

    def _collect_from(self, name: AddressSpaceName, at: Moment) -> int:
        space = self._spaces[name]
        ended = 0
        while True:
            with space.operation():
                due = self._store.due(name, at.now, COLLECT_LIMIT)
                for lease in due:
                    space.get(lease.pool).lapse(lease, at)
            ended += len(due)
            if len(due) < COLLECT_LIMIT:
                return ended

    def _prefixes_beside(self, space: AddressSpace, wanted: WantedPool) -> list[Prefix]:
        found: list[Prefix] = []
        for other in self._spaces.values():
            if other is not space:
                with other.operation():
                    found.extend(other.prefixes())
        return [prefix for prefix in found if prefix.version == wanted.version]

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

    def _moment(self, now: float | None = None) -> Moment:
        at = self._clock() if now is None else now
        return Moment(now=at, began=self._began, replay=self._replay)
