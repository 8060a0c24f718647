"""Pools of a swarm on its managers: second networks, and changes of leader."""

import pytest

from ipam.errors import AddressInUseError, PoolInUseError, PoolOverlapError
from ipam.lease import Kind
from ipam.pool import GLOBAL, Pool
from ipam.prefixes import parse_prefix
from ipam.settings import Settings
from tests.unit.ipam.conftest import World

SUBNET = "10.1.2.0/24"
ONE = "1" * 25
TWO = "2" * 25


def allocate(world: World, network: str = ONE, subnet: str = SUBNET) -> Pool:
    """As a manager does, for a new network and for each of a new leader."""
    pool = world.pool(subnet, space=GLOBAL)
    world.take(pool, kind=Kind.GATEWAY)
    world.allocator.group(network, GLOBAL, [parse_prefix(subnet)])
    return pool


def lead(world: World) -> None:
    """The host leads its swarm from now on."""
    world.now += 10
    world.allocator.elected()
    world.now += 1


class TestSecondNetwork:
    def test_its_pool_is_refused(self, world: World) -> None:
        """So that its manager has nothing to give back."""
        lead(world)
        allocate(world)
        world.now += 1

        with pytest.raises(PoolOverlapError, match=f"of network {ONE}"):
            world.pool(SUBNET, space=GLOBAL)

    def test_its_undoing_releases_nothing_of_the_first(self, world: World) -> None:
        """Which swarm repeats every 5 s; the plugin was started again, and cannot tell who asks."""
        pool = allocate(world)
        task = world.take(pool)
        world.restart()
        before = world.everything()

        for _ in range(3):
            world.now += 5
            assert world.pool(SUBNET, space=GLOBAL).id == pool.id
            assert world.take(pool, kind=Kind.GATEWAY) == "10.1.2.1"
            with pytest.raises(PoolInUseError, match=f"serves network {ONE}"):
                world.allocator.group(TWO, GLOBAL, [pool.prefix])
            world.give(pool, "10.1.2.1")
            world.allocator.release_pool(pool.id)

        assert world.everything() == before
        assert world.take(pool) not in (task, "10.1.2.1")

    def test_a_gateway_of_its_own_is_free_again(self, world: World) -> None:
        """A refused network may have named another gateway."""
        pool = allocate(world)
        world.restart()
        world.pool(SUBNET, space=GLOBAL)
        world.take(pool, "10.1.2.254", kind=Kind.GATEWAY)
        world.give(pool, "10.1.2.254")

        assert "10.1.2.254" not in world.states(pool)

    def test_the_last_task_of_a_host_takes_nothing_from_the_swarm(self, world: World) -> None:
        """The leader deletes its own copy of a network then."""
        pool = allocate(world)
        world.allocator.release_pool(pool.id)
        world.allocator.ungroup(ONE, deleted=True)

        with pytest.raises(PoolInUseError):
            world.allocator.group(TWO, GLOBAL, [pool.prefix])

    def test_a_freed_network_gives_all_back(self, world: World) -> None:
        """As a manager does: it frees the network first."""
        pool = allocate(world)
        world.allocator.free(ONE)
        world.give(pool, "10.1.2.1")
        world.allocator.release_pool(pool.id)

        assert world.allocator.pools() == []


class TestNewLeader:
    def test_it_may_ask_for_all_it_has_once(self, world: World) -> None:
        pool = allocate(world)
        task = world.take(pool)
        lead(world)
        allocate(world)
        world.now += 1

        assert world.take(pool, task) == task
        with pytest.raises(AddressInUseError):
            world.take(pool, task)
        with pytest.raises(PoolOverlapError):
            world.pool(SUBNET, space=GLOBAL)

    def test_what_it_does_not_ask_for_goes_at_its_first_other_request(self, world: World) -> None:
        """Another manager gave it back; it rests, as all that comes back."""
        pool = allocate(world)
        tasks = [world.take(pool) for _ in range(3)]
        lead(world)
        allocate(world)
        world.take(pool, tasks[1])
        before = world.states(pool)
        chosen = world.take(pool)

        assert [before[task] for task in tasks] == ["bound"] * 3
        assert [world.states(pool)[task] for task in tasks] == ["resting", "bound", "resting"]
        assert chosen not in tasks

    def test_a_refused_network_makes_nobody_s_lease_go(self, world: World) -> None:
        """It asks for the pool, but never gets to have it."""
        pool = allocate(world)
        task = world.take(pool)
        world.restart()
        world.pool(SUBNET, space=GLOBAL)
        with pytest.raises(PoolInUseError):
            world.allocator.group(TWO, GLOBAL, [pool.prefix])
        world.take(pool)

        assert world.states(pool)[task] == "bound"

    def test_a_plugin_that_starts_again_gives_nothing_up(self, world: World) -> None:
        """What it finds may be of a version that kept other times; the next election will tell."""
        pool = allocate(world)
        old = world.take(pool)
        lead(world)
        allocate(world)
        kept = world.take(pool, "10.1.2.9")
        world.restart()
        world.take(pool)

        assert (world.states(pool)[old], world.states(pool)[kept]) == ("bound", "bound")
        assert world.take(pool, old) == old

    def test_a_clock_that_was_set_back_keeps_nobody_out(self, world: World) -> None:
        pool = allocate(world)
        task = world.take(pool)
        world.now -= 3600
        lead(world)
        allocate(world)

        assert world.take(pool, task) == task

    def test_leading_turn_by_turn_loses_no_address(self) -> None:
        """Two managers' stores, and tasks that come with one and go with the other."""
        settings = Settings(quarantine=0, sticky=0, reserve_timeout=0)
        first, second = World(settings=settings), World(settings=settings)
        for turn in range(6):
            world, now = (first, second)[turn % 2], max(first.now, second.now)
            world.now = now
            lead(world)
            pool = allocate(world, subnet="10.1.2.0/28")
            # The round before gave all its tasks back to the manager that led then.
            tasks = [world.take(pool) for _ in range(13)]

            assert len(set(tasks)) == 13
            for task in tasks[: 6 if turn % 2 else 0]:
                world.give(pool, task)


