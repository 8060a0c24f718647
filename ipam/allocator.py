"""The six operations of IPAM: the way in to this package.

An answer is given when the store holds it durably.  An operation that raises has
changed nothing, and every operation may be repeated: what is released or unknown
is released without complaint, and what is asked again by the same owner is
answered as before.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from ipam.address_space import AddressSpace, Gap
from ipam.addresses import Moment, PoolAddresses
from ipam.errors import (
    InvalidAddressError,
    InvalidOptionError,
    InvalidPrefixError,
    PoolFullError,
    UnknownAddressSpaceError,
    UnknownPoolError,
)
from ipam.lease import ANONYMOUS, AddressRequest, Kind, Lease, Owner
from ipam.options import PoolOptions, read_options, within
from ipam.pool import (
    AddressSpaceName,
    AddressSpaces,
    Pool,
    PoolID,
    PoolRequest,
    check_prefix,
    check_subpool,
    pool_id,
    space_of,
)
from ipam.prefixes import Address, Interface, Prefix, intersect, span, with_mask
from ipam.settings import Settings
from ipam.store.base import Store

COLLECT_LIMIT: Final = 1000  # leases ended in one transaction, some 10 ms
# A default route is no reason to avoid anything, nor are the two halves of one that
# a VPN sets to come before it (OpenVPN's redirect-gateway def1).
SHORTEST_AVOIDED: Final = 2


class Allocator:
    """Gives out pools and addresses, each to one holder at a time.

    ``occupied`` is asked at each request for any pool, and answers with what the
    host uses outside of this store: its routes and its resolvers.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings | None = None,
        *,
        occupied: Callable[[], Iterable[Prefix]] = tuple,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings or Settings()
        self._occupied = occupied
        self._clock = clock
        self._began = clock()
        names = AddressSpaces()
        self._spaces = {
            name: AddressSpace(name, store, self._settings) for name in (names.local, names.global_)
        }

    def default_address_spaces(self) -> AddressSpaces:
        """The two address spaces."""
        return AddressSpaces()

    def request_pool(self, request: PoolRequest) -> Pool:
        """Hold the pool that is asked for, or any that is free."""
        options = read_options(request.options)
        space = self._space(request.space)
        if request.subpool is not None:
            check_subpool(request.prefix, request.subpool)
        if request.prefix is None or request.prefix.network_address.is_unspecified:
            return self._place_anywhere(space, request, options)
        check_prefix(request.prefix)
        _check_size(request.prefix, options)
        with space.operation():
            return space.place(
                _pool(request, options, request.prefix, self._clock()), self._moment()
            )

    def release_pool(self, pool: PoolID) -> None:
        """Let the pool go, and its addresses with it."""
        space = self._space_holding(pool)
        if space is None:
            return
        with space.operation():
            space.release(pool)

    def request_address(self, pool: PoolID, request: AddressRequest | None = None) -> Interface:
        """Hold the address that is asked for, or any that is free."""
        wanted = request or AddressRequest()
        at = self._moment()
        space = self._space(space_of(pool))
        with space.operation():
            family = space.family(space.get(pool))
            if wanted.address is None:
                lease = _choose(family, wanted, at)
            else:
                lease = _holding(family, wanted.address).take(wanted.address, wanted, at)
            return with_mask(lease.address, space.get(lease.pool).pool.prefix)

    def release_address(self, pool: PoolID, address: Address) -> None:
        """Give the address back, if it is held in the pool or a sibling of it."""
        space = self._space_holding(pool)
        if space is None:
            return
        with space.operation():
            home = space.find(pool)
            for addresses in space.family(home) if home else ():
                if address in addresses.pool.prefix:
                    addresses.give_back(address, self._moment())

    def group(self, network: str, space: AddressSpaceName, prefixes: Sequence[Prefix]) -> None:
        """Record that this network uses these pools, all its pools of the space.

        Addresses of one are then given from the others when it is full, and those
        that no endpoint is bound to within ``reserve_timeout`` are taken back.
        Prefixes that are not held, because another IPAM gave them, do not matter.
        """
        found = self._spaces.get(space)
        if found is None:
            return
        with found.operation():
            found.group(network, prefixes)

    def ungroup(self, network: str) -> None:
        """Record that the network is gone."""
        for space in self._spaces.values():
            with space.operation():
                space.ungroup(network)

    def bind(
        self,
        space: AddressSpaceName,
        prefix: Prefix,
        address: Address,
        owner: Owner = ANONYMOUS,
    ) -> None:
        """Record that an endpoint has the address."""
        found = self._spaces.get(space)
        if found is None:
            return
        with found.operation():
            addresses = found.containing(prefix, address)
            if addresses is not None:
                addresses.bind(address, owner, self._moment())

    def unbind(self, space: AddressSpaceName, prefix: Prefix, address: Address) -> None:
        """Record that no endpoint has the address any more; its release follows."""
        found = self._spaces.get(space)
        if found is None:
            return
        with found.operation():
            addresses = found.containing(prefix, address)
            if addresses is not None:
                addresses.unbind(address, self._moment())

    def collect(self, now: float | None = None) -> int:
        """End the leases whose time is over; answers how many there were."""
        at = self._moment(now)
        ended = 0
        for space in self._spaces.values():
            with space.operation():
                for lease in self._store.due(space.name, at.now, COLLECT_LIMIT):
                    space.get(lease.pool).lapse(lease, at)
                    ended += 1
        return ended

    def pools(self) -> list[Pool]:
        """Every pool that is held."""
        with self._store.transaction():
            return self._store.pools()

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        """Every lease of the pool, by address."""
        return self._store.leases(pool)

    def _place_anywhere(
        self, space: AddressSpace, request: PoolRequest, options: PoolOptions
    ) -> Pool:
        version = _version(request)
        gap = Gap(
            version=version,
            length=_length(request, options),
            sources=[source for source in self._settings.pools if source.base.version == version],
            occupied=[
                *self._prefixes_beside(space, version),
                *(each for each in self._occupied() if _is_avoidable(each, version)),
            ],
        )
        with space.operation():
            if request.owner is not None:
                held = space.owned_by(request.owner, gap, options.tenant)
                if held is not None:
                    return held
            pool = _pool(request, options, space.gap(gap), self._clock())
            return space.place(pool, self._moment())

    def _prefixes_beside(self, space: AddressSpace, version: int) -> list[Prefix]:
        found: list[Prefix] = []
        for other in self._spaces.values():
            if other is not space:
                with other.operation():
                    found.extend(other.prefixes())
        return [prefix for prefix in found if prefix.version == version]

    def _space(self, name: AddressSpaceName) -> AddressSpace:
        try:
            return self._spaces[name]
        except KeyError:
            raise UnknownAddressSpaceError(
                f"address space is {name!r}, expected one of {', '.join(self._spaces)}"
            ) from None

    def _space_holding(self, pool: PoolID) -> AddressSpace | None:
        try:
            return self._spaces.get(space_of(pool))
        except UnknownPoolError:
            return None

    def _moment(self, now: float | None = None) -> Moment:
        return Moment(now=self._clock() if now is None else now, began=self._began)


