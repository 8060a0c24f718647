"""Prefix algebra, and what people write for it."""

import pytest

from ipam.errors import InvalidAddressError, InvalidPrefixError
from ipam.prefixes import (
    intersect,
    parse_address,
    parse_prefix,
    parse_range,
    subtract,
    usable,
    with_mask,
)


class TestUsable:
    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("10.0.0.0/24", "10.0.0.1-10.0.0.254"),
            ("10.0.0.0/30", "10.0.0.1-10.0.0.2"),
            ("10.0.0.0/31", "10.0.0.0-10.0.0.1"),
            ("10.0.0.7/32", "10.0.0.7"),
            ("fd00::/64", "fd00::1-fd00::ffff:ffff:ffff:ffff"),
            ("fd00::/126", "fd00::1-fd00::3"),
            ("fd00::/127", "fd00::-fd00::1"),
            ("fd00::7/128", "fd00::7"),
        ],
    )
    def test_a_host_may_have(self, prefix: str, expected: str) -> None:
        """Never network, broadcast or subnet-router addresses; RFC 3021 and RFC 6164."""
        assert str(usable(parse_prefix(prefix))) == expected


class TestParse:
    def test_host_bits_are_dropped(self) -> None:
        """Engines before 25 send them."""
        assert str(parse_prefix("10.1.2.3/24")) == "10.1.2.0/24"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("10.0.0.0/33", "'10.0.0.0/33' is not a prefix"),
            ("10.0.0.0", "'10.0.0.0' has no length"),
            ("", "'' has no length"),
            ("fd00::%x/64", "'fd00::%x/64' is not a prefix"),
            ("ten/24", "'ten/24' is not a prefix"),
        ],
    )
    def test_prefix_is_refused(self, text: str, message: str) -> None:
        """The value and an example are in the message."""
        with pytest.raises(InvalidPrefixError, match=message):
            parse_prefix(text)

    def test_address_is_refused(self) -> None:
        """The value and an example are in the message."""
        with pytest.raises(InvalidAddressError, match=r"'10.0.0' is not an IP address.*10.1.2.3"):
            parse_address("10.0.0")
        with pytest.raises(InvalidAddressError, match="fd00::1%x"):
            parse_address("fd00::1%x")

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("10.0.0.0/30", "10.0.0.0-10.0.0.3"),
            ("10.0.0.9", "10.0.0.9"),
            ("10.0.0.9 - 10.0.0.11", "10.0.0.9-10.0.0.11"),
            ("fd00::1-fd00::f", "fd00::1-fd00::f"),
        ],
    )
    def test_range_is_read(self, text: str, expected: str) -> None:
        """A prefix, an address, or first and last."""
        assert str(parse_range(text)) == expected

    @pytest.mark.parametrize("text", ["10.0.0.9-10.0.0.1", "10.0.0.1-fd00::1"])
    def test_range_is_refused(self, text: str) -> None:
        """It runs upwards within one family."""
        with pytest.raises(InvalidAddressError, match="from a lower to a higher"):
            parse_range(text)

    @pytest.mark.parametrize("text", ["10.0.0.1-", "-10.0.0.1", "-"])
    def test_range_with_an_end_missing_is_refused(self, text: str) -> None:
        """It is not taken for a single address."""
        with pytest.raises(InvalidAddressError, match="address '' is not an IP address"):
            parse_range(text)


class TestAlgebra:
    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        [
            ("10.0.0.0-10.0.0.9", "10.0.0.5-10.0.0.20", "10.0.0.5-10.0.0.9"),
            ("10.0.0.0/24", "10.0.0.7", "10.0.0.7"),
            ("10.0.0.0/24", "10.0.1.0/24", "None"),
            ("0.0.0.0/0", "::/0", "None"),
        ],
    )
    def test_intersect(self, one: str, other: str, expected: str) -> None:
        """Families have nothing in common."""
        assert str(intersect(parse_range(one), parse_range(other))) == expected

    def test_subtract_leaves_the_gaps_in_order(self) -> None:
        """Ranges that overlap are joined on the way."""
        left = subtract(
            [parse_range("10.0.0.64/26"), parse_range("10.0.0.1-10.0.0.80")],
            [parse_range("10.0.0.10-10.0.0.19"), parse_range("10.0.0.127")],
        )

        assert [str(part) for part in left] == ["10.0.0.1-10.0.0.9", "10.0.0.20-10.0.0.126"]

    def test_subtract_from_a_v6_prefix_costs_nothing(self) -> None:
        """It never counts addresses."""
        left = subtract([parse_range("fd00::/64")], [parse_range("fd00::1:0/112")])

        assert [str(part) for part in left] == [
            "fd00::-fd00::ffff",
            "fd00::2:0-fd00::ffff:ffff:ffff:ffff",
        ]

    @pytest.mark.parametrize(
        ("address", "prefix"), [("10.1.2.3", "10.1.2.0/24"), ("fd::9", "fd::/64")]
    )
    def test_with_mask(self, address: str, prefix: str) -> None:
        """The engine wants an address with its pool's length."""
        length = prefix.partition("/")[2]

        interface = with_mask(parse_address(address), parse_prefix(prefix))

        assert str(interface) == f"{address}/{length}"
