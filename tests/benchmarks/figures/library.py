"""The `ipam` package as its users have it: an allocator on a file, every answer durable."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from ipam import LOCAL, Allocator, PoolID, PoolRequest, Settings
from ipam.settings import parse_pools
from ipam.store.sqlite import SqliteStore

# Ten times the pools that the default range has room for.
MANY_POOLS: Final = "10.0.0.0/8:24"


@contextmanager
def allocator(directory: Path) -> Iterator[Allocator]:
    """Open an allocator on the file in a directory."""
    store = SqliteStore(directory / "ipam.db")
    try:
        yield Allocator(store, Settings(pools=parse_pools(MANY_POOLS)))
    finally:
        store.close()


def hold_pool(allocator: Allocator, prefix: str | None = None) -> PoolID:
    """Hold this pool, or any."""
    wanted = None if prefix is None else ip_network(prefix)
    return allocator.request_pool(PoolRequest(space=LOCAL, prefix=wanted)).id


def take(allocator: Allocator, pool: PoolID, count: int) -> list[float]:
    """Take so many addresses, one after the other; return the seconds of each."""
    seconds = []
    before = time.perf_counter()
    for _ in range(count):
        allocator.request_address(pool)
        now = time.perf_counter()
        seconds.append(now - before)
        before = now
    return seconds
