"""What is asked of ``request_pool``, read and checked before anything is touched."""

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from ipam.errors import InvalidOptionError, InvalidPrefixError, InvalidSubPoolError
from ipam.options import PoolOptions, read_options, within
from ipam.pool import Pool, PoolRequest, pool_id
from ipam.prefixes import Prefix, intersect, span

# "This network" and loopback (RFC 1122 section 3.2.1.3), multicast and limited broadcast (RFC 1112
# section 4, RFC 919 section 7), and their like of RFC 4291 section 2.4.
NEVER_POOLS: Final[tuple[Prefix, ...]] = tuple(
    map(
        ip_network,
        ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/127", "ff00::/8"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPool:
    """A request that is valid in itself, and can be granted if its pool is free.

    ``prefix`` is unset when any pool will do, of ``length`` if that is set.
    """

    request: PoolRequest
    options: PoolOptions
    prefix: Prefix | None
    version: int
    length: int | None

    def placed(self, prefix: Prefix, now: float) -> Pool:
        """The pool that this asks for, at this place; ``now`` in Unix seconds.

        Raises InvalidOptionError if a range of the options reaches over the pool's edge.
        """
        ranges = within("range", self.options.ranges, prefix)
        if self.request.subpool is not None:
            # One wider than its pool is cut to it, as Docker does.
            part = intersect(span(prefix), span(self.request.subpool))
            ranges = (part, *ranges) if part else ranges
        return Pool(
            id=pool_id(self.request.space, self.options.tenant, prefix),
            space=self.request.space,
            tenant=self.options.tenant,
            prefix=prefix,
            ranges=ranges,
            exclusions=within("exclude", self.options.exclusions, prefix),
            group=self.options.group,
            cluster=self.options.cluster,
            owner=self.request.owner,
            requested=now,
        )


def read_request(request: PoolRequest) -> WantedPool:
    """Check a request by itself, without looking at other pools.

    Raises InvalidPrefixError, InvalidSubPoolError, InvalidOptionError.
    """
    options = read_options(request.options)
    prefix = request.prefix
    if request.subpool is not None:
        _check_subpool(prefix, request.subpool)
    if prefix is None:
        version = 6 if request.v6 else 4
        length = options.size(version)
    elif prefix.network_address.is_unspecified:
        version, length = prefix.version, _any_length(prefix)
        prefix = None
    else:
        version, length = prefix.version, prefix.prefixlen
        _check_prefix(prefix, options.size(version))
    return WantedPool(
        request=request, options=options, prefix=prefix, version=version, length=length
    )


def _check_subpool(prefix: Prefix | None, subpool: Prefix) -> None:
    if prefix is None or prefix.network_address.is_unspecified:
        raise InvalidSubPoolError(
            f"sub-pool {subpool} has no pool; give the subnet it lies in as well"
        )
    if intersect(span(prefix), span(subpool)) is None:
        raise InvalidSubPoolError(
            f"sub-pool {subpool} lies outside its pool; choose one inside {prefix}"
        )


def _any_length(prefix: Prefix) -> int:
    if prefix.prefixlen == 0:
        raise InvalidPrefixError(
            f"invalid address pool: {prefix} is every address; leave the subnet out, "
            f"or ask for a length such as 0.0.0.0/24"
        )
    return prefix.prefixlen


def _check_prefix(prefix: Prefix, size: int | None) -> None:
    for never in NEVER_POOLS:
        if intersect(span(prefix), span(never)) is not None:
            raise InvalidPrefixError(
                f"invalid address pool: {prefix} holds addresses of {never}, which no host may "
                f"have; choose a unicast prefix"
            )
    if size is not None and size != prefix.prefixlen:
        raise InvalidOptionError(
            f"prefix is {size}, but the subnet {prefix} has a length already; give only one of them"
        )
