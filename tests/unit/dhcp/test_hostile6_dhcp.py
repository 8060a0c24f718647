"""A DHCPv6 server that lies: what is kept of it was bounded before, and what is not for us is not read."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv6Address
from random import Random
from typing import Final

import pytest

from plugin.dhcp.messages6 import Granted, Kind, Message6
from plugin.dhcp.states import State
from plugin.dhcp.values import Method
from tests.fakes.dhcp6 import datagram6, encoded6
from tests.fakes.router import MANAGED, ROUTER, ROUTER_MAC, icmp_frame
from tests.unit.dhcp.driven6 import WISH6, Driven6

FIRST: Final = IPv6Address("fd50::1000")
WISH: Final = replace(WISH6, method=Method.DHCP)
NEVER: Final = 0xFFFFFFFF
Twist = Callable[[Message6], Sequence[Message6 | bytes]]


def granting(*addresses: Granted, **times: int) -> Twist:
    """Other addresses, or other times of all."""

    def twist(said: Message6) -> list[Message6]:
        assert said.association
        return [replace(said, association=replace(said.association, addresses=addresses, **times))]

    return twist


def one(address: str = str(FIRST), *, preferred: int = 60, valid: int = 120) -> Twist:
    granted = Granted(address=IPv6Address(address), preferred=preferred, valid=valid)
    return granting(granted, t1=30, t2=48)


def of_iaid(said: Message6) -> list[Message6]:
    assert said.association
    return [replace(said, association=replace(said.association, iaid=b"evil"))]


def says(status: int) -> Twist:
    return lambda said: [replace(said, status=status, association=None)]


NOT_TAKEN: Final[dict[str, tuple[Twist, str]]] = {
    "no server id": (lambda m: [replace(m, server=None)], "names no server"),
    "no association": (lambda m: [replace(m, association=None)], "no address that a container"),
    "another's association": (of_iaid, "no address that a container"),
    "no address": (granting(), "no address that a container"),
    "multicast": (one("ff02::1"), "no address that a container"),
    "loopback": (one("::1"), "no address that a container"),
    "unspecified": (one("::"), "no address that a container"),
    "link-local": (one("fe80::1"), "no address that a container"),
    "IPv4": (one("::ffff:10.0.0.1"), "no address that a container"),
    "no time": (one(preferred=0, valid=0), "no address that a container"),
    "preferred for longer than valid": (one(preferred=500), "no address that a container"),
    "no addresses left": (says(2), "the server says NoAddrsAvail"),
    "another link": (says(4), "the server says NotOnLink"),
    "what no RFC has": (says(777), "the server says status 777"),
}
NOT_READ: Final[dict[str, Twist]] = {
    "another xid": lambda m: [replace(m, xid=m.xid ^ 1)],
    "another client": lambda m: [replace(m, client=m.client[:-1] + b"!")],
    "a client id too long": lambda m: [replace(m, client=m.client + bytes(200))],
    "a server id too long": lambda m: [replace(m, server=bytes(131))],
    "a server id of nothing": lambda m: [replace(m, server=b"")],
    "the half of it": lambda m: [encoded6(m)[:20]],
    "a length beyond the end": lambda m: [encoded6(m)[:4] + b"\0\1\xff\xff" + bytes(20)],
    "nothing": lambda _: [b""],
    "a kind that is none": lambda m: [b"\xff" + encoded6(m)[1:]],
    "a client's": lambda m: [b"\x01" + encoded6(m)[1:]],
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_not_taken(name: str) -> None:
    """And why is told to who waits."""
    twist, why = NOT_TAKEN[name]
    driven = Driven6(WISH)
    driven.router.server.twist = twist
    driven.start()

    assert driven.client.state is State.SELECTING
    assert why in driven.client.tally.text


@pytest.mark.parametrize("name", NOT_READ)
def test_not_read(name: str) -> None:
    """It is not for this client, or nothing at all."""
    driven = Driven6(WISH)
    driven.router.server.twist = NOT_READ[name]
    driven.start()

    assert driven.client.state is State.SELECTING
    assert driven.client.tally.reasons == {}


@pytest.mark.parametrize(
    ("preferred", "valid", "t1", "t2", "expected"),
    [
        (60, 120, 30, 48, (120, 30, 48)),
        (60, 120, 0, 0, (120, 30, 48)),  # RFC 8415 section 21.4: half, and four fifths
        (60, 120, 50, 40, (120, 30, 48)),
        (60, 120, 500, 900, (120, 30, 48)),
        (1, 1, 0, 0, (30, 15, 24)),
        (0, 100, 0, 0, (100, 50, 80)),
        (NEVER, NEVER, NEVER, NEVER, (None, NEVER, NEVER)),
        (NEVER, NEVER, 10, 20, (None, 10, 20)),
    ],
)
def test_times(
    preferred: int, valid: int, t1: int, t2: int, expected: tuple[int | None, int, int]
) -> None:
    """No sooner than can be answered; without end no questions."""
    driven = Driven6(WISH)
    granted = Granted(address=FIRST, preferred=preferred, valid=valid)
    driven.router.server.twist = granting(granted, t1=t1, t2=t2)
    driven.start()
    driven.run(1)

    lease = driven.client.lease
    assert lease
    assert (lease.seconds, lease.t1, lease.t2) == expected
    assert (driven.client.due is None) == (valid == NEVER)


def test_two_offers() -> None:
    """The first that can be taken is; the other server hears no more of it."""
    driven = Driven6(WISH)
    driven.router.server.twist = lambda said: [
        replace(said, server=None),
        said,
        replace(said, server=b"\0\2evil"),
    ]
    driven.start()
    driven.run(1)

    assert driven.client.lease
    assert driven.client.lease.server_id != b"\0\2evil"


def test_another_server_grants_nothing() -> None:
    """What one offered, no other grants; nor does one grant what nobody asked it for."""
    driven = Driven6(WISH)
    driven.router.server.twist = lambda said: [
        replace(said, server=b"\0\2evil") if said.kind is Kind.REPLY else said
    ]
    driven.start()
    assert driven.client.state is State.REQUESTING

    driven = Driven6(WISH)
    driven.router.server.twist = lambda said: [replace(said, kind=Kind.REPLY)]
    driven.start()
    assert driven.client.state is State.SELECTING


def test_another_server_takes_nothing_away() -> None:
    """It says that there is no such lease, and the lease is another server's."""
    driven = Driven6(WISH)
    driven.start()
    driven.run(1)
    driven.router.server.twist = lambda said: [
        replace(said, server=b"\0\2evil", status=3, association=None)
    ]
    driven.run(40)

    assert driven.client.state is State.RENEWING
    assert driven.client.lease


