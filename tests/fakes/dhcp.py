"""A LAN with a DHCP server on it, in memory: what a wire of the client's is plugged into.

The server answers inside ``send``.  It does what RFC 2131 says unless a test gives it a ``twist``:
what it would answer goes through that first.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from plugin.dhcp.base import WireError
from plugin.dhcp.frames import Arp, read_frame
from plugin.dhcp.frames6 import Speaker
from plugin.dhcp.messages4 import Kind, Message, Option, decode, encode
from plugin.model.ids import IfName, MacAddress, link_local
from tests.fakes.router import FakeRouter
from tests.kernel.frames import ARP, IP4, Ether, arp, checksum

SERVER: Final = IPv4Address("192.168.50.1")
PARENT_MAC: Final = MacAddress("02:00:00:00:00:fe")
SERVER_MAC: Final = MacAddress("02:00:00:00:00:01")
LAN: Final = IPv4Network("192.168.50.0/24")
OPTIONS: Final[tuple[tuple[int, bytes], ...]] = (
    (Option.SUBNET_MASK, LAN.netmask.packed),
    (Option.ROUTER, SERVER.packed),
)
Twist = Callable[[Message], Sequence[Message]]


@dataclass(slots=True, kw_only=True)
class FakeServer:
    """Gives addresses of a range, and the same one to the same client."""

    first: int = 100
    seconds: int = 120
    options: tuple[tuple[int, bytes], ...] = OPTIONS
    leases: dict[bytes, IPv4Address] = field(default_factory=dict)
    offers: dict[bytes, IPv4Address] = field(default_factory=dict)
    declined: set[IPv4Address] = field(default_factory=set)
    heard: list[Message] = field(default_factory=list)
    silent: bool = False
    twist: Twist = lambda answer: [answer]

    def answers(self, asked: Message) -> list[Message]:
        """What it says to a message, if anything."""
        self.heard.append(asked)
        client = asked.option(Option.CLIENT_ID) or b""
        if self.silent:
            return []
        match asked.kind:
            case Kind.DISCOVER:
                said = self.answer(asked, Kind.OFFER, self._address_for(client))
            case Kind.REQUEST:
                said = self._grant(asked, client)
            case Kind.DECLINE:
                self.declined.add(self.leases.pop(client))
                return []
            case _:
                self.leases.pop(client, None)
                return []
        return list(self.twist(said))

    def kinds(self) -> list[Kind]:
        """What it was asked, in order."""
        return [each.kind for each in self.heard]

    def answer(self, asked: Message, kind: Kind, address: IPv4Address) -> Message:
        """An answer to a message."""
        lease: tuple[tuple[int, bytes], ...] = (
            (Option.SERVER_ID, SERVER.packed),
            (Option.LEASE_TIME, self.seconds.to_bytes(4, "big")),
        )
        return Message(
            kind=kind,
            xid=asked.xid,
            mac=asked.mac,
            reply=True,
            yours=address,
            options=(*lease, *self.options),
        )

    def _grant(self, asked: Message, client: bytes) -> Message:
        wanted = asked.option(Option.REQUESTED_ADDRESS)
        address = IPv4Address(wanted) if wanted else asked.client
        offered = self.offers.pop(client, None)
        if offered == address and address not in self.leases.values():
            self.leases[client] = address
        if self.leases.get(client) != address:
            return replace(
                self.answer(asked, Kind.NAK, IPv4Address(0)), options=((54, SERVER.packed),)
            )
        return self.answer(asked, Kind.ACK, address)

    def _address_for(self, client: bytes) -> IPv4Address:
        if client in self.leases:
            return self.leases[client]
        taken = {*self.leases.values(), *self.declined}
        free = (LAN[number] for number in range(self.first, 255))
        self.offers[client] = next(each for each in free if each not in taken)
        return self.offers[client]


class FakeLan:
    """The server, hosts with addresses of their own, and a wire for each who opens one."""

    def __init__(self) -> None:
        self.server = FakeServer()
        self.router = FakeRouter()
        self.hosts: dict[IPv4Address, MacAddress] = {}
        self.wires: list[FakeWire] = []
        self.trouble: str | None = None

    def __call__(self, parent: IfName) -> "FakeWire":
        if self.trouble:
            raise WireError(self.trouble)
        self.wires.append(FakeWire(self))
        return self.wires[-1]

    def say(self, frame: bytes) -> None:
        """Everybody who listens hears a frame."""
        for wire in self.wires:
            wire.put(frame)

    def carry(self, frame: bytes) -> list[bytes]:
        """What comes back for a frame."""
        if frame[12:14] == b"\x86\xdd":
            return self.router.answers(frame)
        heard = read_server_frame(frame)
        if isinstance(heard, Arp):
            mac = self.hosts.get(heard.target)
            return [arp_reply(mac, heard.target)] if mac else []
        return [answer_frame(each) for each in self.server.answers(heard)] if heard else []

    @property
    def open_wires(self) -> int:
        return sum(not wire.closed for wire in self.wires)


class FakeWire:
    """One end of the LAN."""

    def __init__(self, lan: FakeLan) -> None:
        self.closed = False
        self.macs: AbstractSet[MacAddress] = frozenset()
        self._lan = lan
        self._heard: deque[bytes] = deque()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        return self._bell

    def put(self, frame: bytes) -> None:
        if not self.closed:
            self._heard.append(frame)
            os.eventfd_write(self._bell, 1)

    def send(self, frame: bytes) -> None:
        if self._lan.trouble:
            raise WireError(self._lan.trouble)
        for answer in self._lan.carry(frame):
            self.put(answer)

    def receive(self) -> bytes | None:
        if self._lan.trouble:
            raise WireError(self._lan.trouble)
        if self._heard:
            return self._heard.popleft()
        try:
            os.eventfd_read(self._bell)
        except BlockingIOError:
            return None
        return self._heard.popleft() if self._heard else None

    def speaker(self) -> Speaker:
        return Speaker(mac=PARENT_MAC, address=link_local(PARENT_MAC))

    def hear_for(self, macs: AbstractSet[MacAddress]) -> None:
        self.macs = frozenset(macs)

    def close(self) -> None:
        self.closed = True
        os.close(self._bell)


def answer_frame(answer: Message, mac: MacAddress = SERVER_MAC) -> bytes:
    """A server's frame to everybody."""
    payload = encode(answer)
    udp = b"\0\x43\0\x44" + (8 + len(payload)).to_bytes(2, "big") + b"\0\0" + payload
    total = (20 + len(udp)).to_bytes(2, "big")
    head = b"\x45\0" + total + bytes(4) + b"\x40\x11\0\0" + SERVER.packed + b"\xff" * 4
    head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
    return Ether(source=mac).frame(IP4, head + udp)


def arp_reply(mac: MacAddress, address: IPv4Address) -> bytes:
    """``address`` is at ``mac``."""
    return Ether(source=mac).frame(
        ARP, arp(operation=2, mac=mac, ip=str(address), target="0.0.0.0")
    )


def read_server_frame(frame: bytes) -> Message | Arp | None:
    """What a client sends, as a server on the LAN hears it."""
    if frame[12:14] == b"\x08\x06":
        heard = read_frame(frame)
        return heard if isinstance(heard, Arp) else None
    return decode(frame[14 + 20 + 8 :])