def _version(request: PoolRequest) -> int:
    if request.prefix is not None:
        return request.prefix.version
    return 6 if request.v6 else 4


def _length(request: PoolRequest, options: PoolOptions) -> int | None:
    if request.prefix is None:
        return options.size(_version(request))
    if request.prefix.prefixlen == 0:
        raise InvalidPrefixError(
            f"invalid address pool: {request.prefix} is every address; leave the "
            f"subnet out, or ask for a length such as 0.0.0.0/24"
        )
    return request.prefix.prefixlen


def _pool(request: PoolRequest, options: PoolOptions, prefix: Prefix, now: float) -> Pool:
    ranges = within("range", options.ranges, prefix)
    if request.subpool is not None:
        # One wider than its pool is cut to it, as Docker does.
        part = intersect(span(prefix), span(request.subpool))
        ranges = (part, *ranges) if part else ranges
    return Pool(
        id=pool_id(request.space, options.tenant, prefix),
        space=request.space,
        tenant=options.tenant,
        prefix=prefix,
        ranges=ranges,
        exclusions=within("exclude", options.exclusions, prefix),
        owner=request.owner,
        requested=now,
    )


def _is_avoidable(prefix: Prefix, version: int) -> bool:
    return prefix.version == version and prefix.prefixlen >= SHORTEST_AVOIDED


def _check_size(prefix: Prefix, options: PoolOptions) -> None:
    size = options.size(prefix.version)
    if size is not None and size != prefix.prefixlen:
        raise InvalidOptionError(
            f"prefix is {size}, but the subnet {prefix} has a length of its own; give one of them"
        )


def _choose(family: Sequence[PoolAddresses], request: AddressRequest, at: Moment) -> Lease:
    if request.kind is Kind.GATEWAY:
        lease = family[0].take_gateway(request, at)
        if lease is not None:
            return lease
    for take in (
        PoolAddresses.take_known,
        PoolAddresses.take_next,
        PoolAddresses.take_resting,
    ):
        for addresses in family:
            lease = take(addresses, request, at)
            if lease is not None:
                return lease
    raise PoolFullError(
        f"no available addresses on this pool: every address of "
        f"{', '.join(addresses.pool.id for addresses in family)} is taken; release "
        f"some, or create the network with a larger or a further subnet"
    )


def _holding(family: Sequence[PoolAddresses], address: Address) -> PoolAddresses:
    for addresses in family:
        if address in addresses.pool.prefix:
            return addresses
    raise InvalidAddressError(
        f"requested address is out of range: {address} is not in "
        f"{', '.join(str(addresses.pool.prefix) for addresses in family)}; choose "
        f"one inside"
    )
