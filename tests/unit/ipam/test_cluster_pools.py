"""What a host is to its cluster: admitted, refused, forgotten, and begun anew."""

from ipaddress import ip_address

import pytest

from ipam.blocks.admission import forget
from ipam.blocks.base import NotAdmittedError, UnavailableError
from ipam.blocks.keys import member_key, pool_key
from ipam.errors import PoolFullError, PoolOverlapError
from ipam.lease import AddressRequest, Owner
from ipam.pool import LOCAL, PoolRequest
from ipam.prefixes import parse_prefix
from ipam.replay import LostPool, UsedAddress
from ipam.store.memory import MemoryStore
from tests.fakes.registry import FakeLedger, FakeRegistry, Fate
from tests.unit.ipam.clustered import POOL, ClusterHost


def test_a_restarted_process_goes_on_without_the_registry(one: ClusterHost) -> None:
    """It was admitted in this boot."""
    pool = one.pool()
    first = one.take(pool)
    one.fate = None
    one.start()
    one.allocator.expect_replay(pool.id)
    one.allocator.restarted()

    assert one.pool().id == pool.id
    with pytest.raises(UnavailableError):
        one.pool("10.60.0.0/16")
    assert one.take(pool) != first


def test_after_a_boot_the_registry_is_asked_once(one: ClusterHost) -> None:
    """The machine may be a copy; its pool is answered all the same, so that the engine starts."""
    pool = one.pool()
    one.boot = "boot2"
    one.state.lapse(lambda _: True)
    one.fate = None
    one.start()
    one.allocator.expect_replay(pool.id)
    one.allocator.restarted()

    assert one.pool().id == pool.id
    with pytest.raises(UnavailableError):
        one.take(pool)
    one.fate = Fate.DONE
    assert one.take(pool)


def test_what_is_not_held_any_more_is_left(one: ClusterHost) -> None:
    """Also after an outage during which it could not be."""
    pool = one.pool()
    one.fate = None
    one.allocator.release_pool(pool.id)
    with pytest.raises(UnavailableError):
        one.allocator.attend()
    one.fate = Fate.DONE

    one.allocator.attend()

    assert one.blocks(pool) == 0
    assert not {pool_key(pool.prefix), member_key(pool.prefix, "one")} & set(one.state.keys)


def test_killed_as_it_leaves_a_pool(one: ClusterHost) -> None:
    """The ledger has lost the last block, and the registry has it; the next process lets others have it."""
    pool = one.pool()
    one.allocator.release_pool(pool.id)
    for block in one.ledger.blocks(pool.prefix):
        one.ledger.drop(pool.prefix, block)
    one.start()
    one.allocator.attend()

    assert one.blocks(pool) == 0


def test_a_refused_pool_is_left_again(one: ClusterHost) -> None:
    """This host cannot have it beside one of its own; what it has claimed is due to be given back."""
    told: list[str] = []
    one.allocator.report_to(lambda: told.append("due"))
    one.allocator.request_pool(PoolRequest(prefix=parse_prefix("192.168.0.0/16")))
    with pytest.raises(PoolOverlapError):
        one.pool("192.168.7.0/24", cluster="lan")

    assert told == ["due"]
    one.allocator.attend()

    assert not [key for key in one.state.keys if key.startswith(("pools/", "blocks/"))]


def test_a_lost_store_is_not_the_same_host(one: ClusterHost) -> None:
    """Without its state, it cannot know which of its addresses are in use."""
    one.pool()
    one.store, one.ledger = MemoryStore(), FakeLedger()
    one.instance = "anew"
    one.start()

    with pytest.raises(NotAdmittedError, match="this one's state was lost"):
        one.pool()


def test_an_owner_does_not_get_back_what_is_another_host_s_by_now(one: ClusterHost) -> None:
    """Its block was given back, which an older ledger does not know."""
    pool = one.pool()
    web = AddressRequest(owner=Owner(name="web"))
    kept = one.allocator.request_address(pool.id, web)
    one.allocator.unbind(LOCAL, pool.prefix, kept.ip)
    for key in [key for key in one.state.keys if key.startswith("blocks/")]:
        one.state.keys[key] = "two of-two 1"
    one.boot = "boot2"
    one.state.lapse(lambda _: True)
    one.start()

    assert one.allocator.request_address(pool.id, web).ip != kept.ip


def test_a_call_that_waits_for_another_says_what_is_wrong(one: ClusterHost) -> None:
    """It has less time to wait than the other has."""
    one.fate = None
    with pytest.raises(UnavailableError):
        one.allocator.attend()

    cluster = one.allocator._cluster  # noqa: SLF001
    with cluster._lock, pytest.raises(UnavailableError, match="the registry does not"):  # noqa: SLF001
        one.pool()


def test_who_is_forgotten_gives_nothing_more(one: ClusterHost) -> None:
    """Its blocks may be another host's by now."""
    pool = one.pool()
    one.take(pool)
    one.state.lapse(lambda _: True)
    forget(FakeRegistry(one.state, "operator", lambda: Fate.DONE), "one")

    with pytest.raises(NotAdmittedError):
        one.allocator.attend()
    with pytest.raises(NotAdmittedError, match="was forgotten by the cluster"):
        one.take(pool)


def test_who_was_forgotten_begins_anew(one: ClusterHost) -> None:
    """Once it has nothing that others may have by now."""
    pool = one.pool()
    one.state.lapse(lambda _: True)
    forget(FakeRegistry(one.state, "operator", lambda: Fate.DONE), "one")
    for _ in range(2):
        with pytest.raises(NotAdmittedError):
            one.allocator.attend()
    one.allocator.release_pool(pool.id)
    one.instance = "anew"
    one.allocator.attend()

    assert one.take(one.pool())
    assert one.blocks(pool) == 1


def test_a_host_whose_state_was_lost_has_its_blocks_again(
    one: ClusterHost, two: ClusterHost
) -> None:
    """Those of which addresses are in use, as its network driver knows them."""
    one.pool(exclude="10.50.0.9")
    one.store, one.ledger, one.instance = MemoryStore(), FakeLedger(), "anew"
    one.start()
    request = PoolRequest(
        prefix=parse_prefix(POOL), options={"cluster": "default", "exclude": "10.50.0.9"}
    )
    used = tuple(UsedAddress(address=ip_address(each)) for each in ("10.50.3.3", "10.50.7.7"))
    one.allocator.restore_pool(LostPool(network="app", request=request, used=used))
    one.state.lapse(lambda _: True)
    forget(FakeRegistry(one.state, "operator", lambda: Fate.DONE), "one")
    one.allocator.attend()

    assert one.blocks(one.allocator.pools()[0]) >= 2
    for address in ("10.50.3.3", "10.50.7.7"):
        with pytest.raises(PoolFullError, match="of host one"):
            two.take(
                two.pool(exclude="10.50.0.9")
                if not two.allocator.pools()
                else two.allocator.pools()[0],
                address,
            )
