"""Addresses that are kept for an owner on all hosts: it has its address wherever it starts, and once."""

from ipaddress import ip_address
from itertools import chain, repeat
from typing import Any

import pytest

from ipam.blocks.base import UnavailableError, UnknownOutcomeError
from ipam.blocks.census import read_hosts
from ipam.blocks.kept import free_kept
from ipam.blocks.keys import block_key
from ipam.errors import (
    AddressReservedError,
    InvalidAddressError,
    InvalidReservationError,
    PoolFullError,
    StoreError,
)
from ipam.lease import Owner
from ipam.prefixes import alone, parse_prefix
from ipam.reservation import Reservation
from ipam.store import memory
from tests.fakes.registry import FakeRegistry, Fate
from tests.unit.ipam.clustered import ClusterHost

KEPT = "10.50.200.11"  # in a block that no host has
AROUND = parse_prefix("10.50.200.0/26")
TASK = "web.1.abcdefghijklmnopqrstuvwxy"


def _reservation(address: str = KEPT, name: str = "web") -> Reservation:
    return Reservation(address=ip_address(address), owner=Owner(name=name))


def _keys(host: ClusterHost, prefix: str) -> list[str]:
    return [key for key in host.state.keys if key.startswith(prefix)]


def test_the_owner_has_it_on_any_host(one: ClusterHost, two: ClusterHost) -> None:
    """One after the other, and no other container has it on either."""
    pools = [host.pool() for host in (one, two)]
    one.allocator.reserve(_reservation())
    two.allocator.attend()

    assert two.take(pools[1], name="web") == KEPT
    two.allocator.attend()
    assert one.take(pools[0], name="web") != KEPT
    with pytest.raises(PoolFullError, match="in use on host two"):
        one.take(pools[0], KEPT)
    two.allocator.release_address(pools[1].id, ip_address(KEPT))
    two.allocator.attend()
    assert one.take(pools[0], KEPT, name="web") == KEPT
    assert KEPT not in {two.take(pools[1]) for _ in range(100)}


def test_a_task_of_a_service(one: ClusterHost) -> None:
    """Is known by its place there, whichever task it is."""
    pool = one.pool()
    one.allocator.reserve(_reservation(name="web.1"))

    assert one.take(pool, name=TASK) == KEPT
    with pytest.raises(AddressReservedError):
        one.allocator.reserve(_reservation(name="web.2"))


def test_every_host_lists_it(one: ClusterHost, two: ClusterHost) -> None:
    """From its next round on; and keeps it no longer when any host gives it up."""
    one.pool()
    two.pool()
    one.allocator.reserve(_reservation())
    assert two.allocator.reservations() == []
    two.allocator.attend()
    assert two.allocator.reservations() == one.allocator.reservations() == [_reservation()]

    assert two.allocator.unreserve(_reservation())
    one.allocator.attend()
    assert one.allocator.reservations() == []
    assert not _keys(one, "kept/")
    assert f"blocks/10.50.0.0-16/{AROUND}".replace("/26", "-26") not in one.state.keys
    assert not two.allocator.unreserve(_reservation())


def test_it_is_no_host(one: ClusterHost) -> None:
    """The block that is kept is nobody's, and stays while an address of it is in use."""
    pool = one.pool()
    registry = FakeRegistry(one.state, "any", lambda: Fate.DONE)
    one.allocator.reserve(_reservation())
    one.take(pool, KEPT)
    one.allocator.unreserve(_reservation())
    one.allocator.attend()
    free_kept(registry, pool.prefix, AROUND)

    assert [each.host for each in read_hosts(registry)] == [one.name]
    assert len(_keys(one, "blocks/10.50.0.0-16/10.50.200")) == 2
    one.allocator.release_address(pool.id, ip_address(KEPT))
    one.allocator.attend()
    assert not _keys(one, "blocks/10.50.0.0-16/10.50.200")


