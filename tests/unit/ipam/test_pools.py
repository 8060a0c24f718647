"""Which pools are given, and which are refused."""

from collections.abc import Callable

import pytest

from ipam.errors import (
    InvalidOptionError,
    InvalidPrefixError,
    InvalidRequestError,
    InvalidSubPoolError,
    PoolInUseError,
    PoolOverlapError,
    PoolsExhaustedError,
    RefusedError,
    UnknownAddressSpaceError,
)
from ipam.pool import GLOBAL, LOCAL, AddressSpaceName, PoolID, PoolRequest
from ipam.prefixes import parse_prefix
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


class TestThisPool:
    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ("10.1.2.3/24", "10.1.2.0/24"),
            ("10.1.2.3/31", "10.1.2.2/31"),
            ("10.1.2.3/32", "10.1.2.3/32"),
            ("fd00::1/64", "fd00::/64"),
            ("fd00::/127", "fd00::/127"),
            ("fd00::9/128", "fd00::9/128"),
            ("10.0.0.0/8", "10.0.0.0/8"),
        ],
    )
    def test_any_unicast_prefix_may_be_asked_for(
        self, world: World, asked: str, expected: str
    ) -> None:
        """With host bits, as engines before 25 send it, and of any size."""
        pool = world.pool(asked)

        assert str(pool.prefix) == expected
        assert pool.id == f"{LOCAL}/{expected}"

    def test_host_routes_do_not_matter(self, world: World) -> None:
        """Who names a subnet means it."""
        world.routes = ["10.1.0.0/16"]

        assert str(world.pool("10.1.2.0/24").prefix) == "10.1.2.0/24"

    @pytest.mark.parametrize("asked", ["10.1.0.0/16", "10.1.2.0/24", "10.0.0.0/8"])
    @pytest.mark.parametrize("options", [{}, {"range": "10.1.2.0/25"}])
    def test_overlap_is_refused_and_named(
        self, world: World, asked: str, options: dict[str, str]
    ) -> None:
        """Exact, contained and containing; with ip-ranges too, where Docker lets it pass."""
        world.used("10.1.0.0/16", range="10.1.9.0/24")
        before = world.everything()

        with pytest.raises(
            PoolOverlapError,
            match=r"Pool overlaps.*pynet-local/10.1.0.0/16, of network net1.*tenant=NAME",
        ):
            world.pool(asked, **options)
        assert world.everything() == before

    def test_tenants_and_spaces_may_overlap(self, world: World) -> None:
        """Their pools have ids of their own."""
        pools = [
            world.pool("10.1.0.0/16"),
            world.pool("10.1.0.0/16", tenant="blue"),
            world.pool("10.1.2.0/24", tenant="red"),
            world.pool("10.1.0.0/16", space=GLOBAL),
        ]

        assert [pool.id for pool in pools] == [
            "pynet-local/10.1.0.0/16",
            "pynet-local:blue/10.1.0.0/16",
            "pynet-local:red/10.1.2.0/24",
            "pynet-global/10.1.0.0/16",
        ]
        assert [world.take(pool) for pool in pools[:2]] == ["10.1.0.1", "10.1.0.1"]

    @pytest.mark.parametrize(
        ("request_", "error", "message"),
        [
            (PoolRequest(space=AddressSpaceName("X")), UnknownAddressSpaceError, "'X', expected"),
            (
                PoolRequest(subpool=parse_prefix("10.1.2.0/25")),
                InvalidSubPoolError,
                "10.1.2.0/25 has no pool; give the subnet",
            ),
            (
                PoolRequest(prefix=parse_prefix("0.0.0.0/24"), subpool=parse_prefix("10.1.2.0/25")),
                InvalidSubPoolError,
                "has no pool",
            ),
            (
                PoolRequest(
                    prefix=parse_prefix("10.1.0.0/16"), subpool=parse_prefix("10.2.0.0/24")
                ),
                InvalidSubPoolError,
                "10.2.0.0/24 lies outside its pool; choose one inside 10.1.0.0/16",
            ),
            (
                PoolRequest(prefix=parse_prefix("10.1.0.0/16"), subpool=parse_prefix("fd00::/64")),
                InvalidSubPoolError,
                "lies outside",
            ),
            (
                PoolRequest(prefix=parse_prefix("0.0.0.0/0")),
                InvalidPrefixError,
                "0.0.0.0/0 is every address",
            ),
            (
                PoolRequest(prefix=parse_prefix("224.0.0.0/24")),
                InvalidPrefixError,
                "holds addresses of 224.0.0.0/4, which no host may have",
            ),
            (
                PoolRequest(prefix=parse_prefix("192.0.0.0/2")),
                InvalidPrefixError,
                "192.0.0.0/2 holds addresses of 224.0.0.0/4",
            ),
            (PoolRequest(prefix=parse_prefix("127.9.0.0/16")), InvalidPrefixError, "unicast"),
            (PoolRequest(prefix=parse_prefix("ff02::/64")), InvalidPrefixError, "unicast"),
            (
                PoolRequest(options={"prefx": "28"}),
                InvalidOptionError,
                "'prefx' is not an option of a pool, expected one of exclude, group, prefix",
            ),
            (PoolRequest(options={"prefix": "x"}), InvalidOptionError, "prefix is 'x', expected"),
            (PoolRequest(options={"prefix": "129"}), InvalidOptionError, "prefix is '129'"),
            (PoolRequest(options={"tenant": ""}), InvalidOptionError, "tenant is '', expected"),
            (PoolRequest(options={"group": "a b"}), InvalidOptionError, "group is 'a b', expected"),
            (PoolRequest(options={"tenant": "a/b"}), InvalidOptionError, "tenant is 'a/b'"),
            (PoolRequest(options={"range": "10.1"}), InvalidOptionError, "range is '10.1'"),
            (
                PoolRequest(
                    prefix=parse_prefix("10.1.2.0/24"), options={"exclude": "10.1.2.9-10.1.3.9"}
                ),
                InvalidOptionError,
                "exclude has 10.1.2.9-10.1.3.9, which reaches over the edge of 10.1.2.0/24",
            ),
            (
                PoolRequest(prefix=parse_prefix("10.1.2.0/24"), options={"prefix": "28"}),
                InvalidOptionError,
                "prefix is 28, but the subnet 10.1.2.0/24 has a length of its own",
            ),
        ],
    )
    def test_nonsense_is_refused(
        self, world: World, request_: PoolRequest, error: type[InvalidRequestError], message: str
    ) -> None:
        """The value, the rule and the remedy are said, and nothing is changed."""
        with pytest.raises(error, match=message):
            world.allocator.request_pool(request_)
        assert world.everything() == []

    def test_the_engine_s_own_labels_are_no_options(self, world: World) -> None:
        """Swarm says com.docker.network.ipam.serial with every pool."""
        assert world.pool("10.1.2.0/24", **{"com.docker.network.ipam.serial": "true"})

    def test_a_sub_pool_wider_than_its_pool_is_cut_to_it(self, world: World) -> None:
        """As Docker does since users had such networks."""
        pool = world.allocator.request_pool(
            PoolRequest(prefix=parse_prefix("10.1.2.0/30"), subpool=parse_prefix("10.1.0.0/16"))
        )

        assert [str(part) for part in pool.automatic] == ["10.1.2.1-10.1.2.2"]


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


