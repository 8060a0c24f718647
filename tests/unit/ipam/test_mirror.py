"""A node's copy of a swarm network's pool."""

from ipaddress import IPv6Network

import pytest

from ipam.errors import PoolOverlapError, UnnamedAddressError
from ipam.lease import Kind
from ipam.mirror import own_part
from ipam.pool import LOCAL, Pool
from ipam.settings import Settings
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

    def test_one_that_its_swarm_elects_is_refused(self, world: World) -> None:
        """Its containers run on, and have what is held."""
        world.allocator.restarted()
        world.now += 1
        mirrored(world)
        world.now += 60
        world.allocator.elected()

        with pytest.raises(PoolOverlapError, match=NETWORK):
            world.pool(SUBNET)

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


class TestTwoFamilies:
    V6 = "fd00:66::/64"

    def mirrored(self, world: World) -> tuple[Pool, Pool]:
        pools = [world.pool(prefix) for prefix in (SUBNET, self.V6)]
        for pool, gateway in zip(pools, ("10.1.2.1", "fd00:66::1"), strict=True):
            world.take(pool, gateway, kind=Kind.GATEWAY)
        world.allocator.group(NETWORK, LOCAL, [pool.prefix for pool in pools])
        return pools[0], pools[1]

    def test_no_two_nodes_choose_the_same_ipv6_address(self) -> None:
        """Managers know nothing of it, and nodes nothing of each other."""
        chosen: list[str] = []
        for host in ("a", "b", "c"):
            world = World(settings=Settings(host_id=host))
            _, v6 = self.mirrored(world)
            first = [world.take(v6) for _ in range(3)]
            world.restart()
            chosen += [*first, *(world.take(v6) for _ in range(3))]

        assert len(set(chosen)) == 18

    def test_no_ipv4_address_is_chosen_on_a_node(self, world: World) -> None:
        """Another node might choose the same."""
        v4, _ = self.mirrored(world)

        with pytest.raises(UnnamedAddressError, match="update the service with --force"):
            world.take(v4)

    def test_an_ipv6_address_that_is_given_is_taken(self, world: World) -> None:
        """From any part of the prefix: the user who names it answers for it."""
        _, v6 = self.mirrored(world)

        assert world.take(v6, "fd00:66::9") == "fd00:66::9"

    @pytest.mark.parametrize("length", [48, 64, 96, 112, 124, 126, 127])
    def test_a_part_lies_in_the_prefix_and_never_has_its_first_address(self, length: int) -> None:
        prefix = IPv6Network(f"fd00:66::/{length}")
        parts = [own_part(prefix, str(host)) for host in range(50)]

        assert all(part.first in prefix and part.last in prefix for part in parts)
        if length < 126:
            assert all(prefix.network_address not in part for part in parts)


class TestReserved:
    """The manager does not know whom an address is for; the node does, from engine 29 on."""

    TASK = "web.1.abcdefghijklmnopqrstuvwxy"

    def test_a_task_has_the_address_of_its_place(self, world: World) -> None:
        """And what the manager gave it stays free, for whom the manager gives it next."""
        world.reserve("10.1.2.200", name="web.1")
        pool = mirrored(world)

        assert world.take(pool, "10.1.2.8", name=self.TASK) == "10.1.2.200"
        assert world.take(pool, "10.1.2.8", name="web.2.abcdefghijklmnopqrstuvwxy") == "10.1.2.8"

    def test_as_long_as_the_last_task_has_it_the_next_has_what_the_manager_gave(
        self, world: World
    ) -> None:
        """An update may start it before it ends the old one; of tasks on another node nothing is known."""
        world.reserve("10.1.2.200", name="web.1")
        pool = mirrored(world)
        world.take(pool, "10.1.2.8", name=self.TASK)
        world.bind(pool, "10.1.2.200", "e2")

        assert world.take(pool, "10.1.2.9", name=self.TASK[:-1] + "z") == "10.1.2.9"

    def test_networks_of_the_host_give_what_is_asked_for(self, world: World) -> None:
        world.reserve("10.1.2.200", name="web")
        pool = world.used(SUBNET)

        assert world.take(pool, "10.1.2.8", name="web") == "10.1.2.8"
