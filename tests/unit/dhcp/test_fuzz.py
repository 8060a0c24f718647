"""Frames that nobody would send: none raises, and none changes what a client has."""

import random
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import pytest

from plugin.dhcp.errors import UnacceptableError
from plugin.dhcp.frames import Arp, Datagram, read_frame
from plugin.dhcp.messages4 import Kind, Message, Option, decode, encode
from plugin.dhcp.messages6 import Association, Granted, Message6, decode6, encode6
from plugin.dhcp.messages6 import Kind as Kind6
from plugin.dhcp.options4 import is_host, lease_of
from plugin.dhcp.router_advertisement import read_advertisement
from plugin.dhcp.states import State
from plugin.model.leases import Lease
from tests.fakes.dhcp import OPTIONS, SERVER, SERVER_MAC, answer_frame, arp_reply
from tests.unit.dhcp.driven import WEB, WISH, Driven

SHORT: Final = 2_000
WHOLE: Final = 100_000
ANSWER: Final = Message(
    kind=Kind.ACK,
    xid=7,
    mac=WEB.mac,
    reply=True,
    yours=IPv4Address("192.168.50.100"),
    options=(
        *OPTIONS,
        (Option.SERVER_ID, SERVER.packed),
        (Option.LEASE_TIME, b"\0\0\0\x78"),
        (Option.T1, b"\0\0\0\x3c"),
        (Option.MTU, b"\5\x78"),
        (Option.DNS, SERVER.packed * 2),
        (Option.DOMAIN_NAME, b"lan.example"),
        (Option.DOMAIN_SEARCH, b"\3eng\5apple\3com\0\4mark\xc0\4"),
        (Option.CLASSLESS_ROUTES, b"\x10\x0a\x09" + SERVER.packed + b"\0" + SERVER.packed),
    ),
)
ANSWER_6: Final = Message6(
    kind=Kind6.REPLY,
    xid=7,
    client=b"\0\4" + bytes(16),
    server=b"\0\1" + bytes(12),
    association=Association(
        iaid=b"webs",
        addresses=(Granted(address=IPv6Address("fd50::1000"), preferred=1, valid=2),),
    ),
)
ADVERTISEMENT: Final = (
    bytes.fromhex("8600000040c0070800000000000000000304") + b"\x40\xc0" + bytes(12) + bytes(16)
)


def spoiled(chance: random.Random, frame: bytes) -> bytes:
    """Some bytes changed, cut off, put in or repeated."""
    data = bytearray(frame)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(data) or 1)
        match chance.randrange(5):
            case 0 | 1 if data:
                data[at] = chance.choice((0, 1, 4, 52, 53, 54, 121, 255, chance.randrange(256)))
            case 2:
                del data[at : at + chance.randrange(1, 40)]
            case 3:
                data[at:at] = chance.randbytes(chance.randrange(1, 40))
            case _:
                data[at:at] = data[at : at + 60]
    return bytes(data)


def check_lease(lease: Lease) -> None:
    """Whatever a server says, this holds of what is kept."""
    assert is_host(lease.address.ip)
    assert is_host(lease.server)
    assert 8 <= lease.address.network.prefixlen <= 30
    assert lease.seconds is None or 0 < lease.seconds < 0xFFFFFFFF
    assert 0 < lease.t1 < lease.t2
    facts = lease.facts
    assert facts.mtu is None or 576 <= facts.mtu <= 0xFFFF
    assert len(facts.routes) <= 64
    assert len(facts.dns) <= 8
    assert len(facts.search) <= 16
    gateways = [each.gateway for each in facts.routes if each.gateway]
    assert all(each in lease.address.network for each in gateways)
    assert all(each.destination.prefixlen >= 8 for each in facts.routes)
    assert facts.router is None or facts.router in lease.address.network
    texts = [*facts.search, *([facts.domain] if facts.domain else [])]
    assert all(text.isascii() and text.isprintable() and " " not in text for text in texts)


def throw(number: int, seed: int) -> int:
    """So many frames at everything that reads; answers how many leases they would have been."""
    chance = random.Random(seed)
    frames = (answer_frame(ANSWER), arp_reply(SERVER_MAC, SERVER))
    granted = 0
    for _ in range(number):
        heard = read_frame(spoiled(chance, frames[chance.random() < 0.1]))
        payload = heard.payload if isinstance(heard, Datagram) else spoiled(chance, encode(ANSWER))
        message = decode(payload)
        if message is None or isinstance(heard, Arp):
            continue
        try:
            lease = lease_of(message, WISH, next_hop=SERVER_MAC, asked=0.0)
        except UnacceptableError:
            continue
        check_lease(lease)
        granted += 1
    return granted


def throw_6(number: int, seed: int) -> int:
    """The same for IPv6; answers how many could be read."""
    chance = random.Random(seed)
    read = 0
    for _ in range(number):
        message = decode6(spoiled(chance, encode6(ANSWER_6)))
        advertisement = read_advertisement(spoiled(chance, ADVERTISEMENT))
        read += message is not None
        if message and message.association:
            assert all(each.preferred <= each.valid for each in message.association.addresses)
        if advertisement:
            assert advertisement.mtu is None or advertisement.mtu >= 1280
    return read


def test_no_frame_raises() -> None:
    """And enough of them are good enough to get far."""
    assert throw(SHORT, 1) > SHORT // 50
    assert throw_6(SHORT, 1) > SHORT // 50


@pytest.mark.nightly
def test_no_frame_of_a_hundred_thousand_raises() -> None:
    """The same, all night."""
    assert throw(WHOLE, 2) > WHOLE // 50
    assert throw_6(WHOLE, 2) > WHOLE // 50


def test_a_client_that_has_an_address_keeps_it() -> None:
    """A thousand frames that look like answers, of other transactions, change nothing."""
    driven = Driven()
    driven.start()
    driven.run(1)
    lease, before = driven.client.lease, len(driven.sent)
    chance = random.Random(3)

    for _ in range(1000):
        answer = replace(ANSWER, xid=chance.getrandbits(32), kind=chance.choice(list(Kind)))
        driven.hear(spoiled(chance, answer_frame(answer)))

    assert driven.client.state is State.BOUND
    assert (driven.client.lease, len(driven.sent)) == (lease, before)