class TestGroup:
    def test_pools_of_another_ipam_do_not_matter(self, world: World) -> None:
        """A network of ours may have Docker's addresses."""
        world.pool("10.1.2.0/24")
        before = world.everything()

        world.allocator.group("net1", LOCAL, [parse_prefix("10.1.0.0/16")])
        world.allocator.group("net1", AddressSpaceName("x"), [parse_prefix("10.1.2.0/24")])

        assert world.everything() == before

    def test_it_may_be_repeated(self, world: World) -> None:
        """At every start, for every network."""
        pool = world.used("10.1.2.0/24")
        before = world.everything()

        world.allocator.group("net1", LOCAL, [pool.prefix])

        assert world.everything() == before

    def test_of_two_tenants_waiting_pools_none_is_taken_for_the_network_s(
        self, world: World
    ) -> None:
        """A network driver is not told the tenant, and a guess could cost an address."""
        blue = world.pool("10.1.2.0/24", tenant="blue")
        world.pool("10.1.2.0/24", tenant="red")

        world.allocator.group("net1", LOCAL, [blue.prefix])

        assert {pool.network for pool in world.allocator.pools()} == {None}

    def test_a_later_tenant_s_pool_is_its_network_s(self, world: World) -> None:
        """The earlier one has its network already."""
        world.used("10.1.2.0/24", network="net1", tenant="blue")
        world.used("10.1.2.0/24", network="net2", tenant="red")

        assert {pool.tenant: pool.network for pool in world.allocator.pools()} == {
            "blue": "net1",
            "red": "net2",
        }
