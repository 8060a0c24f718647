"""A server that lies: what is kept of it was bounded before."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final

import pytest

from plugin.dhcp.messages4 import Kind, Message, Option
from plugin.dhcp.states import State
from plugin.model.leases import Route
from tests.fakes.dhcp import LAN, SERVER
from tests.unit.dhcp.driven import WISH, Driven

EVIL: Final = IPv4Address("192.168.50.66")


def routes(*texts: tuple[str, str]) -> bytes:
    """Option 121."""
    said = b""
    for prefix, gateway in texts:
        network = IPv4Network(prefix)
        width = network.prefixlen
        octets = network.network_address.packed[: (width + 7) // 8]
        said += bytes((width,)) + octets + IPv4Address(gateway).packed
    return said


def with_option(code: int, value: bytes | None) -> Callable[[Message], Sequence[Message]]:
    """The answer, with an option that is another, or missing."""

    def twist(said: Message) -> Sequence[Message]:
        kept = tuple(each for each in said.options if each[0] != code)
        return [replace(said, options=kept if value is None else (*kept, (code, value)))]

    return twist


NOT_TAKEN: Final = {
    "no server id": (with_option(Option.SERVER_ID, None), "names no server"),
    "server 0.0.0.0": (with_option(Option.SERVER_ID, bytes(4)), "names no server"),
    "a multicast server": (with_option(Option.SERVER_ID, b"\xe0\0\0\1"), "names no server"),
    "two servers": (with_option(Option.SERVER_ID, SERVER.packed * 2), "names no server"),
    "no mask": (with_option(Option.SUBNET_MASK, None), "mask is missing"),
    "a mask /32": (with_option(Option.SUBNET_MASK, b"\xff" * 4), "mask is ffffffff"),
    "a mask /0": (with_option(Option.SUBNET_MASK, bytes(4)), "mask is 00000000"),
    "a mask with holes": (with_option(Option.SUBNET_MASK, b"\xff\0\xff\0"), "mask is ff00ff00"),
    "a mask too long": (with_option(Option.SUBNET_MASK, b"\xff" * 255), "mask is ffffffff"),
    "no time": (with_option(Option.LEASE_TIME, None), "no lease time"),
    "no time at all": (with_option(Option.LEASE_TIME, bytes(4)), "no lease time"),
    "a short time": (with_option(Option.LEASE_TIME, b"\1"), "no lease time"),
    "the network's address": (lambda m: [replace(m, yours=LAN[0])], "no address of a host"),
    "everybody's address": (lambda m: [replace(m, yours=LAN[255])], "no address of a host"),
    "no address": (lambda m: [replace(m, yours=IPv4Address(0))], "no address of a host"),
    "loopback": (lambda m: [replace(m, yours=IPv4Address("127.0.0.1"))], "no address of a host"),
    "multicast": (lambda m: [replace(m, yours=IPv4Address("224.0.0.9"))], "no address of a host"),
    "link-local": (
        lambda m: [replace(m, yours=IPv4Address("169.254.1.1"))],
        "no address of a host",
    ),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_an_answer_that_cannot_be_used_is_not_taken(name: str) -> None:
    """And a user who reads why there is no address is told."""
    twist, why = NOT_TAKEN[name]
    driven = Driven()
    driven.lan.server.twist = twist

    driven.start()
    driven.run(2)

    assert driven.client.lease is None
    assert why in driven.client.tally.text


def test_of_two_offers_the_first_is_taken() -> None:
    """The second server hears of the choice by its identifier in the REQUEST."""
    driven = Driven()
    evil = with_option(Option.SERVER_ID, EVIL.packed)
    driven.lan.server.twist = lambda m: [m, *evil(m)] if m.kind is Kind.OFFER else [m]

    driven.start()

    assert driven.messages()[1].option(Option.SERVER_ID) == SERVER.packed
    assert driven.client.lease
    assert driven.client.lease.server == SERVER


def test_another_server_cannot_refuse_what_it_did_not_offer() -> None:
    """Nor grant it."""
    driven = Driven()

    def twist(said: Message) -> list[Message]:
        if said.kind is not Kind.ACK:
            return [said]
        evil = replace(said, options=((Option.SERVER_ID, EVIL.packed),))
        return [replace(evil, kind=Kind.NAK), *with_option(54, EVIL.packed)(said)]

    driven.lan.server.twist = twist

    driven.start()

    assert driven.client.state is State.REQUESTING
    assert "refused what" in driven.client.tally.text


def test_a_server_that_only_refuses_is_not_flooded_with_questions() -> None:
    """An offer and a NAK, for ever."""
    driven = Driven()
    driven.lan.server.twist = lambda m: [replace(m, kind=Kind.NAK) if m.kind is Kind.ACK else m]

    driven.start()
    driven.run(120)

    assert driven.client.tally.discovers <= 8
    assert driven.client.state is State.STOPPED


def test_servers_can_be_chosen() -> None:
    """By name, or all but one."""
    for wish in (
        replace(WISH, servers=frozenset({EVIL})),
        replace(WISH, denied_servers=frozenset({SERVER})),
    ):
        driven = Driven(wish)
        driven.start()

        assert driven.client.lease is None
        assert "may be listened to" in driven.client.tally.text


def test_an_address_outside_the_subnet_is_not_taken() -> None:
    """The engine would not notice, and its neighbours would not be reached."""
    driven = Driven(replace(WISH, subnet=IPv4Network("192.168.51.0/24")))

    driven.start()

    assert "not of the network's subnet" in driven.client.tally.text


def test_a_lan_without_the_users_gateway_is_not_taken() -> None:
    """The engine would fail to set the route, and say so in words of its own."""
    driven = Driven(replace(WISH, gateway=IPv4Address("10.0.0.1")))
    driven.start()

    assert driven.kinds() == [Kind.DISCOVER]
    assert "gateway 10.0.0.1 is not of that LAN" in driven.client.tally.text
    driven = Driven(replace(WISH, gateway=LAN[9]))
    driven.start()
    assert driven.kinds() == [Kind.DISCOVER, Kind.REQUEST]


def test_another_address_than_was_offered_is_not_taken() -> None:
    """Whatever it is."""
    driven = Driven()
    driven.lan.server.twist = lambda m: [replace(m, yours=LAN[200]) if m.kind is Kind.ACK else m]

    driven.start()

    assert driven.client.lease is None
    assert "not asked for" in driven.client.tally.text


def test_a_moment_is_renewed_as_if_it_were_half_a_minute() -> None:
    """Or a server would have us ask a hundred times a second."""
    driven = Driven()
    driven.lan.server.seconds = 1
    driven.start()
    driven.run(1)
    before = len(driven.sent)

    driven.run(60)

    assert len(driven.sent) - before <= 8


@pytest.mark.parametrize(("t1", "t2"), [(0, 0), (100, 50), (0, 119), (200, 300), (1, 0xFFFFFFFF)])
def test_times_out_of_order_are_replaced(t1: int, t2: int) -> None:
    """By a half and seven eighths."""
    driven = Driven()
    times = ((int(Option.T1), t1.to_bytes(4, "big")), (int(Option.T2), t2.to_bytes(4, "big")))
    driven.lan.server.options += times

    driven.start()

    assert driven.client.lease
    assert (driven.client.lease.t1, driven.client.lease.t2) == (60, 105)


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
