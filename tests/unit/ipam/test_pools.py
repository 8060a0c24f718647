"""Pools that are chosen, and how pools go."""

from collections.abc import Callable

import pytest

from ipam.errors import (
    PoolInUseError,
    PoolOverlapError,
    PoolsExhaustedError,
)
from ipam.pool import GLOBAL, LOCAL, NO_TENANT, Pool, PoolID, PoolRequest
from ipam.prefixes import parse_prefix, parse_range
from ipam.settings import Settings, parse_pools
from tests.unit.ipam.conftest import World


class TestAnyPool:
    def test_each_request_gets_a_pool_of_its_own_and_then_an_error(self, world: World) -> None:
        """The engine asks in a loop without end until a pool suits it."""
        pools = [str(world.pool().prefix) for _ in range(4)]

        assert pools == ["10.9.0.0/24", "10.9.1.0/24", "10.9.2.0/24", "10.9.3.0/24"]
        with pytest.raises(
            PoolsExhaustedError,
            match=r"fully subnetted: no IPv4 pool is left in 10.9.0.0/22:24 beside 4 pools",
        ):
            world.pool()

    def test_a_released_pool_is_given_again(self, world: World) -> None:
        """The lowest gap is used first."""
        pools = [world.pool() for _ in range(3)]
        world.allocator.release_pool(pools[1].id)

        assert world.pool().prefix == pools[1].prefix

    @pytest.mark.parametrize(
        ("routes", "expected"),
        [
            (["10.9.0.0/23"], "10.9.2.0/24"),
            (["10.9.1.7/32", "10.9.0.9/32"], "10.9.2.0/24"),
            (["0.0.0.0/0", "::/0"], "10.9.0.0/24"),
            (["0.0.0.0/1", "128.0.0.0/1"], "10.9.0.0/24"),
            (["fd00:9::/48"], "10.9.0.0/24"),
        ],
    )
    def test_what_the_host_uses_is_avoided(
        self, world: World, routes: list[str], expected: str
    ) -> None:
        """A VPN's network and a resolver are not cut off; default routes do not count."""
        world.routes = routes

        assert str(world.pool().prefix) == expected

    def test_routes_are_read_at_call_time(self, world: World) -> None:
        """A VPN may come up later."""
        world.allocator.release_pool(world.pool().id)
        world.routes = ["10.0.0.0/8"]

        with pytest.raises(PoolsExhaustedError, match="1 prefixes of the host"):
            world.pool()

    @pytest.mark.parametrize(
        ("asked", "options", "expected"),
        [
            ("0.0.0.0/28", {}, "10.9.0.0/28"),
            ("::/72", {}, "fd00:9::/72"),
            (None, {"prefix": "28"}, "10.9.0.0/28"),
            (None, {"prefix": "/26,72"}, "10.9.0.0/26"),
            ("0.0.0.0/28", {"prefix": "26"}, "10.9.0.0/28"),
            ("0.0.0.0/22", {}, "10.9.0.0/22"),
        ],
    )
    def test_a_size_may_be_asked_for(
        self, world: World, asked: str | None, options: dict[str, str], expected: str
    ) -> None:
        """As a prefix from engine 29 on, as an option on all."""
        assert str(world.pool(asked, **options).prefix) == expected

    def test_a_v6_pool_is_a_ula(self, world: World) -> None:
        """V6 is said when no pool is named; a size for v4 does not matter then."""
        pool = world.allocator.request_pool(PoolRequest(v6=True, options={"prefix": "28"}))

        assert str(pool.prefix) == "fd00:9::/64"

    def test_pools_of_all_tenants_and_spaces_are_avoided(self, world: World) -> None:
        """Networks of two tenants may well meet on one host."""
        world.pool()
        world.pool(None, space=GLOBAL)

        assert str(world.pool(None, tenant="blue").prefix) == "10.9.2.0/24"
        assert str(world.pool().prefix) == "10.9.3.0/24"

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            ("0.0.0.0/8", "no IPv4 pool of length 8 is left"),
            ("::/48", "no IPv6 pool of length 48 is left"),
        ],
    )
    def test_more_than_there_is_cannot_be_had(self, world: World, asked: str, message: str) -> None:
        """No configured range is that large."""
        with pytest.raises(PoolsExhaustedError, match=message):
            world.pool(asked)

    def test_a_family_without_ranges_is_refused(self, make_world: Callable[..., World]) -> None:
        """The message says where to add one."""
        world = make_world(settings=Settings(pools=parse_pools("10.9.0.0/16:24")))

        with pytest.raises(PoolsExhaustedError, match=r"left in none .* setting pools"):
            world.allocator.request_pool(PoolRequest(v6=True))


