"""A restart keeps the address where the engine does not say who asks."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ipam.lease import Kind
from ipam.pool import GLOBAL, LOCAL, AddressSpaceName
from ipam.returned import RESTART_SECONDS
from tests.unit.ipam.conftest import PLAIN, World

MAC = "02:42:0a:00:00:01"


@pytest.mark.parametrize("quarantine", [0, 60])
def test_a_lone_release_is_answered_with_the_same_address(
    make_world: Callable[..., World], quarantine: float
) -> None:
    """`docker restart`, again and again, beside a container that keeps its own."""
    world = make_world(settings=replace(PLAIN, quarantine=quarantine))
    pool = world.used("10.1.2.0/24")
    mine, _ = world.take(pool), world.take(pool)

    for _ in range(3):
        world.give(pool, mine)
        world.now += 1
        assert world.take(pool) == mine


def test_one_after_the_other(world: World) -> None:
    """`docker restart one two`: who has its address again is in nobody's way."""
    pool = world.used("10.1.2.0/24")
    both = [world.take(pool) for _ in range(2)]
    for address in both:
        world.give(pool, address)
        assert world.take(pool) == address


def test_of_two_neither(world: World) -> None:
    """Nothing tells whose request it is, and a wrong guess would swap them."""
    pool = world.used("10.1.2.0/24", "10.1.3.0/24")
    for address in [world.take(pool) for _ in range(2)]:
        world.give(pool, address)

    assert [world.take(pool) for _ in range(2)] == ["10.1.2.3", "10.1.2.4"]


def test_of_two_in_siblings_neither(world: World) -> None:
    """All subnets of the network are looked at."""
    pool = world.used("10.1.2.0/24", "10.1.3.0/24")
    for address in (world.take(pool), world.take(pool, "10.1.3.9")):
        world.give(pool, address)

    assert world.take(pool) == "10.1.2.2"


def test_one_of_a_sibling(world: World) -> None:
    """Though the network's first subnet has free ones."""
    pool = world.used("10.1.2.0/30", "10.1.3.0/24")
    taken = [world.take(pool) for _ in range(3)]
    world.give(pool, taken[0])
    world.now += RESTART_SECONDS + 1
    world.give(pool, taken[2])

    assert taken[2] == "10.1.3.1"
    assert world.take(pool) == "10.1.3.1"


@pytest.mark.parametrize(
    ("seconds", "address"), [(RESTART_SECONDS, "10.1.2.1"), (RESTART_SECONDS + 0.1, "10.1.2.2")]
)
def test_only_for_a_while(world: World, seconds: float, address: str) -> None:
    """Later it rests for everybody, as before."""
    pool = world.used("10.1.2.0/24")
    world.give(pool, world.take(pool))
    world.now += seconds

    assert world.take(pool) == address


def test_what_came_back_earlier_does_not_matter(world: World) -> None:
    """Nor does a clock that was set back since."""
    pool = world.used("10.1.2.0/24")
    taken = [world.take(pool) for _ in range(3)]
    world.give(pool, taken[0])
    world.now -= 60
    world.give(pool, taken[1])
    world.now += RESTART_SECONDS
    world.give(pool, taken[2])
    world.now += 1

    assert world.take(pool) == taken[2]


@pytest.mark.parametrize("owner", [{"name": "web"}, {"mac": MAC}, {"tag": "printer"}])
def test_who_is_known_comes_back_for_its_own(world: World, owner: dict[str, str]) -> None:
    """And its address is left out for another container, as one asked for by number is."""
    pool = world.used("10.1.2.0/24")
    mine, other = world.take(pool, **owner), world.take(pool)
    world.give(pool, mine)
    assert world.take(pool) == "10.1.2.3"
    world.give(pool, other)

    assert world.take(pool) == "10.1.2.4"
    assert world.take(pool, **owner) == mine


def test_who_asked_by_number_does_so_again(world: World) -> None:
    """`--ip`: a stranger that had it would keep the container from starting."""
    pool = world.used("10.1.2.0/24")
    world.give(pool, world.take(pool, "10.1.2.1"))

    assert world.take(pool) == "10.1.2.2"
    assert world.take(pool, "10.1.2.1") == "10.1.2.1"


def test_a_number_is_forgotten_with_its_holder(world: World) -> None:
    """The next holder of the address may not have asked for it by number."""
    pool = world.used("10.1.2.0/30")
    for address in (world.take(pool, "10.1.2.1"), world.take(pool, "10.1.2.2")):
        world.give(pool, address)
    world.now += 60
    world.allocator.collect()
    mine = world.take(pool)
    world.give(pool, mine)

    assert world.take(pool) == mine


def test_a_chosen_mac_is_no_name_where_nobody_asks_with_one(world: World) -> None:
    """`--mac-address` before engine 29: it is known at the endpoint, and not when it asks."""
    pool = world.used("10.1.2.0/24")
    mine = world.take(pool)
    world.bind(pool, mine, mac=MAC)
    world.unbind(pool, mine)
    world.give(pool, mine)

    assert world.take(pool) == mine


@pytest.mark.parametrize("options", [{"exclude": "10.1.2.1"}, {"range": "10.1.2.2-10.1.2.9"}])
def test_never_what_is_not_given(world: World, options: dict[str, str]) -> None:
    """A container that was made before may have it, or one that asked for it by number."""
    plain = world.pool("10.1.2.0/24")
    mine = world.take(plain)
    world.allocator.release_pool(plain.id)
    pool = world.used("10.1.2.0/24", **options)
    world.bind(pool, mine)
    world.give(pool, mine)

    assert world.take(pool) == "10.1.2.2"


def test_never_what_is_reserved(world: World) -> None:
    """By a reservation that was made while it was in use."""
    pool = world.used("10.1.2.0/24")
    mine = world.take(pool)
    world.reserve(mine, name="web")
    world.give(pool, mine)

    assert world.take(pool) == "10.1.2.2"


def test_never_for_a_gateway(world: World) -> None:
    """It is no container, and the first address is not free again."""
    pool = world.used("10.1.2.0/24")
    first, second = world.take(pool), world.take(pool)
    world.give(pool, second)

    assert first == "10.1.2.1"
    assert world.take(pool, kind=Kind.GATEWAY) == "10.1.2.3"


def test_a_gateway_that_goes_is_none_that_came_back(world: World) -> None:
    """Nor in the way of one."""
    pool = world.used("10.1.2.0/24")
    gateway, mine = world.take(pool, kind=Kind.GATEWAY), world.take(pool)
    world.give(pool, mine)
    world.give(pool, gateway)

    assert world.take(pool) == mine


@pytest.mark.parametrize("space", [LOCAL, GLOBAL])
def test_not_where_another_driver_makes_the_link(world: World, space: AddressSpaceName) -> None:
    """Its MAC address may be another, and neighbours are not told; nor for tasks of a swarm."""
    pool = world.pool("10.1.2.0/24", space=space)
    if space == GLOBAL:
        world.allocator.group("net1", space, [pool.prefix])
    world.give(pool, world.take(pool))

    assert world.take(pool) == "10.1.2.2"
