"""Whether the engine says whose address it asks for."""

from collections.abc import Iterator

import pytest

from ipam.lease import Kind, Lease
from ipam.pool import PoolID
from ipam.store.memory import MemoryStore
from tests.unit.ipam.conftest import World


class CountingStore(MemoryStore):
    """Counts how often all leases of a pool are looked at."""

    looked = 0

    def leases(self, pool: PoolID) -> Iterator[Lease]:
        self.looked += 1
        return super().leases(pool)


def test_nobody_knows_before_it_asks(world: World) -> None:
    """Neither gateways nor addresses that are typed show it."""
    pool = world.pool("10.1.2.0/24")
    assert world.allocator.names_containers() is None
    world.take(pool, kind=Kind.GATEWAY)
    world.take(pool, "10.1.2.9")

    assert world.allocator.names_containers() is None


@pytest.mark.parametrize(("owner", "names"), [({}, False), ({"name": "web"}, True)])
def test_the_first_container_shows_it(world: World, owner: dict[str, str], *, names: bool) -> None:
    """A restart of pynet does not hide it again."""
    pool = world.pool("10.1.2.0/24")
    world.take(pool, **owner)

    assert world.allocator.names_containers() is names
    world.restart()
    assert world.allocator.names_containers() is names


def test_one_name_is_enough(world: World) -> None:
    """What an engine asks for itself has no name."""
    pool = world.pool("10.1.2.0/24")
    world.take(pool)
    world.take(pool, name="web")
    world.take(pool)

    assert world.allocator.names_containers() is True


def test_an_older_engine_took_over(world: World) -> None:
    """The older engine starts, and then its requests name no container."""
    pool = world.pool("10.1.2.0/24")
    world.take(pool, name="web")
    world.allocator.restarted()
    assert world.allocator.names_containers() is True
    world.take(pool)

    assert world.allocator.names_containers() is False


def test_leases_are_looked_at_once() -> None:
    """It is asked with every tick, and a host may have thousands of them."""
    store = CountingStore()
    world = World(store=store)
    for _ in range(3):
        world.pool()
    for _ in range(3):
        world.allocator.names_containers()

    assert store.looked == 3
