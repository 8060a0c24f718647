"""A DHCPv6 server in memory; a test may give it a ``twist`` that what it would answer goes through."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network
from typing import Final

from plugin.dhcp.messages6 import Association, Granted, Kind, Message6, Option, decode6
from plugin.model.ids import MacAddress, link_local
from tests.kernel.frames import IP6, Ether

SERVER6_MAC: Final = MacAddress("02:00:00:00:00:03")
SERVER6: Final = link_local(SERVER6_MAC)
SERVER_ID: Final = b"\0\3\0\1" + bytes.fromhex(SERVER6_MAC.replace(":", ""))
RANGE6: Final = IPv6Network("fd50::/64")
_ADDRESS_OPTION: Final = b"\0\5\0\x18"
_CLIENT: Final = IPv6Address("fe80::ff:fe00:fe")


@dataclass(slots=True, kw_only=True)
class FakeServer6:
    """Gives addresses of a range, and the same one to the same client."""

    first: int = 0x1000
    t1: int = 30
    t2: int = 48
    preferred: int = 60
    valid: int = 120
    silent: bool = False
    leases: dict[bytes, IPv6Address] = field(default_factory=dict)
    offers: dict[bytes, IPv6Address] = field(default_factory=dict)
    declined: set[IPv6Address] = field(default_factory=set)
    heard: list[Message6] = field(default_factory=list)
    twist: Callable[[Message6], Sequence[Message6 | bytes]] = lambda answer: [answer]

    def answers(self, frame: bytes) -> list[bytes]:
        """What comes back for a datagram with a message of a client's."""
        payload = frame[14 + 40 + 8 :]
        asked = decode6(payload)
        if asked is None:
            return []
        self.heard.append(asked)
        answer = None if self.silent else self._answer(asked, _addresses(payload))
        said = self.twist(answer) if answer else ()
        return [datagram6(each if isinstance(each, bytes) else encoded6(each)) for each in said]

    def kinds(self) -> list[Kind]:
        """What it was asked, in order."""
        return [each.kind for each in self.heard]

    def _answer(self, asked: Message6, about: list[IPv6Address]) -> Message6 | None:
        known = self.leases.get(asked.client)
        match asked.kind:
            case Kind.SOLICIT:
                return self._granted(asked, Kind.ADVERTISE, self._address_for(asked))
            case Kind.REQUEST:
                granted = self.leases[asked.client] = self._address_for(asked)
                return self._granted(asked, Kind.REPLY, granted)
            case Kind.RENEW | Kind.REBIND if known:
                return self._granted(asked, Kind.REPLY, known)
            case Kind.RENEW | Kind.REBIND:
                return self._said(asked, Kind.REPLY, Association(iaid=_iaid(asked), status=3))
            case Kind.CONFIRM:
                on_link = all(each in RANGE6 for each in about)
                return self._said(asked, Kind.REPLY, None, status=0 if on_link else 4)
            case Kind.DECLINE | Kind.RELEASE:
                self.leases.pop(asked.client, None)
                self.offers.pop(asked.client, None)
                if asked.kind is Kind.DECLINE:
                    self.declined |= {*about}
        return self._said(asked, Kind.REPLY, None)

    def _granted(self, asked: Message6, kind: Kind, address: IPv6Address) -> Message6:
        granted = Granted(address=address, preferred=self.preferred, valid=self.valid)
        association = Association(iaid=_iaid(asked), t1=self.t1, t2=self.t2, addresses=(granted,))
        return self._said(asked, kind, association)

    def _said(
        self,
        asked: Message6,
        kind: Kind,
        association: Association | None,
        *,
        status: int = 0,
    ) -> Message6:
        return Message6(
            kind=kind,
            xid=asked.xid,
            client=asked.client,
            server=SERVER_ID,
            association=association,
            status=status,
        )

    def _address_for(self, asked: Message6) -> IPv6Address:
        known = self.leases.get(asked.client) or self.offers.get(asked.client)
        if known is None:
            taken = {*self.leases.values(), *self.offers.values(), *self.declined}
            free = (RANGE6[number] for number in range(self.first, 0x2000))
            known = self.offers[asked.client] = next(each for each in free if each not in taken)
        return known


def encoded6(message: Message6) -> bytes:
    """A server's message, with what a client never says: a status, and lifetimes."""
    body = _option(Option.CLIENT_ID, message.client)
    if message.server is not None:
        body += _option(Option.SERVER_ID, message.server)
    if message.association:
        own = message.association
        inside = b"".join(
            _option(
                Option.IA_ADDRESS,
                each.address.packed + struct.pack("!II", each.preferred, each.valid),
            )
            for each in own.addresses
        )
        if own.status:
            inside += _option(Option.STATUS, own.status.to_bytes(2, "big") + b"sorry")
        body += _option(Option.IA_NA, own.iaid + struct.pack("!II", own.t1, own.t2) + inside)
    if message.status:
        body += _option(Option.STATUS, message.status.to_bytes(2, "big"))
    return struct.pack("!I", message.kind << 24 | message.xid) + body


def datagram6(payload: bytes) -> bytes:
    """From the server to the parent."""
    udp = struct.pack("!HHHH", 547, 546, 8 + len(payload), 0) + payload
    head = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + SERVER6.packed + _CLIENT.packed
    return Ether(source=SERVER6_MAC).frame(IP6, head + udp)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("!HH", code, len(value)) + value


def _iaid(asked: Message6) -> bytes:
    return asked.association.iaid if asked.association else bytes(4)


def _addresses(payload: bytes) -> list[IPv6Address]:
    """Those that a client names, whose times are zero."""
    _, *found = payload.split(_ADDRESS_OPTION)
    return [IPv6Address(each[:16]) for each in found]
