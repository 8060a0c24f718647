"""Option names to typed values."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest

from plugin.drivers import options
from plugin.drivers.bridged.options import Isolation
from plugin.errors import InvalidOptionError
from plugin.model import ids
from plugin.model.network import Protocol, StaticRoute

GOOD: list[tuple[Any, str, object]] = [
    (options.boolean, "true", True),
    (options.boolean, "T", True),
    (options.boolean, "1", True),
    (options.boolean, "False", False),
    (options.boolean, "0", False),
    (options.boolean, "yes", True),
    (options.boolean, "Off", False),
    (options.mtu, "68", 68),
    (options.mtu, "65535", 65535),
    (options.mtu, "0", 0),
    (ids.link_name, "br-lan.7", "br-lan.7"),
    (ids.link_name, "b" * 15, "b" * 15),
    (options.ifname_prefix, "b" * 13, "b" * 13),
    (options.ipv4_address, "192.0.2.2", IPv4Address("192.0.2.2")),
    (options.ipv6_address, "fd00::2", IPv6Address("fd00::2")),
    (options.ip_address_text, "fd00::2", IPv6Address("fd00::2")),
    (options.rate, "8kbit", 8_000),
    (options.rate, "1.5Gbit", 1_500_000_000),
    (options.rate, "10m", 10_000_000),
    (options.rate, "9000", 9_000),
    (options.rate, "32gbit", 32 * 10**9),
    (options.choice(Isolation), "strict", Isolation.STRICT),
    (options.listed(":", ids.link_name), "eth0 : eth1", ("eth0", "eth1")),
    (options.port_list, "allow", None),
    (options.port_list, "deny", frozenset()),
    (options.port_list, "53/udp, 80", frozenset({(Protocol.UDP, 53), (Protocol.TCP, 80)})),
    (options.port_list, "9/sctp", frozenset({(Protocol.SCTP, 9)})),
    (options.families, "true", frozenset({4, 6})),
    (options.families, "false", frozenset()),
    (options.families, "ipv6", frozenset({6})),
    (
        options.route_list,
        "::/0 via fe80::1",
        (StaticRoute(destination=IPv6Network("::/0"), next_hop=IPv6Address("fe80::1")),),
    ),
    (
        options.route_list,
        "10.8.0.0/16; fd00:8::/32 via fd00::1",
        (
            StaticRoute(destination=IPv4Network("10.8.0.0/16")),
            StaticRoute(destination=IPv6Network("fd00:8::/32"), next_hop=IPv6Address("fd00::1")),
        ),
    ),
]
BAD: list[tuple[Any, str]] = [
    (options.boolean, "maybe"),
    (options.boolean, ""),
    (options.mtu, "67"),
    (options.mtu, "65536"),
    (options.mtu, "-1"),
    (options.mtu, "1.5e3"),
    (options.mtu, ""),
    (ids.link_name, ""),
    (ids.link_name, "b" * 16),
    (ids.link_name, "ä" * 8),
    (ids.link_name, "."),
    (ids.link_name, ".."),
    (ids.link_name, "a/b"),
    (ids.link_name, "a:b"),
    (ids.link_name, "a b"),
    (ids.link_name, "a%d"),
    (ids.link_name, "a\x00"),
    (ids.link_name, 'a"b'),
    (ids.link_name, "a\\"),
    (ids.link_name, "eth*"),
    (options.ifname_prefix, "b" * 14),
    (options.ifname_prefix, ""),
    (options.ipv4_address, "::1"),
    (options.ipv4_address, "192.0.2"),
    (options.ipv4_address, "192.0.2.0/24"),
    (options.ipv6_address, "fd00::1%eth0"),
    (options.ip_address_text, "fd00::1%}; flush ruleset;"),
    (options.address_list, "fd00::1,fd00::2%x"),
    (options.route_list, "fd00:8::%x/32"),
    (options.route_list, "fd00:8::/32 via fd00::1%x"),
    (options.rate, "nan"),
    (options.rate, "inf"),
    (options.rate, "7999"),
    (options.rate, "32.1gbit"),
    (options.rate, "m"),
    (options.rate, ""),
    (options.port_list, "80,"),
    (options.port_list, "80/tcp/udp"),
    (options.route_list, "::/0"),
    (options.families, "both"),
    (options.families, ""),
    (options.mtu, "1_500"),
    (options.rate, "1_0mbit"),
    (options.port_list, "8_0"),
    (options.route_list, ";"),
]


@pytest.mark.parametrize(("parse", "text", "value"), GOOD)
def test_good_values(parse: Any, text: str, value: object) -> None:
    """As people and other engines write them."""
    assert parse(text) == value


@pytest.mark.parametrize(("parse", "text"), BAD)
def test_bad_values(parse: Any, text: str) -> None:
    """ValueError is what an option turns into a refusal."""
    with pytest.raises(ValueError):  # noqa: PT011 - its words are not shown
        parse(text)


class TestOption:
    def test_the_default_serves_who_says_nothing(self) -> None:
        """Each option has one."""
        assert (
            options.Option(name="a", parse=int, default=7, expected="a number", meaning="").of(
                {"b": "1"}
            )
            == 7
        )

    def test_a_bad_value_is_refused_with_option_value_and_remedy(self) -> None:
        """In one sentence."""
        option = options.Option(name="a", parse=int, default=7, expected="a number", meaning="")

        with pytest.raises(InvalidOptionError, match=r"^option a is 'x', expected a number$"):
            option.of({"a": "x"})
