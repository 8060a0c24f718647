"""What a network driver remembers of a pool, so that a store that was lost can be had again.

The driver keeps the options that its pool was asked for with, and knows which addresses its
endpoints have.  Together that is the pool, but for the addresses that rest.
"""

from dataclasses import dataclass

from ipam.lease import ANONYMOUS, Kind, Owner
from ipam.pool import NO_TENANT, Pool, PoolRequest
from ipam.prefixes import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedAddress:
    """An address that somebody has; ``endpoint`` is unset for a gateway and its like."""

    address: Address
    kind: Kind = Kind.ENDPOINT
    owner: Owner = ANONYMOUS
    endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """A pool of this network, asked for by its prefix, and its addresses in use."""

    network: str
    request: PoolRequest
    used: tuple[UsedAddress, ...] = ()


def options_of(pool: Pool) -> dict[str, str]:
    """The options with which a request for the pool's prefix gives the same pool."""
    told = {
        "exclude": ",".join(map(str, pool.exclusions)),
        "group": pool.group or "",
        "range": ",".join(map(str, pool.ranges)),
        "tenant": pool.tenant if pool.tenant != NO_TENANT else "",
    }
    return {option: value for option, value in told.items() if value}
