"""Pools and their use, as tables and pictures for the terminal."""

from rich.console import Console
from rich.table import Table

from ipam.cli.usage_map import draw
from ipam.contents import Contents
from ipam.lease import State
from ipam.pool import Pool


def show_pools(console: Console, contents: Contents) -> None:
    """One line for each pool."""
    table = Table("POOL", "NETWORK", "BOUND", "RESERVED", "RESTING", "OF", box=None)
    for pool in contents.pools():
        use = contents.use(pool.id)
        counts = [str(use.get(state, 0)) for state in (State.BOUND, State.RESERVED, State.RESTING)]
        size = pool.prefix.num_addresses
        of = str(size) if size < 1 << 32 else f"2^{size.bit_length() - 1}"
        table.add_row(pool.id, (pool.network or "-")[:12], *counts, of)
    console.print(table)


def show_pool(console: Console, contents: Contents, pool: Pool) -> None:
    """A picture of the pool, and its leases."""
    leases = list(contents.leases(pool.id))
    kept = [
        each.address
        for each in contents.reservations()
        if (each.space, each.tenant) == (pool.space, pool.tenant) and each.address in pool.prefix
    ]
    picture = draw(pool, leases, kept)
    each = f", {picture.per_character} to a character" if picture.per_character > 1 else ""
    console.print(f"{pool.id}: {picture.part}{each}", highlight=False)
    console.print(picture.text(), picture.legend, sep="", highlight=False)
    table = Table("ADDRESS", "KIND", "STATE", "OWNER", "ENDPOINT", box=None)
    for lease in leases:
        owner = str(lease.owner) if lease.owner else "-"
        endpoint = (lease.endpoint or "-")[:12]
        table.add_row(str(lease.address), lease.kind, lease.state, owner, endpoint)
    console.print(table)
