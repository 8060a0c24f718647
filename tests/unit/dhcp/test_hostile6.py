"""A router that lies: forged advertisements give no address that cannot be, and end none early."""

import struct
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv6Network
from typing import Final

import pytest

from plugin.dhcp.states import State
from tests.fakes.router import MANAGED, PREFIX, ROUTER, ROUTER_MAC, icmp_frame, prefix_option
from tests.unit.dhcp.driven6 import ADDRESS, Driven6, bound, lease6

NEVER: Final = 0xFFFFFFFF
OTHER: Final = IPv6Network("2001:db8:51::/64")


def only(*options: bytes) -> Callable[[bytes], bytes]:
    """The advertisement with other options."""
    return lambda message: message[:16] + b"".join(options)


NOT_TAKEN: Final = {
    "no prefix": only(),
    "a prefix /63": only(prefix_option(IPv6Network("2001:db8:50::/63"), 7200, 3600)),
    "a prefix /65": only(prefix_option(IPv6Network("2001:db8:50::/65"), 7200, 3600)),
    "a prefix /0": only(prefix_option(IPv6Network("::/0"), 7200, 3600)),
    "not autonomous": only(prefix_option(PREFIX, 7200, 3600, flags=0x80)),
    "no valid time": only(prefix_option(PREFIX, 0, 0)),
    "deprecated": only(prefix_option(PREFIX, 7200, 0)),
    "preferred for longer than valid": only(prefix_option(PREFIX, 60, 3600)),
    "link-local": only(prefix_option(IPv6Network("fe80::/64"), 7200, 3600)),
    "multicast": only(prefix_option(IPv6Network("ff02::/64"), 7200, 3600)),
    "loopback": only(prefix_option(IPv6Network("::/64"), 7200, 3600)),
    "a cut option": lambda message: message[:-1],
    "an option of no length": lambda message: message + b"\x03\0" + bytes(6),
    "a code": lambda message: message[:1] + b"\1" + message[2:],
    "cut": lambda message: message[:15],
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_not_taken(name: str) -> None:
    """And the client goes on to ask."""
    driven = Driven6()
    driven.router.twist = NOT_TAKEN[name]
    driven.start()

    assert driven.client.state is State.SELECTING
    assert driven.client.lease is None


def test_the_router_says_why_there_is_no_address() -> None:
    """In words that help its owner."""
    driven = Driven6()
    driven.router.flags = MANAGED
    driven.router.twist = only(prefix_option(PREFIX, 7200, 3600, flags=0x80))
    driven.start()

    assert driven.client.tally.text == (
        "1 router solicitations, 1 router advertisements; an answer was not taken: the router has no "
        "prefix /64 to make an address of (2001:db8:50::/64; its addresses are given by DHCPv6)"
    )


def test_from_beyond_a_router() -> None:
    """A frame whose hop limit was counted down, or whose source is no neighbour's, is none."""
    driven = Driven6()
    driven.router.silent = True
    driven.start()
    said = driven.router.advertisement()
    driven.hear(icmp_frame(ROUTER_MAC, ADDRESS, said))
    driven.hear(icmp_frame(ROUTER_MAC, ROUTER, said, hops=254))

    assert driven.client.state is State.SELECTING


def test_no_router_is_a_prefix_yet() -> None:
    """A lifetime of zero is of the default route (RFC 4861 section 4.2)."""
    driven = Driven6()
    driven.router.lifetime = 0
    driven.start()
    driven.run(1)

    assert driven.client.state is State.BOUND


def test_a_hundred_prefixes() -> None:
    """Sixteen are looked at; those of a site alone come last."""
    driven = Driven6()
    driven.router.prefixes = [
        (IPv6Network((0xFD00 << 112 | number << 64, 64)), 7200, 3600) for number in range(10)
    ] + [(PREFIX, 7200, 3600)] * 90
    driven.start()
    driven.run(1)

    assert driven.client.lease == lease6(obtained=1000)


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        (7200, 1, 7200),  # less than two hours left: all of it stays
        (100_000, 1, 7200),  # else two hours
        (100_000, 50_000, 50_000),
        (100, 86400, 86400),
        (None, 1, 7200),
        (7200, NEVER, None),
        (NEVER, 0, 7200),
    ],
)
def test_nobody_ends_an_address_early(before: int | None, said: int, after: int | None) -> None:
    """RFC 4862 section 5.5.3 e."""
    driven = bound()
    seconds = None if before in (None, NEVER) else before
    driven.client.lease = lease6(obtained=driven.now, seconds=seconds)
    driven.router.prefixes = [(PREFIX, said, min(said, 100))]
    driven.client.state = State.RENEWING
    driven.client.listen_until = driven.now + 1
    driven.hear(icmp_frame(ROUTER_MAC, lease6().server, driven.router.advertisement()))  # type: ignore[arg-type]

    assert driven.client.lease == replace(
        lease6(obtained=driven.now, seconds=after), server=lease6().server
    )


@pytest.mark.parametrize("others", [[], [(OTHER, 7200, 3600)]])
def test_a_prefix_that_is_over_and_still_said(others: list[tuple[IPv6Network, int, int]]) -> None:
    """Its address ends when its time does, and is not asked for without end; another takes its place."""
    driven = bound()
    driven.client.lease = lease6(obtained=driven.now, seconds=7200)
    driven.router.prefixes = [(PREFIX, 0, 0), *others]
    driven.run(7300)

    lease = driven.client.lease
    assert lease
    assert (lease.address.network == OTHER) == bool(others)
    assert (driven.client.state is State.EXPIRED) == (not others)


def test_a_flood_of_nonsense() -> None:
    """Cut and changed frames: nothing is raised, and no address comes of them but its own."""
    driven = Driven6()
    driven.router.silent = True
    driven.start()
    whole = icmp_frame(ROUTER_MAC, lease6().server, driven.router.advertisement())  # type: ignore[arg-type]
    for at in range(len(whole)):
        driven.hear(whole[:at])
        for value in (0, 1, 0x80, 0xFF):
            driven.hear(whole[:at] + bytes((value,)) + whole[at + 1 :])
    for kind in range(256):
        driven.hear(icmp_frame(ROUTER_MAC, lease6().server, struct.pack("!BB", kind, 0)))  # type: ignore[arg-type]
    driven.run(1)

    assert driven.client.lease is None or driven.client.lease.address.network.prefixlen == 64
