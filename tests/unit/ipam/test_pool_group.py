"""Addresses from the siblings of a pool that is full."""

from collections.abc import Callable

import pytest

from ipam.errors import PoolFullError
from tests.unit.ipam.conftest import PLAIN, World


class TestOverflow:
    def test_addresses_come_from_the_sibling_when_a_pool_is_full(self, world: World) -> None:
        """The engine takes a refusal of a network's first pool as final."""
        first = world.used("10.1.2.0/30", "10.1.9.0/29", "fd00::/64")
        taken = [world.take(first) for _ in range(8)]

        assert taken == ["10.1.2.1", "10.1.2.2", *(f"10.1.9.{last}" for last in range(1, 7))]
        with pytest.raises(PoolFullError, match=r"10.1.2.0/30, pynet-local/10.1.9.0/29 is taken"):
            world.take(first)

    def test_they_carry_the_sibling_s_mask(self, world: World) -> None:
        """It is another subnet, with another gateway."""
        first = world.used("10.1.2.0/32", "10.1.9.0/29")
        world.take(first)

        assert str(world.allocator.request_address(first.id)) == "10.1.9.1/29"

    def test_they_come_back_under_the_first_pool_s_name(
        self, make_world: Callable[..., World]
    ) -> None:
        """The engine knows no other."""
        world = make_world(settings=PLAIN)
        first = world.used("10.1.2.0/32", "10.1.9.0/32")
        for _ in range(2):
            world.take(first)
        world.give(first, "10.1.9.0")

        assert world.take(first) == "10.1.9.0"

    def test_an_address_of_the_sibling_may_be_asked_for(self, world: World) -> None:
        """``--ip`` may lie in the second subnet."""
        first = world.used("10.1.2.0/24", "10.1.9.0/24")

        assert world.take(first, "10.1.9.77") == "10.1.9.77"

    def test_pools_of_one_group_stand_in_for_each_other(self, world: World) -> None:
        """A network driver other than pynet's does not say which pools belong together; the option does."""
        first = world.pool("10.1.2.0/32", group="lan")
        world.pool("10.1.3.0/24", group="wan")
        world.pool("10.1.9.0/32", group="lan")
        world.restart()

        taken = [world.take(first) for _ in range(2)]

        assert taken == ["10.1.2.0", "10.1.9.0"]
        with pytest.raises(PoolFullError):
            world.take(first)

    def test_pools_of_another_tenant_are_no_siblings(self, world: World) -> None:
        """Their prefixes may overlap, and an address would be in both."""
        first = world.used("10.1.2.0/31", tenant="blue")
        world.used("10.1.2.0/24", tenant="red")
        for _ in range(2):
            world.take(first)

        with pytest.raises(PoolFullError):
            world.take(first)

    def test_pools_of_another_network_are_no_siblings(self, world: World) -> None:
        """Nor are the pools that no network is known to use."""
        first = world.used("10.1.2.0/32", network="net1")
        world.used("10.1.3.0/24", network="net2")
        world.take(first)

        with pytest.raises(PoolFullError):
            world.take(first)
