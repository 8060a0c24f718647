"""What is asked again: by who has it already, and by an engine when it starts."""

from collections.abc import Callable

import pytest

from ipam.errors import AddressInUseError, PoolOverlapError, RefusedError, UnknownPoolError
from ipam.lease import Kind
from ipam.pool import GLOBAL, LOCAL, PoolID, PoolRequest
from ipam.prefixes import parse_prefix
from ipam.replay import REPLAY_SECONDS
from tests.unit.ipam.conftest import World

LOST = PoolID(f"{LOCAL}/10.7.0.0/24")


class TestAskedAgain:
    def test_an_owner_is_answered_as_before(self, world: World) -> None:
        """A program that repeats itself by name gets no second pool."""
        fixed = PoolRequest(prefix=parse_prefix("10.1.2.0/24"), owner="me")
        chosen = PoolRequest(owner="me", options={"prefix": "28"})

        first = [world.allocator.request_pool(each).id for each in (fixed, chosen)]
        world.now += 1000
        again = [world.allocator.request_pool(each).id for each in (fixed, chosen)]

        assert again == first
        assert len(set(first)) == 2
        with pytest.raises(PoolOverlapError):
            world.pool("10.1.2.0/24")

    def test_a_call_repeated_over_a_restart_is_answered_as_before(self, world: World) -> None:
        """The engine's client asks again when the plugin died before it answered."""
        pool = world.pool("10.1.2.0/24")
        world.restart()

        assert world.pool("10.1.2.0/24").id == pool.id
        with pytest.raises(PoolOverlapError):
            world.pool("10.1.2.0/24")

    def test_so_is_one_repeated_after_the_engine_started_again(self, world: World) -> None:
        """What an engine that died had asked for is not under way any more."""
        pool = world.pool("10.1.2.0/24")
        world.now += 1
        world.allocator.restarted()

        assert world.pool("10.1.2.0/24").id == pool.id

    @pytest.mark.parametrize("happened", ["nothing", "time", "address", "network", "range"])
    def test_a_second_network_is_not_taken_for_a_repetition(
        self, world: World, happened: str
    ) -> None:
        """Two networks never share a pool."""
        pool = world.pool("10.1.2.0/24")
        if happened == "address":
            world.take(pool)
        if happened == "network":
            world.allocator.group("net1", LOCAL, [pool.prefix])
        if happened != "nothing":
            world.restart()
        if happened == "time":
            world.now += 1000

        with pytest.raises(PoolOverlapError):
            world.pool("10.1.2.0/24", **({"range": "10.1.2.9"} if happened == "range" else {}))

    def test_a_swarm_manager_may_ask_again(self, world: World) -> None:
        """It asks for all that it has when it becomes the leader."""
        pool = world.pool("10.1.2.0/24", space=GLOBAL)
        address = world.take(pool)
        with pytest.raises(RefusedError, match="already in use"):
            world.take(pool, address)
        world.now += 1
        world.allocator.restarted()
        world.now += 1

        again = world.pool("10.1.2.0/24", space=GLOBAL)

        assert again.id == pool.id
        assert world.take(pool, address) == address
        with pytest.raises(RefusedError, match="already in use"):
            world.take(pool, address)


class TestRequired:
    def test_by_an_empty_store(self, world: World) -> None:
        """A store that was lost is filled by the engine's next start."""
        wanted = [world.allocator.restarted()]
        world.pool()
        wanted.append(world.allocator.restarted())

        assert wanted == [True, False]

    def test_once_a_pool_was_missed(self, world: World) -> None:
        """Even if new networks were made since the store was lost, and pynet was restarted."""
        world.pool()
        world.allocator.expect_replay(LOST)
        world.restart()

        assert [world.allocator.restarted() for _ in range(2)] == [True, False]

    def test_not_for_a_pool_of_swarm(self, world: World) -> None:
        """Managers ask for their pools by themselves, and no engine's start replays them."""
        world.pool()
        world.allocator.expect_replay(PoolID(f"{GLOBAL}/10.7.0.0/24"))

        assert not world.allocator.restarted()


