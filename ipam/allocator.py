"""The operations of IPAM: the way in to this package.

An answer is given when the store holds it durably.  What endpoints are bound to is held only as
long as the machine runs.  An operation that raises has changed nothing.  Every operation may be
repeated: a release of what is unknown does nothing, and a request that an owner repeats is
answered as before.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from ipam.attempt import Attempt, EngineClock, Times
from ipam.contents import Contents
from ipam.errors import UnknownPoolError
from ipam.lease import ANONYMOUS, AddressRequest, Owner
from ipam.naming import Naming, named_before
from ipam.placement import avoided
from ipam.pool import GLOBAL, LOCAL, AddressSpaceName, Pool, PoolID, PoolRequest, space_of
from ipam.pool_request import read_request
from ipam.prefixes import Address, Interface, Prefix, with_mask
from ipam.replay import LostPool, options_of
from ipam.reservation import Reservation
from ipam.settings import Settings
from ipam.spaces import Spaces
from ipam.store.base import Disk, Store
from ipam.store.host_facts import HostFacts, MemoryFacts


class Allocator(Contents):
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
        in_use: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(store)
        self._facts = facts or MemoryFacts()
        self._occupied = occupied
        self._in_use = in_use
        self._engine = EngineClock(clock)
        self._naming = Naming()
        self._looked = False
        self._spaces = Spaces(store, settings or Settings(), self._facts)

    def restarted(self) -> bool:
        """Record that the engine was started again; answer whether it should replay.

        No request of the engine is under way then.  It should replay its networks if it knows one
        whose pool is not held.  For two minutes what is held may then be asked for again, once.
        """
        self._engine.began()
        self._naming.restart()
        if self.pools() and not self._facts.replay_due():
            return False
        self._facts.put_replay_due(due=False)
        self._engine.replays()
        return True

    def elected(self) -> None:
        """Record that the swarm may have elected this host's engine, which has been running.

        Its manager then asks again for all global pools and addresses.  Local containers run on.
        """
        self._engine.leads()

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
        space = self._spaces.named(request.space)
        wanted = read_request(request)
        if (prefix := wanted.prefix) is not None:
            return space.run(lambda at: space.place(wanted, prefix, at), self._times())
        beside = self._spaces.prefixes_beside(space, self._times())
        occupied = [
            each for each in (*beside, *avoided(self._occupied())) if each.version == wanted.version
        ]
        return space.run(lambda at: space.place_anywhere(wanted, occupied, at), self._times())

    def release_pool(self, pool: PoolID) -> None:
        """Release the pool and its addresses; an unknown one is ignored.

        A pool that a network uses is held until ``ungroup`` says that the network is gone.
        """
        space = self._spaces.of(pool)
        if space is not None:
            space.run(lambda at: space.release(pool, at), self._times())

    def request_address(self, pool: PoolID, request: AddressRequest | None = None) -> Interface:
        """Hold the address that is asked for, or any that is free; answer it with its length.

        Raises UnknownAddressSpaceError, UnknownPoolError; InvalidAddressError if the pool can never
        give the address; AddressInUseError or AddressReservedError if it is another's;
        PoolFullError if all addresses are taken, in the pool and those of its group.
        """
        wanted = request or AddressRequest()
        space = self._spaces.named(space_of(pool))

        def take(at: Attempt) -> Interface:
            lease = space.group_of(pool).take(wanted, at)
            return with_mask(lease.address, space.get(lease.pool).pool.prefix)

        interface = space.run(take, self._times(), self._spaces.disk_for(pool, wanted.kind))
        self._naming.note(wanted)
        return interface

    def names_containers(self) -> bool | None:
        """Whether the engine names the owner of an address that it asks for; None if unknown yet.

        Engines do from version 29.  The stored answer is read once, when this process begins; after
        that only requests count.
        """
        if self._naming.known is None and not self._looked:
            self._looked = True
            leases = (each for pool in self.pools() for each in self.leases(pool.id))
            self._naming.known = named_before(leases)
        return self._naming.known

    def release_address(self, pool: PoolID, address: Address) -> None:
        """Release the address, if it is held in the pool or in another of its group.

        An address whose endpoint is in use stays held.  An engine deletes an endpoint first, and
        may release an address twice, the second time when another endpoint has it (moby,
        libnetwork/controller.go: what could not be deleted is deleted again at the next start).
        """
        space = self._spaces.of(pool)
        if space is None:
            return

        def give_back(at: Attempt) -> None:
            holder = space.group_of(pool).holding(address)
            if holder is not None:
                holder.give_back(address, self._in_use, at)

        with suppress(UnknownPoolError):
            space.run(give_back, self._times(), Disk.AWAITED_BESIDE)

    def group(
        self,
        network: str,
        space: AddressSpaceName,
        prefixes: Sequence[Prefix],
        *,
        again: bool = False,
    ) -> None:
        """Record that this network uses these pools, which are all its pools of the space.

        When one is full, an address is then given from another of the same IP version.  An
        address is released when no endpoint is bound to it within ``reserve_timeout`` seconds.
        Prefixes of another IPAM are passed over.  ``again``: a swarm allocated the network before.

        Raises PoolInUseError if another network uses one of them.
        """
        found = self._spaces.find(space)
        if found is not None:
            found.run(lambda at: found.group(network, prefixes, at, again=again), self._times())

    def ungroup(self, network: str, *, deleted: bool = False) -> None:
        """Record that the network is gone here, and release its pools that the engine had released.

        ``deleted`` is true if the engine has deleted the network.  All its pools are released
        then: a release may have been lost.  A swarm's lives on elsewhere, with what it was allocated.
        """
        for space in self._spaces.left_by(network):
            space.run(partial(space.ungroup, network, deleted=deleted), self._times())

    def free(self, network: str) -> None:
        """Record that a swarm has no such network any more; its pools are released next."""
        space = self._spaces.named(GLOBAL)
        space.run(partial(space.ungroup, network, deleted=False), self._times())

    def options(
        self, network: str, space: AddressSpaceName, prefix: Prefix
    ) -> dict[str, str] | None:
        """The options with which ``restore_pool`` gives the same pool again.

        None if the pool is not held, or is another network's.
        """
        found = self._spaces.find(space)
        if found is None:
            return None
        pool = found.run(lambda _: found.pool_for(network, prefix), self._times())
        return None if pool is None else options_of(pool)

    def restore_pool(self, lost: LostPool) -> bool:
        """Hold a pool that the store lost, with its addresses; answer False if it is held.

        Raises what ``request_pool`` does, but for PoolsExhaustedError.
        """
        wanted = read_request(lost.request)
        if (prefix := wanted.prefix) is None:
            return False
        space = self._spaces.named(lost.request.space)
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

        ``mac_made`` is true if its MAC address was generated, not chosen.  Such a MAC address never
        comes back, so the IP address is not kept for it.  A pool that is not held here is ignored.

        Raises AddressInUseError if another endpoint has the address.
        """
        found = self._spaces.find(space)
        if found is None:
            return

        def bind(at: Attempt) -> None:
            holder = found.holding(prefix, address, endpoint, at)
            if holder is not None:
                holder.bind(address, endpoint, owner, at, mac_made=mac_made)

        # What an endpoint has is over with the machine, so the disk need not be waited for.
        found.run(bind, self._times(), Disk.LATER)

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
        found = self._spaces.find(space)
        if found is None:
            return

        def unbind(at: Attempt) -> None:
            holder = found.holding(prefix, address, endpoint, at)
            if holder is not None:
                holder.unbind(address, endpoint, at)

        found.run(unbind, self._times(), Disk.LATER)

    def collect(self, now: float | None = None) -> int:
        """End the leases whose time was over at ``now`` (Unix seconds); answer how many."""
        return self._spaces.collect(self._times(now))

    def reserve(self, *reservations: Reservation) -> None:
        """Keep addresses for their owners, from the time that present holders release them.

        Makes all of the reservations or, if one is refused, none.

        Raises UnknownAddressSpaceError, InvalidAddressError, AddressReservedError.
        """
        self._spaces.reserve(reservations, self._times())

    def unreserve(self, reservation: Reservation) -> bool:
        """Remove the reservation of this address, for any owner; answer if there was one.

        Raises UnknownAddressSpaceError.
        """
        return self._spaces.unreserve(reservation, self._times())

    def _times(self, now: float | None = None) -> Times:
        return self._engine.times(now)
