"""A swarm node's copy of a swarm network's pool.

dockerd takes a network of swarm for its own as long as a task of it is on this host, and asks for
the pool by its prefix in the local space.  It keeps no record of that (moby, daemon/network.go:
NetworkOptionPersist(false)).  After a crash it asks anew for what is held, and nothing but the
network's id tells such a pool from another.

A task has one address of the manager, which is IPv4 wherever the network has IPv4.  Its IPv6
address is asked for on the node alone.  Each node therefore chooses in a part of the prefix that
no other node has.
"""

from hashlib import sha256
from ipaddress import IPv6Address, IPv6Network
from typing import Final

from ipam.attempt import Times
from ipam.lease import Kind, Lease
from ipam.pool import LOCAL, Pool, is_of_swarm
from ipam.prefixes import AddressRange, span

# Bits of an address that name the node: two of 100 nodes have the same once in a million swarms.
_NODE_BITS: Final = 32


def is_mirror(pool: Pool) -> bool:
    """Whether a network of swarm has the pool on this node."""
    return pool.space == LOCAL and is_of_swarm(pool.network)


def may_ask_anew(held: Pool, times: Times) -> bool:
    """Whether the engine may have forgotten that it holds this copy: it started since."""
    return is_mirror(held) and not times.began <= held.requested <= times.now


def chosen_here(pool: Pool, host_id: str) -> tuple[AddressRange, ...]:
    """Where this host may choose addresses of the pool."""
    prefix = pool.prefix
    if is_mirror(pool) and isinstance(prefix, IPv6Network):
        return (own_part(prefix, host_id),)
    return pool.automatic


def own_part(prefix: IPv6Network, host_id: str) -> AddressRange:
    """The addresses of a swarm's prefix that no other node chooses.

    A long prefix leaves few bits.  Half of them name the node, and two nodes may have the same.
    """
    free = prefix.max_prefixlen - prefix.prefixlen
    bits = min(_NODE_BITS, free // 2)
    digest = int.from_bytes(sha256(b"pynet node " + host_id.encode()).digest())
    # Never the part with the gateway and its like, which people choose by hand.
    node = 1 + digest % ((1 << bits) - 1) if bits > 1 else digest % (1 << bits)
    start = int(prefix.network_address) + (node << (free - bits))
    return span(IPv6Network((IPv6Address(start), prefix.prefixlen + bits)))


def keeps_gateway(pool: Pool, held: Lease) -> bool:
    """Whether the gateway goes with its pool only: another network's undoing may release it."""
    return is_mirror(pool) and held.kind is Kind.GATEWAY
