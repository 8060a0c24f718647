"""A swarm node's copy of a swarm network's pool.

dockerd takes a network of swarm for its own as long as a task of it is on this host, and asks for
the pool by its prefix in the local space.  It keeps no record of that (moby, daemon/network.go:
NetworkOptionPersist(false)).  After a crash it asks anew for what is held, and nothing but the
network's id tells such a pool from another.
"""

import re
from typing import Final

from ipam.attempt import Times
from ipam.lease import Kind, Lease
from ipam.pool import LOCAL, Pool

# swarmkit, identity/randomid.go: 25 digits to the base of 36.  Other networks have 64 digits.
_SWARM_ID: Final = re.compile(r"[0-9a-z]{25}")


def is_mirror(pool: Pool) -> bool:
    """Whether a network of swarm has the pool on this node."""
    return (
        pool.space == LOCAL
        and pool.network is not None
        and _SWARM_ID.fullmatch(pool.network) is not None
    )


def may_ask_anew(held: Pool, times: Times) -> bool:
    """Whether the engine may have forgotten that it holds this copy: it started since."""
    return is_mirror(held) and not times.began <= held.requested <= times.now


def keeps_gateway(pool: Pool, held: Lease) -> bool:
    """Whether the gateway goes with its pool only: another network's undoing may release it."""
    return is_mirror(pool) and held.kind is Kind.GATEWAY
