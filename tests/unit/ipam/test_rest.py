"""How long an address waits that came back, and for whom."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ipam.settings import DAY
from tests.unit.ipam.conftest import PLAIN, World


class TestRest:
    def test_an_address_rests_in_quarantine_before_another_gets_it(
        self, make_world: Callable[..., World]
    ) -> None:
        """Neighbours and logs still know it as another container's."""
        world = make_world(settings=replace(PLAIN, quarantine=60))
        pool = world.pool("10.1.2.0/29")
        world.give(pool, world.take(pool))

        world.now += 59
        assert world.allocator.collect() == 0
        assert world.states(pool) == {"10.1.2.1": "resting"}
        world.now += 1
        assert world.allocator.collect() == 1
        assert world.states(pool) == {}

    def test_a_pool_with_nothing_else_gives_the_one_that_rested_longest(self, world: World) -> None:
        """An address too early is better than a container that does not start."""
        pool = world.pool("10.1.2.0/30")
        taken = [world.take(pool, name=name) for name in ("a", "b")]
        for address in reversed(taken):
            world.give(pool, address)
            world.now += 1

        assert world.take(pool) == "10.1.2.2"

    def test_a_request_that_names_a_resting_address_gets_it(self, world: World) -> None:
        """A user who types an address means it."""
        pool = world.pool("10.1.2.0/24")
        world.give(pool, world.take(pool, name="web"))

        assert world.take(pool, "10.1.2.1") == "10.1.2.1"

    def test_release_of_the_unknown_and_of_the_free_succeeds(self, world: World) -> None:
        """And releases no other address."""
        pool = world.pool("10.1.2.0/24")
        world.take(pool)
        before = world.everything()
        for address in ("10.1.2.9", "10.9.9.9", "fd00::1", "10.1.2.0"):
            world.give(pool, address)

        assert world.everything() == before


class TestSticky:
    @pytest.mark.parametrize("owner", [{"name": "web"}, {"mac": "02:42:0a:00:00:01"}])
    def test_the_same_owner_gets_its_last_address_back(
        self, world: World, owner: dict[str, str]
    ) -> None:
        """By container name, or by the MAC its user set; over a restart too."""
        pool = world.used("10.1.2.0/24")
        mine = world.take(pool, **owner)
        world.give(pool, mine)
        world.take(pool)
        world.now += 7 * DAY - 1
        world.restart()

        assert world.take(pool, **owner) == mine

    @pytest.mark.parametrize("name", [{}, {"name": "renamed"}])
    def test_one_mark_of_several_is_enough(self, world: World, name: dict[str, str]) -> None:
        """The MAC address that its user set is that of a renamed container, too."""
        pool = world.used("10.1.2.0/24")
        mac = "02:42:0a:00:00:01"
        address = world.take(pool, name="web", mac=mac)
        world.give(pool, address)

        assert world.take(pool, mac=mac, **name) == address

    def test_two_restarted_together_never_swap(self, world: World) -> None:
        """Whatever the order of their releases and requests."""
        pool = world.used("10.1.2.0/24")
        taken = {name: world.take(pool, name=name) for name in ("a", "b")}
        for address in taken.values():
            world.give(pool, address)

        assert {name: world.take(pool, name=name) for name in ("b", "a")} == taken

    def test_not_after_its_time(self, world: World) -> None:
        """A name that does not return does not keep an address for ever."""
        pool = world.used("10.1.2.0/24")
        world.give(pool, world.take(pool, name="web"))
        world.now += 7 * DAY
        world.allocator.collect()

        assert world.take(pool, name="web") == "10.1.2.2"

    def test_not_when_it_was_taken_by_hand_since(self, world: World) -> None:
        """The container that has it keeps it."""
        pool = world.used("10.1.2.0/24")
        mine = world.take(pool, name="web")
        world.give(pool, mine)
        world.take(pool, mine, name="db")

        assert world.take(pool, name="web") != mine

    def test_a_name_that_is_still_in_use_gets_another_address(self, world: World) -> None:
        """A name is no permission to share."""
        pool = world.used("10.1.2.0/24")
        mine = world.take(pool, name="web")
        world.bind(pool, mine)

        assert world.take(pool, name="web") != mine

    def test_a_request_repeated_by_name_is_answered_as_before(self, world: World) -> None:
        """No address is lost when an answer is."""
        pool = world.used("10.1.2.0/24")

        assert world.take(pool, name="web") == world.take(pool, name="web")

    def test_it_comes_back_from_the_sibling_too(self, world: World) -> None:
        """Its last address is its last address."""
        first = world.used("10.1.2.0/32", "10.1.9.0/24")
        blocker = world.take(first)
        mine = world.take(first, name="web")
        world.give(first, mine)
        world.give(first, blocker)

        assert world.take(first, name="web") == mine

    def test_zero_switches_it_off(self, make_world: Callable[..., World]) -> None:
        """Then a release frees at once."""
        world = make_world(settings=PLAIN)
        pool = world.pool("10.1.2.0/24")
        world.give(pool, world.take(pool, name="web"))

        assert world.states(pool) == {}
