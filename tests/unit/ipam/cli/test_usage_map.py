"""A pool's use in the terminal."""

import pytest

from ipam.cli.usage_map import UsageMap, draw
from ipam.lease import Kind, Lease, State
from ipam.pool import LOCAL, NO_TENANT, Pool, pool_id
from ipam.prefixes import parse_address, parse_prefix, parse_range


def drawn(
    prefix: str, *leases: tuple[str, Kind, State], kept: str = "", exclude: str = ""
) -> UsageMap:
    network = parse_prefix(prefix)
    pool = Pool(
        id=pool_id(LOCAL, NO_TENANT, network),
        space=LOCAL,
        tenant=NO_TENANT,
        prefix=network,
        exclusions=(parse_range(exclude),) if exclude else (),
        requested=0.0,
    )
    held = [
        Lease(pool=pool.id, address=parse_address(address), kind=kind, state=state, since=0.0)
        for address, kind, state in leases
    ]
    return draw(pool, held, [parse_address(kept)] if kept else [])


class TestSmallPool:
    def test_each_address_is_a_character(self) -> None:
        """What it is held for, what is never given, and what is free."""
        picture = drawn(
            "10.1.2.0/28",
            ("10.1.2.1", Kind.GATEWAY, State.BOUND),
            ("10.1.2.2", Kind.ENDPOINT, State.BOUND),
            ("10.1.2.3", Kind.ENDPOINT, State.RESERVED),
            ("10.1.2.4", Kind.ENDPOINT, State.RESTING),
            kept="10.1.2.6",
            exclude="10.1.2.12-10.1.2.13",
        )

        assert picture.lines == ("xG█▒░·k·····xx·x",)
        assert picture.text().plain == "xG█▒░·k·····xx·x\n"
        assert "resting" in picture.legend

    def test_lines_are_64_addresses_long(self) -> None:
        """The first of each line is then easy to see."""
        assert [len(line) for line in drawn("10.1.2.0/24").lines] == [64] * 4


class TestLargePool:
    @pytest.mark.parametrize(
        ("prefix", "taken", "part", "per_character"),
        [
            ("10.0.0.0/8", [], "10.0.0.0/23", 1),
            ("10.0.0.0/8", ["10.77.3.9"], "10.77.2.0/23", 1),
            ("10.0.0.0/8", ["10.0.0.1", "10.3.0.1"], "10.0.0.0/14", 512),
            ("fd00::/64", ["fd00::1", "fd00::20"], "fd00::/119", 1),
            ("fd00::/64", ["fd00::1", "fd00::8000:0:0:1"], "fd00::/64", 1 << 55),
        ],
    )
    def test_the_part_in_use_is_drawn(
        self, prefix: str, taken: list[str], part: str, per_character: int
    ) -> None:
        """A v6 pool is for ever nearly empty."""
        leases = [(address, Kind.ENDPOINT, State.BOUND) for address in taken]

        picture = drawn(prefix, *leases)

        assert (str(picture.part), picture.per_character) == (part, per_character)
        assert sum(map(len, picture.lines)) == 512

    def test_a_character_of_many_says_how_full_they_are(self) -> None:
        """From nothing over three shades to everything."""
        network = parse_prefix("10.0.0.0/20")
        leases = [
            (str(network[number]), Kind.ENDPOINT, State.BOUND)
            for start, count in ((8, 1), (16, 3), (24, 7), (32, 8), (4088, 1))
            for number in range(start, start + count)
        ]

        picture = drawn("10.0.0.0/20", *leases)

        assert picture.per_character == 8
        assert picture.lines[0].startswith("·░▒▓█·")
        assert "in part" in picture.legend
