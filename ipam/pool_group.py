"""Pools that stand in for each other: those of one network, or option ``group``, and IP version.

The engine asks for every address of a network in the network's first pool, and takes a refusal as
final.  When that pool is full, the address must come from another of the group.  The engine
releases it under the first pool's name.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeAlias

from ipam.addresses import PoolAddresses
from ipam.attempt import Attempt
from ipam.errors import InvalidAddressError, PoolFullError, UnnamedAddressError
from ipam.lease import AddressRequest, Kind, Lease
from ipam.mirror import is_mirror
from ipam.pool import GLOBAL
from ipam.prefixes import Address

_Take: TypeAlias = Callable[[PoolAddresses, AddressRequest, Attempt], Lease | None]


class PoolGroup:
    """The pools an address may come from, the one that was asked first.

    ``preferred`` are where any address of an endpoint comes from instead, if there are any: a
    swarm's manager gives a task one address, asks for it in a pool of either IP version at random
    (moby, cnmallocator, networkallocator.go), and leaves IPv6 to the node.
    """

    def __init__(
        self, members: Sequence[PoolAddresses], preferred: Sequence[PoolAddresses] = ()
    ) -> None:
        self._members = members
        self._preferred = preferred

    def take(self, request: AddressRequest, at: Attempt) -> Lease:
        """Take the address that is asked for, or any.

        Raises InvalidAddressError, AddressInUseError, AddressReservedError, PoolFullError.
        """
        if request.owner.mac:
            for each in self._members:
                at.once_kept(each.learn_macs)
        if request.address is None:
            if self._preferred and request.kind is Kind.ENDPOINT:
                return PoolGroup(self._preferred).take(request, at)
            return self._take_any(request, at)
        member = self.holding(request.address)
        if member is None:
            prefixes = ", ".join(str(each.pool.prefix) for each in self._members)
            raise InvalidAddressError(
                f"requested address is out of range: {request.address} is not in "
                f"{prefixes}; choose one inside"
            )
        if is_mirror(member.pool) and request.kind is Kind.ENDPOINT:
            # The manager does not know whom it is for.  The engine takes what the node answers (moby,
            # libnetwork/endpoint.go, assignAddressVersion), and tells all nodes.
            reserved = member.take_reserved(request, at)
            if reserved is not None:
                return reserved
        return member.take(request.address, request, at)

    def holding(self, address: Address) -> PoolAddresses | None:
        """The member whose prefix the address is in, if there is one."""
        for member in (*self._members, *self._preferred):
            if address in member.pool.prefix:
                return member
        return None

    def _take_any(self, request: AddressRequest, at: Attempt) -> Lease:
        home = self._members[0].pool
        if is_mirror(home) and home.prefix.version == 4 and request.kind is Kind.ENDPOINT:
            raise UnnamedAddressError(
                f"no IPv4 address of {home.prefix} is chosen on this host, because a manager of the "
                f"swarm gives them out; update the service with --force, so that its tasks get one"
            )
        if request.kind is Kind.GATEWAY:
            gateway = self._members[0].take_gateway(request, at)
            if gateway is not None:
                return gateway
        else:
            for each in self._members:
                each.rest_unconfirmed(at)
        lease = (
            self._first(PoolAddresses.take_known, request, at)
            or self._take_returned(request, at)
            or self._first(PoolAddresses.take_next, request, at)
            or self._first(PoolAddresses.take_resting, request, at)
        )
        if lease is not None:
            return lease
        pools = ", ".join(member.pool.id for member in self._members)
        ranges = ", ".join(str(each) for member in self._members for each in member.pool.ranges)
        what, wider = (f"range {ranges} of {pools}", "--ip-range") if ranges else (pools, "subnet")
        raise PoolFullError(
            f"no available addresses on this pool: every address of {what} is taken; remove "
            f"containers, or recreate the network with a larger {wider} or a further subnet"
        )

    def _first(self, take: _Take, request: AddressRequest, at: Attempt) -> Lease | None:
        for member in self._members:
            lease = take(member, request, at)
            if lease is not None:
                return lease
        return None

    def _take_returned(self, request: AddressRequest, at: Attempt) -> Lease | None:
        """Take the address that just came back, if it is the only one.

        With several, no request can be matched to a restarted container.  Only for pynet's network
        driver: with others, engine 28 changes the MAC address and does not announce it, and neighbours
        would miss the container.  Not for swarm, whose tasks differ at every start.
        """
        home = self._members[0].pool
        restarts = home.network is not None and home.space != GLOBAL
        if request.owner or request.kind is not Kind.ENDPOINT or not restarts:
            return None
        returned = (
            (member, address) for member in self._members for address in member.returned(at)
        )
        found = list(islice(returned, 2))
        if len(found) != 1:
            return None
        member, address = found[0]
        return member.take_returned(address, request, at)