def test_what_is_refused(one: ClusterHost, two: ClusterHost) -> None:
    """An address of a host's block, one of no network here, another owner; nothing has changed then."""
    own = one.take(one.pool())
    with pytest.raises(InvalidReservationError, match="this host has no network with it"):
        two.allocator.reserve(_reservation())
    two.pool()
    before = dict(one.state.keys)
    with pytest.raises(InvalidAddressError, match=r"of host one; choose one .* as of 10\.50\.255"):
        two.allocator.reserve(_reservation(), _reservation(own, "db"))
    assert _keys(one, "kept/") == []
    assert one.state.keys.keys() == before.keys()
    assert two.allocator.reservations() == []

    one.allocator.reserve(_reservation())
    with pytest.raises(AddressReservedError, match="reserved for name web"):
        two.allocator.reserve(_reservation(name="db"))
    two.pool("10.60.0.0/30")
    with pytest.raises(InvalidAddressError, match="too small"):
        two.allocator.reserve(_reservation("10.60.0.2"))


def test_without_the_registry(one: ClusterHost) -> None:
    """Nothing is reserved that others do not know of; what is claimed already is given."""
    pool = one.pool()
    one.allocator.reserve(_reservation())
    one.take(pool, name="web")
    one.fate = None
    with pytest.raises(UnavailableError):
        one.allocator.reserve(_reservation("10.50.201.1", "db"))
    one.allocator.release_address(pool.id, ip_address(KEPT))

    assert len(one.allocator.reservations()) == 1
    assert one.take(pool, name="web") == KEPT


