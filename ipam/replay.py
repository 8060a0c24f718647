"""Requests that an engine repeats, and pools that are rebuilt after a loss.

The engine's protocol does not show which network asks for a pool.  A request that is wrongly treated
as a repetition gives two networks one pool.  So in doubt a request counts as new.

Network drivers fill a lost store again.  A driver keeps the options of the request for its pool, and
knows the addresses of its endpoints.  Together they are the pool, except addresses that rest.
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

# An engine replays before it serves clients: some milliseconds for a network, seconds for a host.
# A refusal of what it has ends dockerd 20.10.24 and 28.5.2 with a panic.
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
        # A setting alone may have made it the cluster's.
        cluster=asked.cluster or held.cluster,
    )
    if alike != held:
        return False
    if held.space == GLOBAL:
        # A swarm manager asks again for all that it holds when it becomes the leader, and only
        # then.  It names the network afterwards (``group``).
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
    """An address in use; ``endpoint`` is unset for gateways and auxiliary addresses."""

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
        "cluster": pool.cluster or "",
        "exclude": ",".join(map(str, pool.exclusions)),
        "group": pool.group or "",
        "range": ",".join(map(str, pool.ranges)),
        "tenant": pool.tenant if pool.tenant != NO_TENANT else "",
    }
    return {option: value for option, value in told.items() if value}
