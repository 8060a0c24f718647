"""A server that lies in what it says beside the address: what could harm is left out."""

from ipaddress import IPv4Address, IPv4Network
from typing import Final

import pytest

from plugin.dhcp.messages4 import Option
from plugin.model.leases import Route
from tests.fakes.dhcp import SERVER
from tests.unit.dhcp.driven import Driven
from tests.unit.dhcp.test_hostile import with_option


def routes(*texts: tuple[str, str]) -> bytes:
    """Option 121."""
    said = b""
    for prefix, gateway in texts:
        network = IPv4Network(prefix)
        width = network.prefixlen
        octets = network.network_address.packed[: (width + 7) // 8]
        said += bytes((width,)) + octets + IPv4Address(gateway).packed
    return said


def facts_with(*options: tuple[int, bytes]) -> Driven:
    driven = Driven()
    driven.lan.server.options += options
    driven.start()
    assert driven.client.lease
    return driven


TEXTS: Final = (
    b"lan\nsearch evil",
    b"a b",
    b"x\0y",
    b"\xff\xfe",
    b"",
    b"x" * 254,
    b"lan\r",
    b"\x1b[2J",
)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_that_could_mean_something_else_are_left_out(text: bytes) -> None:
    """A host name with a newline in it, and its kin; the server never chooses a host name here."""
    driven = facts_with((Option.DOMAIN_NAME, text), (Option.HOST_NAME, b"web\nevil"))

    assert driven.client.lease
    assert driven.client.lease.facts.domain is None
    assert "evil" not in repr(driven.client.lease)


def test_routes_that_take_over_are_left_out() -> None:
    """Two halves of everything, loopback, multicast, the LAN itself, gateways elsewhere."""
    said = routes(
        *(("0.0.0.0/1", "192.168.50.9"), ("128.0.0.0/1", "192.168.50.9")),
        *(("127.0.0.0/8", "192.168.50.9"), ("224.0.0.0/8", "192.168.50.9")),
        *(("192.168.50.0/24", "192.168.50.9"), ("10.9.0.0/16", "10.1.1.1")),
        *(("10.8.0.0/16", "192.168.50.9"), ("10.8.0.0/16", "192.168.50.9")),
        ("0.0.0.0/0", "192.168.50.1"),
    )

    driven = facts_with((Option.CLASSLESS_ROUTES, said))

    assert driven.client.lease
    facts = driven.client.lease.facts
    gateway = IPv4Address("192.168.50.9")
    assert facts.routes == (Route(destination=IPv4Network("10.8.0.0/16"), gateway=gateway),)
    assert facts.router == SERVER


def test_classless_routes_replace_the_router() -> None:
    """RFC 3442: with them and no default route among them, there is none."""
    driven = facts_with((Option.CLASSLESS_ROUTES, routes(("10.8.0.0/16", "192.168.50.9"))))

    assert driven.client.lease
    assert driven.client.lease.facts.router is None


def static(*pairs: tuple[str, str]) -> tuple[int, bytes]:
    """Option 33."""
    said = (IPv4Address(each).packed for pair in pairs for each in pair)
    return Option.STATIC_ROUTES, b"".join(said)


def test_static_routes_go_by_class() -> None:
    """RFC 2132 section 5.8; hosts, too, and no subnets, whose mask is not said."""
    way = "192.168.50.9"
    driven = facts_with(
        static(
            *(("10.0.0.0", way), ("172.20.0.0", way), ("193.1.2.0", way), ("172.21.5.9", way)),
            *(("172.22.5.0", way), ("11.1.0.0", way), ("0.0.0.0", way), ("224.0.0.0", way)),
            *(("127.0.0.0", way), ("192.168.50.0", way), ("192.168.50.7", way)),
            *(("12.0.0.0", "10.1.1.1"), ("13.0.0.0", "0.0.0.0"), ("10.0.0.0", "192.168.50.8")),
        )
    )

    assert driven.client.lease
    facts = driven.client.lease.facts
    there = ("10.0.0.0/8", "172.20.0.0/16", "193.1.2.0/24", "172.21.5.9/32")
    assert [str(each.destination) for each in facts.routes] == list(there)
    assert {each.gateway for each in facts.routes} == {IPv4Address(way)}
    assert facts.router == SERVER


@pytest.mark.parametrize("classless", [routes(("10.8.0.0/16", "192.168.50.9")), b"", b"\x21"])
def test_static_routes_beside_classless_ones_are_ignored(classless: bytes) -> None:
    """RFC 3442, whatever those say."""
    driven = facts_with(
        (Option.CLASSLESS_ROUTES, classless), static(("172.20.0.0", "192.168.50.9"))
    )

    assert driven.client.lease
    kept = {str(each.destination) for each in driven.client.lease.facts.routes}
    assert kept <= {"10.8.0.0/16"}


def test_half_a_static_route_is_none() -> None:
    """An odd number of addresses is not read at all."""
    code, data = static(("172.20.0.0", "192.168.50.9"))
    driven = facts_with((code, data + data[:4]))

    assert driven.client.lease
    assert driven.client.lease.facts.routes == ()


def test_of_two_routes_to_one_place_the_first_is_kept() -> None:
    """A kernel takes one, and an engine that cannot add the other starts no container."""
    both = (("10.8.0.0/16", "192.168.50.9"), ("10.8.0.0/16", "192.168.50.8"))
    driven = facts_with((Option.CLASSLESS_ROUTES, routes(*both)))

    assert driven.client.lease
    (kept,) = driven.client.lease.facts.routes
    assert kept.gateway == IPv4Address("192.168.50.9")


def test_a_thousand_routes_are_not_kept() -> None:
    """Sixty-four are."""
    many = [(f"10.{number}.0.0/16", "192.168.50.9") for number in range(200)]

    driven = facts_with((Option.CLASSLESS_ROUTES, routes(*many)))

    assert driven.client.lease
    assert len(driven.client.lease.facts.routes) == 64


@pytest.mark.parametrize(("mtu", "kept"), [(1400, 1400), (68, None), (575, None), (0, None)])
def test_a_size_that_breaks_everything_is_left_out(mtu: int, kept: int | None) -> None:
    """RFC 791: every host takes 576."""
    driven = facts_with((Option.MTU, mtu.to_bytes(2, "big")))

    assert driven.client.lease
    assert driven.client.lease.facts.mtu == kept


def test_a_router_elsewhere_is_left_out() -> None:
    """It could not be reached."""
    driven = Driven()
    driven.lan.server.twist = with_option(Option.ROUTER, IPv4Address("10.0.0.1").packed)
    driven.start()

    assert driven.client.lease
    assert driven.client.lease.facts.router is None


def test_names_that_point_at_themselves_end() -> None:
    """RFC 1035 section 4.1.4, turned against the reader."""
    for data in (b"\xc0\0", b"\1a\xc0\0", b"\x3f", b"\1a\xc0\2\0", b"\xc0"):
        driven = facts_with((Option.DOMAIN_SEARCH, data))

        assert driven.client.lease
        assert driven.client.lease.facts.search == ()


def test_names_are_read() -> None:
    """Compressed ones, too."""
    data = b"\3eng\5apple\3com\0\4mark\xc0\4"

    driven = facts_with((Option.DOMAIN_SEARCH, data))

    assert driven.client.lease
    assert driven.client.lease.facts.search == ("eng.apple.com", "mark.apple.com")
