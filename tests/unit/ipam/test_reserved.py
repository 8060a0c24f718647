"""Addresses that are kept for a name, a MAC address or a tag."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ipam.errors import (
    AddressReservedError,
    InvalidAddressError,
    InvalidReservationError,
    IpamError,
    PoolFullError,
)
from tests.unit.ipam.conftest import PLAIN, World


class TestReservations:
    @pytest.mark.parametrize(
        "owner", [{"name": "web"}, {"mac": "02:42:0a:00:00:01"}, {"tag": "front"}]
    )
    @pytest.mark.parametrize("when", ["before the pool", "after"])
    def test_the_owner_gets_it_and_others_do_not(
        self, world: World, owner: dict[str, str], when: str
    ) -> None:
        """By name, MAC or tag, and whether the network was there already or not."""
        if when == "before the pool":
            world.reserve("10.1.2.2", **owner)
        pool = world.used("10.1.2.0/29")
        if when == "after":
            world.take(pool)
            world.reserve("10.1.2.2", **owner)

        others = {world.take(pool) for _ in range(2)}

        assert "10.1.2.2" not in others
        assert world.take(pool, **owner) == "10.1.2.2"

    @pytest.mark.parametrize("times", [1, 2])
    def test_a_full_pool_does_not_give_it_away(self, world: World, times: int) -> None:
        """Nor when it rested before it was reserved, or was released since."""
        pool = world.used("10.1.2.0/30")
        for _ in range(times):
            world.take(pool, name="web")
            world.give(pool, "10.1.2.1")
            world.reserve("10.1.2.1", name="web")
        world.take(pool)

        with pytest.raises(PoolFullError):
            world.take(pool)

    def test_it_is_refused_to_a_container_known_by_another_name(self, world: World) -> None:
        """Engines before 29 do not name the container: an address typed by hand is then trusted."""
        world.reserve("10.1.2.9", name="web")
        pool = world.used("10.1.2.0/24")

        with pytest.raises(
            AddressReservedError, match=r"10.1.2.9 .* is reserved for name web, not for name db"
        ):
            world.take(pool, "10.1.2.9", name="db")
        assert world.take(pool, "10.1.2.9") == "10.1.2.9"

    def test_it_waits_until_the_present_holder_leaves(self, world: World) -> None:
        """A running container's address may be reserved for it, or for its successor."""
        pool = world.used("10.1.2.0/24")
        address = world.take(pool)
        world.bind(pool, address)
        world.reserve(address, name="web")

        assert world.take(pool, name="web") != address
        world.give(pool, address)
        assert world.take(pool, name="web", mac="02:42:0a:00:00:01") == address

    def test_nobody_else_gets_it_when_the_present_holder_leaves(
        self, make_world: Callable[..., World]
    ) -> None:
        """It does not even rest: its owner may have it at once."""
        world = make_world(settings=replace(PLAIN, quarantine=60))
        pool = world.used("10.1.2.0/30")
        addresses = [world.take(pool) for _ in range(2)]
        world.reserve(addresses[0], name="web")
        with pytest.raises(PoolFullError):
            world.take(pool)
        world.give(pool, addresses[0])

        assert addresses[0] not in world.states(pool)
        with pytest.raises(PoolFullError):
            world.take(pool)

    def test_its_present_holder_may_repeat_its_request(self, world: World) -> None:
        """It holds the address until it gives it back."""
        pool = world.used("10.1.2.0/24")
        address = world.take(pool, name="db")
        world.reserve(address, name="web")

        assert world.take(pool, name="db") == address

    def test_one_that_waits_to_be_bound_is_not_given_again(self, world: World) -> None:
        """It was typed by hand a moment ago."""
        world.reserve("10.1.2.9", name="web")
        pool = world.used("10.1.2.0/24")
        world.take(pool, "10.1.2.9")

        assert world.take(pool, name="web") != "10.1.2.9"

    def test_it_is_the_tenant_s(self, world: World) -> None:
        """Another tenant's pool has nothing to do with it."""
        world.reserve("10.1.2.1", name="web")
        pool = world.pool("10.1.2.0/24", tenant="blue")

        assert world.take(pool) == "10.1.2.1"

    def test_unreserved_any_container_may_have_it(self, world: World) -> None:
        """From then on, and repeated without complaint."""
        pool = world.used("10.1.2.0/30")
        world.reserve("10.1.2.1", name="web")
        (reservation,) = world.allocator.reservations()
        there = [world.allocator.unreserve(reservation) for _ in range(2)]

        assert there == [True, False]
        assert {world.take(pool), world.take(pool)} == {"10.1.2.1", "10.1.2.2"}

    def test_it_survives_its_pool_and_a_restart(self, world: World) -> None:
        """A network that is made again finds it."""
        pool = world.pool("10.1.2.0/24")
        world.reserve("10.1.2.9", name="web")
        world.allocator.release_pool(pool.id)
        world.restart()

        assert world.take(world.pool("10.1.2.0/24"), name="web") == "10.1.2.9"

    @pytest.mark.parametrize(
        ("address", "owner", "error", "message"),
        [
            ("10.1.2.9", {"name": "db"}, AddressReservedError, "is reserved for name web"),
            ("224.0.0.9", {"name": "db"}, InvalidReservationError, "no container may have one of"),
            ("::1", {"name": "db"}, InvalidReservationError, "choose a unicast address"),
            ("10.1.2.0", {"name": "db"}, InvalidAddressError, "stands for all of 10.1.2.0/24"),
        ],
    )
    def test_is_refused(
        self,
        world: World,
        address: str,
        owner: dict[str, str],
        error: type[IpamError],
        message: str,
    ) -> None:
        """Nothing is changed, in memory either."""
        pool = world.pool("10.1.2.0/24")
        world.reserve("10.1.2.9", name="web")
        before = world.everything()

        with pytest.raises(error, match=message):
            world.reserve(address, **owner)
        assert world.everything() == before
        assert world.take(pool, **owner) == "10.1.2.1"