class TestIntoAnEmptyStore:
    def test_it_rebuilds_what_there_was(
        self, world: World, make_world: Callable[..., World]
    ) -> None:
        """Ids are the same, nothing is there twice, and new addresses are new."""
        pool = world.pool("10.1.2.0/24")
        taken = [world.take(pool) for _ in range(3)]
        rebuilt = make_world()

        again = rebuilt.pool("10.1.2.0/24")
        for address in taken:
            rebuilt.take(again, address)

        assert again.id == pool.id
        assert rebuilt.states(again) == world.states(pool)
        assert rebuilt.take(again) not in taken

    def test_an_id_of_a_lost_store_is_explained(self, world: World) -> None:
        """Handing out addresses in it could give one away that is in use."""
        with pytest.raises(UnknownPoolError, match="is not held; recreate the network, or restart"):
            world.take(PoolID(f"{LOCAL}/10.1.2.0/24"))
        with pytest.raises(UnknownPoolError, match="'x' is unknown, expected an id such as"):
            world.take(PoolID("x"))


@pytest.fixture
def replaying(world: World) -> World:
    """A store with a network, as an engine replays into it because another one is missing."""
    pool = world.used("10.1.2.0/29", range="10.1.2.4-10.1.2.6")
    world.take(pool, "10.1.2.1", kind=Kind.GATEWAY)
    world.bind(pool, world.take(pool), "web")
    world.now += 100
    world.allocator.expect_replay(LOST)
    world.allocator.restarted()
    world.now += 1
    return world


def ask_for_the_pool(world: World) -> PoolID:
    return world.pool("10.1.2.0/29", range="10.1.2.4-10.1.2.6").id


class TestIntoAStoreThatHoldsSome:
    def test_what_is_held_is_answered_as_before(self, replaying: World) -> None:
        """An engine forgets the pool of a network whose replay fails."""
        before = replaying.states(replaying.allocator.pools()[0])
        pool = ask_for_the_pool(replaying)
        replaying.take(pool, "10.1.2.1", kind=Kind.GATEWAY)
        again = replaying.take(pool, "10.1.2.4")
        replaying.now += 1000
        replaying.allocator.collect()

        assert again == "10.1.2.4"
        assert replaying.states(replaying.allocator.pools()[0]) == before

    def test_it_is_answered_once(self, replaying: World) -> None:
        """The next request is another container's."""
        pool = ask_for_the_pool(replaying)
        replaying.take(pool, "10.1.2.4")

        with pytest.raises(AddressInUseError):
            replaying.take(pool, "10.1.2.4")
        with pytest.raises(PoolOverlapError):
            ask_for_the_pool(replaying)

    def test_addresses_are_asked_for_after_their_pool(self, replaying: World) -> None:
        """Without it, it is a container that asks."""
        with pytest.raises(AddressInUseError):
            replaying.take(replaying.allocator.pools()[0], "10.1.2.4")

    def test_a_network_that_is_made_later_is_another(self, replaying: World) -> None:
        """An engine replays as the first thing it does."""
        replaying.now += REPLAY_SECONDS

        with pytest.raises(PoolOverlapError):
            ask_for_the_pool(replaying)

    def test_another_network_on_the_same_subnet_is_refused(self, replaying: World) -> None:
        """It is no replay, whose options are the same."""
        with pytest.raises(PoolOverlapError):
            replaying.pool("10.1.2.0/29")

    def test_a_pool_that_an_owner_has_is_not_the_engine_s(self, world: World) -> None:
        """An engine never names itself."""
        world.allocator.request_pool(PoolRequest(prefix=parse_prefix("10.1.2.0/29"), owner="me"))
        world.now += 1
        world.allocator.expect_replay(LOST)
        world.allocator.restarted()

        with pytest.raises(PoolOverlapError):
            world.pool("10.1.2.0/29")