def test_a_router_does_not_end_the_wait_after_refusals() -> None:
    """Nor has each of its advertisements the server asked again."""
    driven = Driven6(replace(WISH, method=Method.AUTO))
    driven.router.flags = MANAGED
    driven.router.server.twist = lambda said: says(2)(said) if said.kind is Kind.REPLY else [said]
    driven.start()
    driven.run(9)
    before = len(driven.router.server.heard)
    for _ in range(100):
        driven.hear(icmp_frame(ROUTER_MAC, ROUTER, driven.router.advertisement()))

    assert len(driven.router.server.heard) == before
    driven.run(2)
    assert len(driven.router.server.heard) > before


def test_the_hosts_own_address() -> None:
    """It would be lost to the host."""
    driven = Driven6(replace(WISH, avoid=frozenset({FIRST})))
    driven.start()

    assert driven.client.state is State.SELECTING
    assert f"{FIRST} is this host's own address" in driven.client.tally.text


def test_many_addresses_and_servers_of_names() -> None:
    """Eight at most are looked at."""
    driven = Driven6(WISH)
    many = [Granted(address=FIRST + number, preferred=60, valid=120) for number in range(2000)]
    driven.router.server.twist = granting(*many, t1=30, t2=48)
    driven.start()
    driven.run(1)

    assert driven.client.lease
    assert driven.client.lease.address.ip == FIRST


@pytest.mark.parametrize("seed", range(4))
def test_a_flood_of_nonsense(seed: int) -> None:
    """Changed answers: nothing is raised, and what comes of them is an address of a host."""
    chance = Random(seed)
    driven = Driven6(WISH)
    said: list[bytes] = []
    driven.router.server.twist = lambda answer: said.append(encoded6(answer)) or []  # type: ignore[func-returns-value]
    driven.start()
    for _ in range(2000):
        payload = bytearray(said[-1])
        for _ in range(chance.randrange(1, 4)):
            payload[chance.randrange(len(payload))] = chance.randrange(256)
        driven.hear(datagram6(bytes(payload[: chance.randrange(len(payload) + 1) or None])))

    lease = driven.client.lease
    assert lease is None or not lease.address.ip.is_link_local
    assert len(driven.client.tally.reasons) <= 8
