"""A server that lies: what is kept of it was bounded before."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final

import pytest

from plugin.dhcp.messages4 import Kind, Message, Option
from plugin.dhcp.states import State
from tests.fakes.dhcp import LAN, SERVER
from tests.unit.dhcp.driven import WISH, Driven

EVIL: Final = IPv4Address("192.168.50.66")


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