def test_a_failure_keeps_no_other_from_being_undone(
    one: ClusterHost, two: ClusterHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three the last is refused, and the store cannot give the first one up: that one is named."""
    own = one.take(one.pool())
    two.pool()
    remove = memory._Reservations.remove  # noqa: SLF001

    def fail_for_one(there: Any, reservation: Reservation) -> None:
        if reservation.address == ip_address(KEPT):
            raise StoreError("the disk is full")
        remove(there, reservation)

    monkeypatch.setattr("ipam.store.memory._Reservations.remove", fail_for_one)
    wanted = (_reservation(), _reservation("10.50.201.1", "db"), _reservation(own, "gw"))
    with pytest.raises(UnknownOutcomeError) as refused:
        two.allocator.reserve(*wanted)

    assert f"{own} of 10.50.0.0/16 is in block" in str(refused.value)
    assert f"; and {KEPT} may stay reserved (the disk is full): unreserve" in str(refused.value)
    assert two.allocator.reservations() == [_reservation()]
    assert _keys(one, "kept/") == []


@pytest.mark.parametrize("after", [Fate.DONE, None])
def test_an_answer_that_does_not_come(
    one: ClusterHost, monkeypatch: pytest.MonkeyPatch, after: Fate | None
) -> None:
    """The address may be kept, and is given up; if that cannot be either, it is named."""
    one.pool()
    fates = chain([Fate.DONE] * 3, [Fate.DONE_UNHEARD, None], repeat(after))
    monkeypatch.setattr(one, "_fate", lambda: next(fates))
    with pytest.raises(UnknownOutcomeError) as refused:
        one.allocator.reserve(_reservation())

    assert (f"{KEPT} may stay reserved" in str(refused.value)) == (after is None)
    assert len(_keys(one, "kept/")) == (1 if after is None else 0)
    assert one.allocator.reservations() == []


def test_before_the_network_is(one: ClusterHost, two: ClusterHost) -> None:
    """What was reserved for this host alone is all hosts' then; what it left is a copy no more."""
    lan, address = "192.168.7.0/24", "192.168.7.200"
    one.allocator.reserve(_reservation(address))
    pool = one.pool(lan, cluster="lan")
    two.pool(lan, cluster="lan")
    two.allocator.attend()
    assert two.allocator.reservations() == [_reservation(address)]

    one.allocator.release_pool(pool.id)
    one.allocator.attend()
    assert one.allocator.reservations() == []
    assert len(_keys(one, "kept/")) == 1


@pytest.mark.parametrize("at", range(3))
def test_killed_as_it_gives_back(one: ClusterHost, two: ClusterHost, at: int) -> None:
    """Wherever that is: the next process finds what is left, so that the owner has its address elsewhere."""
    pool = one.pool()
    elsewhere = two.pool()
    one.allocator.reserve(_reservation())
    one.take(pool, name="web")
    two.allocator.attend()
    one.allocator.release_address(pool.id, ip_address(KEPT))
    one.ledger.drop(pool.prefix, alone(ip_address(KEPT)))
    if at:
        one.state.keys.pop(block_key(pool.prefix, alone(ip_address(KEPT))))
    if at > 1:
        one.state.keys.pop(f"kept/10.50.0.0-16/{KEPT}")
    one.start()
    one.allocator.attend()

    if at < 2:
        assert two.take(elsewhere, name="web") == KEPT
    else:
        assert not _keys(one, "blocks/10.50.0.0-16/10.50.200")


def test_an_answer_that_was_lost(one: ClusterHost, two: ClusterHost) -> None:
    """The address alone is found again, and is no block that a full host asks for."""
    pool = one.pool()
    two.pool()
    two.allocator.reserve(_reservation())
    one.take(pool, KEPT)
    one.ledger.owned[pool.prefix] = [
        each for each in one.ledger.owned[pool.prefix] if each.num_addresses > 1
    ]
    one.start()

    before = len(one.ledger.blocks(pool.prefix))
    assert one.take(pool) != KEPT
    assert len(one.ledger.blocks(pool.prefix)) == before + 2


def test_a_refused_network_takes_no_reservation(one: ClusterHost, two: ClusterHost) -> None:
    """What was reserved on a host whose network the cluster refuses is still reserved there."""
    lan = "192.168.7.0/24"
    address = one.take(one.pool(lan, cluster="lan"))
    two.allocator.reserve(_reservation(address), _reservation("192.168.7.250", "db"))
    with pytest.raises(InvalidAddressError, match="of host one"):
        two.pool(lan, cluster="lan")
    two.allocator.attend()

    assert _reservation(address) in two.allocator.reservations()
    assert two.blocks(one.allocator.pools()[0]) == 0


def test_a_copy_that_is_given_up_meanwhile(one: ClusterHost, two: ClusterHost) -> None:
    """A host that leaves the pool forgets it, too, and keeps it for none when it comes back."""
    one.pool()
    pool = two.pool()
    one.allocator.reserve(_reservation())
    two.allocator.attend()
    one.allocator.unreserve(_reservation())
    two.allocator.release_pool(pool.id)
    two.allocator.attend()

    assert two.allocator.reservations() == []


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("kept/10.50.0.0-16/192.168.9.9", "name=web"),  # of another network
        ("kept/10.50.0.0-16/10.50.200.12", "name=\x1b[31mweb"),
        ("kept/10.50.0.0-16/10.50.200.12", "mac=web"),
        ("kept/10.50.0.0-16/10.50.200.12", "endpoint=web"),
        ("kept/10.50.0.0-16/web", "name=web"),
        ("kept/", "name=web"),
    ],
)
def test_what_no_host_wrote(one: ClusterHost, key: str, owner: str) -> None:
    """Is no reservation here, and those of hosts are heard all the same."""
    pool = one.pool()
    one.state.keys[key] = owner
    one.state.keys[f"kept/10.50.0.0-16/{KEPT}"] = "name=web"
    one.allocator.attend()

    assert one.allocator.reservations() == [_reservation()]
    assert one.take(pool)


def test_a_block_that_is_kept_for_nothing(one: ClusterHost) -> None:
    """A host was killed as it gave up the last address: to give that up again frees the block."""
    one.pool()
    one.allocator.reserve(_reservation())
    del one.state.keys[f"kept/10.50.0.0-16/{KEPT}"]
    assert not one.allocator.unreserve(_reservation("10.50.200.12"))

    assert not _keys(one, "blocks/10.50.0.0-16/10.50.200")
