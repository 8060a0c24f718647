"""Pools that are asked for by their prefix, and which of them are refused."""

import pytest

from ipam.errors import (
    InvalidOptionError,
    InvalidPrefixError,
    InvalidRequestError,
    InvalidSubPoolError,
    PoolOverlapError,
    UnknownAddressSpaceError,
)
from ipam.pool import GLOBAL, LOCAL, AddressSpaceName, PoolRequest
from ipam.prefixes import parse_prefix
from tests.unit.ipam.conftest import World


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
        """A user who names a subnet means it."""
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
                "'prefx' is not an option of a pool, expected one of cluster, exclude, group, prefix.*did you mean prefix",
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
                "prefix is 28, but the subnet 10.1.2.0/24 has a length already",
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
