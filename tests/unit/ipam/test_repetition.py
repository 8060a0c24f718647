"""Who gets the pool that it has already."""

import pytest

from ipam.errors import (
    PoolOverlapError,
    RefusedError,
)
from ipam.pool import GLOBAL, LOCAL, PoolRequest
from ipam.prefixes import parse_prefix
from tests.unit.ipam.conftest import World


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
        world.allocator.group("net1", GLOBAL, [pool.prefix])
        address = world.take(pool)
        with pytest.raises(RefusedError, match="already in use"):
            world.take(pool, address)
        world.now += 1

        again = world.pool("10.1.2.0/24", space=GLOBAL)

        assert again.id == pool.id
        assert world.take(pool, address) == address
        with pytest.raises(RefusedError, match="already in use"):
            world.take(pool, address)
