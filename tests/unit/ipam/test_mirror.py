"""A node's copy of a swarm network's pool."""

import pytest

from ipam.errors import PoolOverlapError
from ipam.lease import Kind
from ipam.pool import LOCAL, Pool
from tests.unit.ipam.conftest import World

NETWORK = "iy0kzh9aysbok6wofe161nyit"
SUBNET = "10.1.2.0/24"


def mirrored(world: World) -> Pool:
    """As a node has it while a task is there."""
    pool = world.pool(SUBNET)
    world.take(pool, "10.1.2.1", kind=Kind.GATEWAY)
    world.allocator.group(NETWORK, LOCAL, [pool.prefix])
    world.take(pool, "10.1.2.7")
    world.bind(pool, "10.1.2.7", "e1")
    return pool


def crash(world: World) -> None:
    """The engine was killed, and starts."""
    world.now += 60
    world.allocator.restarted()
    world.now += 1


class TestCrash:
    def test_the_engine_may_ask_anew_for_all_it_had(self, world: World) -> None:
        """However long after its start a task comes, and twice."""
        pool = mirrored(world)
        crash(world)
        world.now += 10_000

        for _ in range(2):
            assert world.pool(SUBNET).id == pool.id
        assert world.take(pool, "10.1.2.1", kind=Kind.GATEWAY) == "10.1.2.1"
        assert world.take(pool, "10.1.2.7") == "10.1.2.7"

    def test_the_last_task_then_gives_all_back(self, world: World) -> None:
        pool = mirrored(world)
        crash(world)
        world.pool(SUBNET)
        world.give(pool, "10.1.2.1")
        world.allocator.release_pool(pool.id)
        world.allocator.ungroup(NETWORK, deleted=True)

        assert world.allocator.pools() == []

    def test_an_engine_that_runs_is_refused(self, world: World) -> None:
        """It knows what it has, so it asks for another network."""
        world.allocator.restarted()
        world.now += 1
        mirrored(world)
        world.now += 1

        with pytest.raises(PoolOverlapError, match=NETWORK):
            world.pool(SUBNET)

    def test_networks_of_the_host_are_kept_apart(self, world: World) -> None:
        """An engine stores these, and does not ask for them again."""
        world.used(SUBNET, network="f" * 64)
        crash(world)
        world.now += 1000

        with pytest.raises(PoolOverlapError):
            world.pool(SUBNET)

    def test_another_network_s_undoing_takes_nothing_away(self, world: World) -> None:
        """A network of this host with the same subnet is refused when it is made."""
        pool = mirrored(world)
        crash(world)
        world.pool(SUBNET)
        world.take(pool, kind=Kind.GATEWAY)
        world.give(pool, "10.1.2.1")
        world.allocator.release_pool(pool.id)

        assert not world.allocator.pools()[0].released
        assert world.states(pool)["10.1.2.1"] == "bound"
