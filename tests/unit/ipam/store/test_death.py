"""Death between any two statements of an operation leaves all of it or nothing."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ipam.allocator import Allocator
from ipam.lease import AddressRequest, Kind, Owner
from ipam.pool import LOCAL, PoolRequest
from ipam.prefixes import parse_prefix
from ipam.reservation import Reservation
from ipam.settings import Settings
from ipam.store.sqlite import SqliteStore

SETTINGS = Settings(reserve_timeout=10, quarantine=5)
PREFIX = parse_prefix("10.1.2.0/24")
OTHER = parse_prefix("10.1.9.0/24")
WEB = Owner(name="web")

OPERATIONS: dict[str, Callable[[Allocator], object]] = {
    "request any pool": lambda each: each.request_pool(PoolRequest()),
    "request this pool": lambda each: each.request_pool(PoolRequest(prefix=OTHER)),
    "release pool": lambda each: each.release_pool(each.pools()[0].id),
    "group": lambda each: each.group("net2", LOCAL, [parse_prefix("10.7.0.0/24")]),
    "ungroup": lambda each: each.ungroup("net1"),
    "request any address": lambda each: each.request_address(each.pools()[0].id),
    "request gateway": lambda each: each.request_address(
        each.pools()[0].id, AddressRequest(kind=Kind.GATEWAY)
    ),
    "request by name": lambda each: each.request_address(
        each.pools()[0].id, AddressRequest(owner=WEB)
    ),
    "release address": lambda each: each.release_address(each.pools()[0].id, PREFIX[2]),
    "bind": lambda each: each.bind(LOCAL, PREFIX, PREFIX[3], endpoint="e1"),
    "unbind": lambda each: each.unbind(LOCAL, PREFIX, PREFIX[2], endpoint="e2"),
    "reserve": lambda each: each.reserve(Reservation(address=PREFIX[4], owner=WEB)),
    "collect": lambda each: each.collect(now=1_800_009_999.0),
}


class DyingStore(SqliteStore):
    """A store whose process dies at one of its statements."""

    def die_before(self, statement: int) -> None:
        left = [statement]

        def count(_: str) -> None:
            if left[0] == 0:
                os._exit(9)
            left[0] -= 1

        self._connection.set_trace_callback(count)


def prepare(path: Path) -> None:
    store = SqliteStore(path)
    allocator = Allocator(store, SETTINGS, clock=lambda: 1_800_000_000.0)
    pool = allocator.request_pool(PoolRequest(prefix=PREFIX))
    allocator.request_pool(PoolRequest(prefix=parse_prefix("10.7.0.0/24")))
    allocator.request_address(pool.id, AddressRequest(kind=Kind.GATEWAY))
    allocator.group("net1", LOCAL, [PREFIX])
    for owner in (Owner(name="db"), WEB, Owner(name="mail"), Owner()):
        allocator.request_address(pool.id, AddressRequest(owner=owner))
    allocator.bind(LOCAL, PREFIX, PREFIX[2], endpoint="e2")
    allocator.release_address(pool.id, PREFIX[4])
    store.close()


def contents(path: Path) -> list[object]:
    store = SqliteStore(path)
    allocator = Allocator(store, SETTINGS, clock=lambda: 1_800_000_001.0)
    leases = [lease for pool in allocator.pools() for lease in allocator.leases(pool.id)]
    found = [*allocator.pools(), *leases, *allocator.reservations()]
    store.close()
    return found


def run_and_die(path: Path, operation: Callable[[Allocator], object], statement: int) -> bool:
    """Whether it died; the process that does is a fork, as nothing else dies so suddenly."""
    child = os.fork()
    if child == 0:
        try:
            store = DyingStore(path)
            allocator = Allocator(store, SETTINGS, clock=lambda: 1_800_000_001.0)
            allocator.pools()
            store.die_before(statement)
            operation(allocator)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("name", OPERATIONS)
def test_all_or_nothing(tmp_path: Path, name: str) -> None:
    """Whatever statement is the last, the file holds the state before or the one after."""
    before_path = tmp_path / "before.db"
    prepare(before_path)
    before = contents(before_path)
    seen = []
    statement = 0
    died = True
    while died:
        path = tmp_path / f"ipam-{statement}.db"
        path.write_bytes(before_path.read_bytes())
        died = run_and_die(path, OPERATIONS[name], statement)
        seen.append(contents(path))
        statement += 1
    after = seen[-1]

    assert after != before
    assert statement >= 5
    assert all(found in (before, after) for found in seen)
