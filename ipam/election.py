"""Pools of a swarm on a manager: who may ask for one again, and which leases hold after an election.

A swarm's managers agree on every address before it is used.  A new leader asks for each pool, then
says which network it is of (``group``), then asks for each address in use, and only then for new
ones (moby, swarmkit, manager/allocator/network.go).  Whatever it did not ask for by then was given
back while another manager led.

``Pool.requested`` is the time of that ``group``, and a lease that is older is unconfirmed: it may
be asked for.  It is given up only by a process that saw the ``group``, because versions before
this one stored another time.  A clock that was set back makes pools and leases of the future:
they count as unconfirmed, too.

A network that was removed while another manager led is still here.  Its pool is given up when
another network is known to have it, or some time after an election.
"""

from typing import Final

from ipam.attempt import Times
from ipam.lease import Kind, Lease, State
from ipam.pool import GLOBAL, Pool, is_of_swarm

_ROUND_SECONDS: Final = 30.0  # a leader asks for everything at once, within some seconds


def is_allocated(pool: Pool) -> bool:
    """Whether a swarm network has the pool on this manager."""
    return pool.space == GLOBAL and is_of_swarm(pool.network)


def is_confirmed(pool: Pool, times: Times) -> bool:
    """Whether a manager asked for the pool since it began last to ask for all it has."""
    return times.led <= pool.requested <= times.now


def is_given_up(pool: Pool, times: Times) -> bool:
    """Whether the swarm has no such network any more: its leader has asked for all it has since."""
    return (
        is_allocated(pool)
        and not is_confirmed(pool, times)
        and 0 < times.elected <= times.now - _ROUND_SECONDS
    )


def is_displaced(pool: Pool, times: Times, *, again: bool) -> bool:
    """Whether a network that asks ``again`` has the pool, and no other: the swarm allocated it before."""
    return again and is_allocated(pool) and not is_confirmed(pool, times)


def is_unconfirmed(pool: Pool, held: Lease, now: float) -> bool:
    """Whether the present leader has not asked for this lease, as far as it is known."""
    return (
        pool.space == GLOBAL
        and held.kind is Kind.ENDPOINT
        and held.state is not State.RESTING
        and not pool.requested <= held.since <= now
    )


def keeps_gateway(pool: Pool, held: Lease) -> bool:
    """Whether the gateway goes with its pool only.

    A swarm undoes a refused second network every 5 s, and would release the first one's gateway.
    """
    return is_allocated(pool) and held.kind is Kind.GATEWAY and held.since <= pool.requested
