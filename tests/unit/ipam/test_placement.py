"""Where there is room for a pool."""

import pytest

from ipam.placement import Occupancy, Placement, first_gap
from ipam.pool import LOCAL, Pool, Tenant, pool_id
from ipam.prefixes import parse_prefix


def a_pool(prefix: str, tenant: str = "") -> Pool:
    network = parse_prefix(prefix)
    return Pool(
        id=pool_id(LOCAL, Tenant(tenant), network),
        space=LOCAL,
        tenant=Tenant(tenant),
        prefix=network,
        requested=0.0,
    )


class TestFirstGap:
    @pytest.mark.parametrize(
        ("base", "length", "occupied", "expected"),
        [
            ("10.9.0.0/16", 24, [], "10.9.0.0/24"),
            ("10.9.0.0/16", 24, ["10.9.0.0/24", "10.9.2.0/24"], "10.9.1.0/24"),
            ("10.9.0.0/16", 24, ["10.9.0.0/28"], "10.9.1.0/24"),
            ("10.9.0.0/16", 24, ["10.9.0.255/32", "10.9.1.0/32"], "10.9.2.0/24"),
            ("10.9.0.0/16", 24, ["10.0.0.0/8"], None),
            ("10.9.0.0/16", 24, ["10.8.0.0/15"], None),
            ("10.9.0.0/16", 24, ["10.8.0.0/16", "10.10.0.0/16"], "10.9.0.0/24"),
            ("10.9.0.0/16", 28, ["10.9.0.0/24", "10.9.1.16/28"], "10.9.1.0/28"),
            ("10.9.0.0/16", 24, ["10.9.0.0/17", "10.9.1.0/24"], "10.9.128.0/24"),
            ("10.9.0.0/16", 16, [], "10.9.0.0/16"),
            ("10.9.0.0/16", 8, [], None),
            ("10.9.0.0/24", 24, ["10.9.0.0/24"], None),
            ("fd00::/48", 64, ["fd00::/64"], "fd00:0:0:1::/64"),
            ("fd00::/48", 72, ["fd00::/80"], "fd00:0:0:0:100::/72"),
        ],
    )
    def test_the_lowest_gap_is_found(
        self, base: str, length: int, occupied: list[str], expected: str | None
    ) -> None:
        """Of any size, beside prefixes of any size."""
        stretches = [Occupancy([parse_prefix(prefix)]) for prefix in occupied]
        together = [Occupancy([parse_prefix(prefix) for prefix in occupied])]

        apart = first_gap(parse_prefix(base), length, stretches)

        assert apart == first_gap(parse_prefix(base), length, together)
        assert apart == (expected and parse_prefix(expected))


class TestPlacement:
    @pytest.mark.parametrize(
        ("asked", "in_the_way"),
        [
            ("10.1.0.0/16", "10.1.0.0/16"),
            ("10.1.5.0/24", "10.1.0.0/16"),
            ("10.0.0.0/8", "10.1.0.0/16"),
            ("10.1.255.255/32", "10.1.0.0/16"),
            ("10.3.0.0/15", "10.3.0.0/24"),
            ("10.4.0.0/16", None),
            ("10.2.0.0/16", None),
        ],
    )
    def test_exact_containing_and_contained_pools_overlap(
        self, asked: str, in_the_way: str | None
    ) -> None:
        """The first pool in the way is named."""
        placement = Placement()
        placement.add(a_pool("10.1.0.0/16"))
        placement.add(a_pool("10.3.0.0/24"))

        found = placement.overlapping(Tenant(""), parse_prefix(asked))

        assert found == (in_the_way and f"{LOCAL}/{in_the_way}")

    def test_tenants_do_not_see_each_other(self) -> None:
        """Both may have the same prefix, and it is found for both."""
        placement = Placement()
        placement.add(a_pool("10.1.0.0/16"))

        assert placement.overlapping(Tenant("blue"), parse_prefix("10.1.0.0/16")) is None

        placement.add(a_pool("10.1.0.0/16", "blue"))
        placement.remove(a_pool("10.1.0.0/16"))

        assert placement.at(parse_prefix("10.1.0.0/16")) == [f"{LOCAL}:blue/10.1.0.0/16"]
        assert placement.at(parse_prefix("10.1.0.0/24")) == []
