"""A pool and its siblings: the pools of one network and IP version.

The engine asks for every address of a network in its first pool, and takes a
refusal as final.  When that pool is full the address must come from a sibling, and
comes back under the first pool's name.
"""

from collections.abc import Sequence

from ipam.addresses import PoolAddresses
from ipam.errors import InvalidAddressError, PoolFullError
from ipam.lease import AddressRequest, Kind, Lease
from ipam.moment import Moment
from ipam.prefixes import Address


class Family:
    """The pools an address may come from, the one that was asked first."""

    def __init__(self, members: Sequence[PoolAddresses]) -> None:
        self._members = members

    def take(self, request: AddressRequest, at: Moment) -> Lease:
        """Take the address that is asked for, or any."""
        if request.address is None:
            return self._take_any(request, at)
        member = self.holding(request.address)
        if member is None:
            prefixes = ", ".join(str(each.pool.prefix) for each in self._members)
            raise InvalidAddressError(
                f"requested address is out of range: {request.address} is not in "
                f"{prefixes}; choose one inside"
            )
        return member.take(request.address, request, at)

    def holding(self, address: Address) -> PoolAddresses | None:
        """The member whose prefix the address is in."""
        for member in self._members:
            if address in member.pool.prefix:
                return member
        return None

    def _take_any(self, request: AddressRequest, at: Moment) -> Lease:
        if request.kind is Kind.GATEWAY:
            gateway = self._members[0].take_gateway(request, at)
            if gateway is not None:
                return gateway
        for take in (
            PoolAddresses.take_known,
            PoolAddresses.take_next,
            PoolAddresses.take_resting,
        ):
            for member in self._members:
                lease = take(member, request, at)
                if lease is not None:
                    return lease
        pools = ", ".join(member.pool.id for member in self._members)
        ranges = ", ".join(str(each) for member in self._members for each in member.pool.ranges)
        what, wider = (f"range {ranges} of {pools}", "--ip-range") if ranges else (pools, "subnet")
        raise PoolFullError(
            f"no available addresses on this pool: every address of {what} is taken; remove "
            f"containers, or recreate the network with a larger {wider} or a further subnet"
        )
