"""Every call of an allocator over a store that loses its first commit: nobody notices.

Two allocators hear the same.  One's store runs every operation twice and keeps the second; what
both answer, what both have stored and what both remember must be the same.
"""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from ipam.allocator import Allocator
from ipam.errors import IpamError
from ipam.lease import AddressRequest, Kind, Owner
from ipam.pool import LOCAL, NO_TENANT, PoolID, PoolRequest, pool_id
from ipam.prefixes import parse_address, parse_prefix
from ipam.replay import LostPool, UsedAddress
from ipam.reservation import Reservation
from ipam.settings import Settings, parse_pools
from ipam.store.base import Store
from ipam.store.memory import MemoryStore
from ipam.store.sqlite import SqliteStore
from tests.fakes.address_store import LosingStore

SETTINGS = Settings(pools=parse_pools("10.9.0.0/22:24"), quarantine=5, sticky=9, reserve_timeout=20)
NOW = 1_800_000_000.0
PREFIX = parse_prefix("10.1.2.0/28")
SIBLING = parse_prefix("10.1.3.0/28")
ALONE = parse_prefix("10.1.4.0/29")
LOST = parse_prefix("10.1.5.0/28")
WEB, MAC = Owner(name="web"), Owner(mac="02:42:0a:01:02:03")
KEPT = Reservation(address=PREFIX[9], owner=Owner(name="db"))

Call = Callable[[Allocator], object]


def pool(prefix: object = PREFIX) -> PoolID:
    return pool_id(LOCAL, NO_TENANT, parse_prefix(str(prefix)))


def ask(prefix: object = PREFIX, owner: Owner = Owner(), **request: object) -> Call:  # noqa: B008
    """Request an address."""
    wanted = AddressRequest(owner=owner, **request)
    return lambda each: each.request_address(pool(prefix), wanted)


def give(address: object) -> Call:
    return lambda each: each.release_address(pool(), parse_address(str(address)))


# In a world with two siblings and a pool alone, some addresses taken, bound, resting and kept.
BEFORE: tuple[Call, ...] = (
    lambda each: each.request_pool(PoolRequest(prefix=PREFIX)),
    lambda each: each.request_pool(PoolRequest(prefix=SIBLING)),
    lambda each: each.request_pool(PoolRequest(prefix=ALONE)),
    lambda each: each.group("net1", LOCAL, [PREFIX, SIBLING]),
    ask(kind=Kind.GATEWAY),
    *(ask(owner=owner) for owner in (WEB, Owner(), Owner(), MAC)),
    lambda each: each.reserve(KEPT),
    lambda each: each.bind(LOCAL, PREFIX, PREFIX[3], endpoint="e3"),
    give(PREFIX[2]),
)
CALLS: dict[str, Call] = {
    "any pool": lambda each: each.request_pool(PoolRequest()),
    "any pool of an owner": lambda each: each.request_pool(PoolRequest(owner="me")),
    "a pool that overlaps": lambda each: each.request_pool(
        PoolRequest(prefix=parse_prefix("10.1.2.0/24"))
    ),
    "release a pool": lambda each: each.release_pool(pool(ALONE)),
    "release a pool in use": lambda each: each.release_pool(pool()),
    "any address": ask(),
    "any address of another pool": ask(ALONE),
    "an address by name": ask(owner=WEB),
    "an address by MAC": ask(owner=MAC),
    "a reserved address": ask(owner=KEPT.owner),
    "this address": ask(address=PREFIX[7]),
    "an address in use": ask(address=PREFIX[3]),
    "the gateway": ask(kind=Kind.GATEWAY),
    "release an address": give(PREFIX[4]),
    "release one in use": give(PREFIX[3]),
    "group": lambda each: each.group("net2", LOCAL, [ALONE]),
    "group what is used": lambda each: each.group("net2", LOCAL, [ALONE, PREFIX]),
    "ungroup": lambda each: each.ungroup("net1"),
    "ungroup what is deleted": lambda each: each.ungroup("net1", deleted=True),
    "options": lambda each: each.options("net1", LOCAL, PREFIX),
    "restore a lost pool": lambda each: each.restore_pool(
        LostPool(
            network="net3",
            request=PoolRequest(prefix=LOST),
            used=(UsedAddress(address=LOST[3], endpoint="e9"),),
        )
    ),
    "bind": lambda each: each.bind(LOCAL, PREFIX, PREFIX[4], MAC, endpoint="e4"),
    "bind what another has": lambda each: each.bind(LOCAL, PREFIX, PREFIX[3], endpoint="e4"),
    "unbind": lambda each: each.unbind(LOCAL, PREFIX, PREFIX[3], endpoint="e3"),
    "collect": lambda each: each.collect(now=NOW + 10_000),
    "reserve": lambda each: each.reserve(Reservation(address=PREFIX[2], owner=MAC)),
    "reserve for another": lambda each: each.reserve(Reservation(address=PREFIX[9], owner=MAC)),
    "unreserve": lambda each: each.unreserve(KEPT),
    "an engine that starts": lambda each: each.restarted(),
    "a replay that is due": lambda each: each.expect_replay(pool(LOST)),
    "use": lambda each: each.use(pool()),
}
# What shows the memory: choices, claims, places, and a pool that is emptied.
AFTER: tuple[Call, ...] = (
    ask(),
    ask(),
    give(PREFIX[4]),
    ask(),
    ask(ALONE),
    lambda each: each.request_pool(PoolRequest()),
    lambda each: each.request_pool(PoolRequest(prefix=LOST)),
    *(ask() for _ in range(30)),
    lambda each: each.ungroup("net1", deleted=True),
    lambda each: each.ungroup("net2", deleted=True),
    lambda each: each.request_pool(PoolRequest(prefix=PREFIX)),
    ask(),
)


def answer(call: Call, allocator: Allocator) -> object:
    try:
        return call(allocator)
    except IpamError as error:
        return type(error), str(error)


def contents(allocator: Allocator) -> list[object]:
    leases = [lease for each in allocator.pools() for lease in allocator.leases(each.id)]
    return [*allocator.pools(), *leases, *allocator.reservations()]


def history(store: Store, *calls: Call) -> list[object]:
    """What an allocator answers, call by call, and what it holds in the end."""
    ticks = count()
    allocator = Allocator(store, SETTINGS, clock=lambda: NOW + next(ticks) / 1000)
    said = [answer(each, allocator) for each in (*BEFORE, *calls)]
    held = contents(allocator)
    return [*said, *held, *(answer(each, allocator) for each in AFTER), *contents(allocator)]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_is_run_again_has_the_same_result(name: str) -> None:
    """Whatever it is, and whatever comes after it."""
    once = history(MemoryStore(), CALLS[name])
    again = history(LosingStore(MemoryStore()), CALLS[name])

    assert again == once


def test_so_have_all_of_them_on_a_file(tmp_path: Path) -> None:
    """One after the other."""
    stores = [SqliteStore(tmp_path / f"{number}.db") for number in range(2)]
    once = history(stores[0], *CALLS.values())
    again = history(LosingStore(stores[1]), *CALLS.values())
    for store in stores:
        store.close()

    assert again == once
