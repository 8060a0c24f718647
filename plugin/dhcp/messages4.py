"""DHCPv4 messages (RFC 2131) as values, both ways.

Options that came in parts are whole here (RFC 3396), wherever the parts stood: behind the
header, or in the fields of a boot file and a server's name (option 52).  What an option's bytes
mean is ``options4``'s business.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address
from typing import Final

from plugin.dhcp.frames import NOBODY
from plugin.model.ids import MacAddress

_HEADER: Final = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
_COOKIE: Final = b"\x63\x82\x53\x63"
_ETHERNET: Final = (1, 6)  # hardware type, and the length of its addresses
_BOOTREQUEST: Final = 1
_BOOTREPLY: Final = 2
_BROADCAST: Final = 0x8000
_SMALLEST: Final = 300  # RFC 1542 section 2.1: relays may drop what is smaller
_MOST_OF_AN_OPTION: Final = 255


class Kind(IntEnum):
    """Option 53."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


class Option(IntEnum):
    """Those that we send or read, by the names of RFC 2132 and its successors."""

    PAD = 0
    SUBNET_MASK = 1
    ROUTER = 3
    DNS = 6
    HOST_NAME = 12
    DOMAIN_NAME = 15
    MTU = 26
    STATIC_ROUTES = 33
    NTP = 42
    REQUESTED_ADDRESS = 50
    LEASE_TIME = 51
    OVERLOAD = 52
    MESSAGE_TYPE = 53
    SERVER_ID = 54
    PARAMETERS = 55
    MESSAGE = 56
    MAX_MESSAGE_SIZE = 57
    T1 = 58
    T2 = 59
    VENDOR_CLASS = 60
    CLIENT_ID = 61
    USER_CLASS = 77
    CLIENT_FQDN = 81
    DOMAIN_SEARCH = 119
    CLASSLESS_ROUTES = 121
    END = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message; ``reply`` is what servers send.  The kind is an attribute, never an option."""

    kind: Kind
    xid: int
    mac: MacAddress
    reply: bool = False
    seconds: int = 0
    broadcast: bool = False
    client: IPv4Address = NOBODY  # ciaddr
    yours: IPv4Address = NOBODY  # yiaddr
    relay: IPv4Address = NOBODY  # giaddr
    options: tuple[tuple[int, bytes], ...] = ()

    def option(self, code: int) -> bytes | None:
        """The bytes of an option, or None if it was not sent."""
        return next((value for known, value in self.options if known == code), None)


def encode(message: Message) -> bytes:
    """The payload of a datagram."""
    header = _HEADER.pack(
        _BOOTREPLY if message.reply else _BOOTREQUEST,
        *_ETHERNET,
        0,
        message.xid,
        min(message.seconds, 0xFFFF),
        _BROADCAST if message.broadcast else 0,
        *(message.client.packed, message.yours.packed, bytes(4), message.relay.packed),
        *(bytes.fromhex(message.mac.replace(":", "")), b"", b"", _COOKIE),
    )
    kind = (int(Option.MESSAGE_TYPE), bytes((message.kind,)))
    options = b"".join(_tlv(code, value) for code, value in (kind, *message.options))
    return (header + options + bytes((Option.END,))).ljust(_SMALLEST, b"\0")


def decode(payload: bytes) -> Message | None:
    """What a payload says, or None if it is no message of DHCP."""
    if len(payload) < _HEADER.size:
        return None
    operation, kind, length, _, xid, seconds, flags, *rest = _HEADER.unpack_from(payload)
    client, yours, _, relay, mac, server_name, boot_file, cookie = rest
    if operation not in (_BOOTREQUEST, _BOOTREPLY) or (kind, length) != _ETHERNET:
        return None
    if cookie != _COOKIE:
        return None
    options = _joined(payload[_HEADER.size :], boot_file, server_name)
    code = options.pop(Option.MESSAGE_TYPE, b"")
    if len(code) != 1 or code[0] not in _KINDS:
        return None
    return Message(
        kind=Kind(code[0]),
        xid=xid,
        mac=MacAddress(mac[:6].hex(":")),
        reply=operation == _BOOTREPLY,
        seconds=seconds,
        broadcast=bool(flags & _BROADCAST),
        client=IPv4Address(client),
        yours=IPv4Address(yours),
        relay=IPv4Address(relay),
        options=tuple((code, value) for code, value in options.items() if code != Option.OVERLOAD),
    )


_KINDS: Final = frozenset(Kind)


def _tlv(code: int, value: bytes) -> bytes:
    """An option, in parts if it is long (RFC 3396 section 6)."""
    parts = [
        value[start : start + _MOST_OF_AN_OPTION]
        for start in range(0, len(value) or 1, _MOST_OF_AN_OPTION)
    ]
    return b"".join(bytes((code, len(part))) + part for part in parts)


def _joined(area: bytes, boot_file: bytes, server_name: bytes) -> dict[int, bytes]:
    """All options, in the order of RFC 3396 section 5."""
    options: dict[int, bytes] = {}
    _gather(area, options)
    overload = options.get(Option.OVERLOAD, b"\0")[:1]
    if overload in (b"\1", b"\3"):
        _gather(boot_file, options)
    if overload in (b"\2", b"\3"):
        _gather(server_name, options)
    return options


def _gather(area: bytes, options: dict[int, bytes]) -> None:
    for code, value in _walk(area):
        options[code] = options.get(code, b"") + value


def _walk(area: bytes) -> Iterator[tuple[int, bytes]]:
    """Option by option, as far as they are whole."""
    at = 0
    while at < len(area) and area[at] != Option.END:
        if area[at] == Option.PAD:
            at += 1
            continue
        start = at + 2
        if start > len(area) or start + area[at + 1] > len(area):
            return
        end = start + area[at + 1]
        yield area[at], area[start:end]
        at = end
