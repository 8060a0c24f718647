"""What pynet's address side remembers, read from its store while it runs."""

from pathlib import Path

from ipam.allocator import Allocator
from ipam.check import find_faults
from ipam.lease import State
from ipam.pool import PoolID
from ipam.store.sqlite import SqliteStore

Ledger = dict[str, dict[str, str]]


def read(state: Path) -> Ledger:
    """Return by pool and address what it is held as; contradictions are a failure."""
    store = SqliteStore(state / "ipam.db")
    try:
        allocator = Allocator(store)
        assert list(find_faults(allocator)) == []
        return {
            pool.id: {
                str(lease.address): f"{lease.kind} {lease.state}"
                for lease in allocator.leases(pool.id)
            }
            for pool in allocator.pools()
        }
    finally:
        store.close()


def networks(state: Path) -> dict[str, str | None]:
    """Return by pool the network that is known to use it."""
    store = SqliteStore(state / "ipam.db")
    try:
        return {pool.id: pool.network for pool in Allocator(store).pools()}
    finally:
        store.close()


def rests(state: Path, pool: str) -> dict[str, float]:
    """Return by address for how many seconds it rests."""
    store = SqliteStore(state / "ipam.db")
    try:
        return {
            str(lease.address): lease.until - lease.since
            for lease in store.leases(PoolID(pool))
            if lease.state is State.RESTING and lease.until is not None
        }
    finally:
        store.close()


def held(state: Path) -> set[str]:
    """Return the addresses that are bound."""
    return {
        address
        for leases in read(state).values()
        for address, how in leases.items()
        if how.endswith(" bound")
    }
