"""What is asked again, and what is lost and made again.

Nothing in the engine's protocol says who asks for a pool.  A request that is wrongly taken for a
repetition gives two networks one pool, so in doubt it is not.

A lost store is filled again by network drivers.  A driver keeps the options that its pool was
asked for with, and knows which addresses its endpoints have.  Together that is the pool, but for
the addresses that rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ipam import mirror
from ipam.attempt import Times
from ipam.election import is_confirmed
from ipam.lease import ANONYMOUS, Kind, Owner
from ipam.pool import GLOBAL, NO_TENANT, Pool, PoolRequest
from ipam.pool_request import WantedPool
from ipam.prefixes import Address

# An engine replays before it serves anybody: some milliseconds for a network, seconds for a host.
# It must not be refused then what it has: dockerd 20.10.24 and 28.5.2 end with a panic.
REPLAY_SECONDS: Final = 120.0


def repeats(
    held: Pool, asked: Pool, at: Times, *, window: float, is_empty: Callable[[], bool]
) -> bool:
    """Whether the pool that is held is the answer to this request."""
    alike = replace(
        asked,
        owner=held.owner,
        network=held.network,
        released=held.released,
        requested=held.requested,
    )
    if alike != held:
        return False
    if held.space == GLOBAL:
        # A swarm manager asks again for all that it holds when it becomes the leader, and only
        # then.  Which network asks is told afterwards (``group``).
        return not is_confirmed(held, at)
    if mirror.may_ask_anew(held, at):
        return True
    if held.owner is not None or asked.owner is not None:
        return held.owner == asked.owner
    if held.requested < at.replay and at.now - at.replay <= REPLAY_SECONDS:
        return True
    # The engine's client repeats a call whose answer never came: the plugin was started
    # again meanwhile, and nothing has happened in the pool yet.
    return (
        held.network is None
        and held.requested < at.began
        and at.now - held.requested <= window
        and is_empty()
    )


def is_owned(held: Pool, wanted: WantedPool) -> bool:
    """Whether the pool was chosen for the same owner, who asks for any again."""
    return (
        wanted.request.owner is not None
        and held.owner == wanted.request.owner
        and held.tenant == wanted.options.tenant
        and held.prefix.version == wanted.version
        and wanted.length in (None, held.prefix.prefixlen)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedAddress:
    """An address that somebody has; ``endpoint`` is unset for a gateway and its like."""

    address: Address
    kind: Kind = Kind.ENDPOINT
    owner: Owner = ANONYMOUS
    endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LostPool:
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