class TestTwoFamilies:
    V6 = "fd00:66::/64"

    def allocate(self, world: World) -> tuple[Pool, Pool]:
        pools = [world.pool(prefix, space=GLOBAL) for prefix in (SUBNET, self.V6)]
        for pool in pools:
            world.take(pool, kind=Kind.GATEWAY)
        world.allocator.group(ONE, GLOBAL, [pool.prefix for pool in pools])
        return pools[0], pools[1]

    def test_a_task_s_address_is_always_ipv4(self, world: World) -> None:
        """A manager asks in a pool at random, and each node chooses IPv6 by itself."""
        pools = self.allocate(world)

        assert [world.take(pools[turn % 2]) for turn in range(4)] == [
            f"10.1.2.{last}" for last in range(2, 6)
        ]

    def test_it_is_asked_for_again_and_released_under_either_pool(self, world: World) -> None:
        """Swarm keeps the pool that it asked in."""
        _, v6 = self.allocate(world)
        task = world.take(v6)
        lead(world)
        pools = self.allocate(world)

        assert world.take(v6, task) == task
        world.give(v6, task)
        assert world.states(pools[0])[task] == "resting"

    def test_each_family_has_its_gateway(self, world: World) -> None:
        self.allocate(world)
        lead(world)
        pools = self.allocate(world)

        assert list(world.states(pools[1])) == ["fd00:66::1"]

    def test_tasks_of_before_keep_the_ipv6_address_they_have(self, world: World) -> None:
        """Older versions gave such an address from the manager."""
        _, v6 = self.allocate(world)

        assert world.take(v6, "fd00:66::9") == "fd00:66::9"

    def test_a_network_of_ipv6_alone_has_addresses_of_its_manager(self, world: World) -> None:
        pool = allocate(world, subnet=self.V6)

        assert world.take(pool) == "fd00:66::2"


def test_a_global_network_without_a_swarm_is_deleted_whole(world: World) -> None:
    """An engine makes one of a driver with global scope, and gives its pool back before it goes."""
    pool = allocate(world, "5" * 64)
    gateway = next(world.allocator.leases(pool.id)).address
    world.allocator.release_address(pool.id, gateway)
    world.allocator.release_pool(pool.id)

    world.allocator.ungroup("5" * 64, deleted=True)

    assert world.allocator.pools() == []


class TestRemovedElsewhere:
    """A network that was removed while another manager led, which this one was not told of."""

    @pytest.fixture
    def pool(self, world: World) -> Pool:
        found = allocate(world)
        world.take(found)
        world.now += 60
        return found

    def test_another_that_the_swarm_has_takes_its_pool(self, world: World, pool: Pool) -> None:
        """At once, as its tasks run; and none of their addresses is given twice."""
        lead(world)
        assert world.pool(SUBNET, space=GLOBAL).id == pool.id
        assert world.take(pool, kind=Kind.GATEWAY) == "10.1.2.1"
        world.allocator.group(TWO, GLOBAL, [pool.prefix], again=True)
        tasks = [world.take(pool, f"10.1.2.{number}") for number in (2, 3)]

        assert world.take(pool) not in tasks
        with pytest.raises(PoolOverlapError, match=f"of network {TWO}"):
            world.pool(SUBNET, space=GLOBAL)

    def test_one_that_is_new_does_not_while_the_leader_still_asks(
        self, world: World, pool: Pool
    ) -> None:
        """The first may be asked for next."""
        lead(world)
        world.pool(SUBNET, space=GLOBAL)
        with pytest.raises(PoolInUseError, match=f"serves network {ONE}"):
            world.allocator.group(TWO, GLOBAL, [pool.prefix])

        assert allocate(world).network == ONE

    @pytest.mark.parametrize("subnet", [SUBNET, "10.1.0.0/16"])
    def test_a_new_one_takes_its_addresses_later(
        self, world: World, pool: Pool, subnet: str
    ) -> None:
        """When the leader has asked for everything it has; a fresh pool is made."""
        lead(world)
        world.now += 60
        fresh = allocate(world, TWO, subnet)

        assert [each.network for each in world.allocator.pools()] == [TWO]
        assert world.states(fresh) == {str(fresh.prefix[1]): "bound"}

    def test_one_that_the_leader_asked_for_is_not_displaced(self, world: World, pool: Pool) -> None:
        """Neither at once nor later, by any network."""
        lead(world)
        allocate(world)
        world.now += 60
        with pytest.raises(PoolOverlapError):
            world.pool("10.1.0.0/16", space=GLOBAL)
        with pytest.raises(PoolInUseError):
            world.allocator.group(TWO, GLOBAL, [pool.prefix], again=True)

    def test_a_plugin_that_starts_again_knows_of_no_election(
        self, world: World, pool: Pool
    ) -> None:
        """Engines ask it as if they were elected, and for nothing else then."""
        world.restart()
        world.allocator.restarted()
        world.allocator.elected()
        world.now += 60
        with pytest.raises(PoolOverlapError):
            world.pool("10.1.0.0/16", space=GLOBAL)
        world.pool(SUBNET, space=GLOBAL)

        with pytest.raises(PoolInUseError):
            world.allocator.group(TWO, GLOBAL, [pool.prefix])
