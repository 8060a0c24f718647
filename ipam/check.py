"""Rules that must hold for a store's contents, written by any program.

The allocator and the schema ensure all of them.  A fault means that the file was edited by hand,
or that there is a bug worth a report.
"""

from collections.abc import Iterator

from ipam.contents import Contents
from ipam.lease import Lease, State
from ipam.placement import Placement
from ipam.pool import Pool, pool_id
from ipam.prefixes import usable


def find_faults(contents: Contents) -> Iterator[str]:
    """Each contradiction in the store, with what can be done about it.  Raises StoreError."""
    placed: dict[str, Placement] = {}
    for pool in contents.pools():
        expected = pool_id(pool.space, pool.tenant, pool.prefix)
        if pool.id != expected:
            yield f"pool {pool.id} should have the id {expected}; remove its network"
        placement = placed.setdefault(pool.space, Placement())
        in_the_way = placement.overlapping(pool.tenant, pool.prefix)
        if in_the_way is not None:
            yield f"pool {pool.id} overlaps {in_the_way}; remove one of their networks"
        else:
            placement.add(pool)
        for lease in contents.leases(pool.id):
            yield from _faults_of(pool, lease)


def _faults_of(pool: Pool, lease: Lease) -> Iterator[str]:
    if lease.address not in usable(pool.prefix):
        yield (
            f"{lease.address} is no address of {pool.prefix} that a host may have; release it "
            f"from pool {pool.id}"
        )
    if (lease.until is None) != (lease.state is State.BOUND):
        ends = "an end" if lease.until is not None else "no end"
        yield (f"{lease.address} of pool {pool.id} is {lease.state} and has {ends}; release it")