class TestRelease:
    def test_addresses_go_with_their_pool(self, world: World) -> None:
        """A pool that is asked for later starts empty."""
        pool = world.pool("10.1.2.0/24")
        world.take(pool)
        world.allocator.release_pool(pool.id)

        assert world.everything() == []
        assert world.take(world.pool("10.1.2.0/24")) == "10.1.2.1"

    def test_the_unknown_is_released_without_complaint(self, world: World) -> None:
        """Release may be repeated, after a lost store too."""
        for pool in ("", "x", "x/10.0.0.0/8", f"{LOCAL}/10.0.0.0/8", f"{LOCAL}/"):
            world.allocator.release_pool(PoolID(pool))
            world.allocator.release_address(
                PoolID(pool), parse_prefix("10.0.0.0/8").network_address
            )

    def test_a_pool_goes_with_the_network_that_uses_it(self, world: World) -> None:
        """The engine releases the pool, and only then deletes the network with its links."""
        pool = world.used("10.1.2.0/24")
        world.allocator.release_pool(pool.id)

        with pytest.raises(PoolOverlapError):
            world.pool("10.1.2.0/24")
        world.allocator.ungroup("net1")
        assert world.allocator.pools() == []

    def test_a_refused_network_does_not_take_another_s_pool_away(self, world: World) -> None:
        """Swarm gives back the pool of a network that its driver refused."""
        pool = world.pool("10.1.2.0/24", space=GLOBAL)
        world.allocator.group("net1", GLOBAL, [pool.prefix])
        world.restart()
        world.pool("10.1.2.0/24", space=GLOBAL)

        with pytest.raises(PoolInUseError, match="serves network net1 and cannot serve net2"):
            world.allocator.group("net2", GLOBAL, [pool.prefix])
        world.allocator.release_pool(pool.id)
        assert world.take(pool) == "10.1.2.1"

    def test_a_network_that_goes_first_leaves_its_pool_to_be_released(self, world: World) -> None:
        """A network that could not be made is undone in this order."""
        pool = world.used("10.1.2.0/24")
        world.allocator.ungroup("net1")
        world.allocator.ungroup("net1")

        assert world.take(pool) == "10.1.2.1"
        world.allocator.release_pool(pool.id)
        assert world.allocator.pools() == []


@pytest.mark.parametrize(
    ("ranges", "exclusions", "expected"),
    [
        ((), (), ["10.9.0.1-10.9.0.254"]),
        (("10.9.0.16/28",), (), ["10.9.0.16-10.9.0.31"]),
        (("10.9.0.0/28", "10.9.0.8/29"), (), ["10.9.0.1-10.9.0.15"]),
        ((), ("10.9.0.4-10.9.0.250",), ["10.9.0.1-10.9.0.3", "10.9.0.251-10.9.0.254"]),
    ],
)
def test_where_addresses_are_chosen(
    ranges: tuple[str, ...], exclusions: tuple[str, ...], expected: list[str]
) -> None:
    """The usable part of ranges, without what is excluded, and no address twice."""
    pool = Pool(
        id=PoolID("p"),
        space=LOCAL,
        tenant=NO_TENANT,
        prefix=parse_prefix("10.9.0.0/24"),
        ranges=tuple(map(parse_range, ranges)),
        exclusions=tuple(map(parse_range, exclusions)),
        requested=0.0,
    )

    assert [str(part) for part in pool.automatic] == expected
