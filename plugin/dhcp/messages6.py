"""DHCPv6 messages (RFC 8415) as values, both ways.

Of the options, those that an address needs; a message whose parts do not fit is None.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv6Address
from typing import Final

from plugin.dhcp.domain_names import read_names

CLIENT_PORT: Final = 546
SERVER_PORT: Final = 547
_LONGEST_DUID: Final = 130  # RFC 8415 section 11.1: 128 octets and the type
_MOST_ADDRESSES: Final = 8
_IA: Final = struct.Struct("!4sII")
_IA_ADDRESS: Final = struct.Struct("!16sII")


class Kind(IntEnum):
    """Section 7.3."""

    SOLICIT = 1
    ADVERTISE = 2
    REQUEST = 3
    CONFIRM = 4
    RENEW = 5
    REBIND = 6
    REPLY = 7
    RELEASE = 8
    DECLINE = 9


class Option(IntEnum):
    """Section 21, and RFC 3646."""

    CLIENT_ID = 1
    SERVER_ID = 2
    IA_NA = 3
    IA_ADDRESS = 5
    WISHED_FOR = 6
    PREFERENCE = 7
    ELAPSED = 8
    STATUS = 13
    USER_CLASS = 15
    DNS = 23
    DOMAIN_SEARCH = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """An address, preferred and valid for so many seconds."""

    address: IPv6Address
    preferred: int
    valid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """What one IAID has (section 21.4), or the status that says why it has nothing."""

    iaid: bytes
    t1: int = 0
    t2: int = 0
    addresses: tuple[Granted, ...] = ()
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message6:
    """One message between client and server."""

    kind: Kind
    xid: int
    client: bytes
    server: bytes | None = None
    association: Association | None = None
    elapsed: int = 0  # hundredths of a second
    preference: int = 0
    status: int = 0
    wished_for: tuple[int, ...] = ()
    user_classes: tuple[str, ...] = ()
    dns: tuple[IPv6Address, ...] = ()
    search: tuple[str, ...] = ()


def encode6(message: Message6) -> bytes:
    """The payload of a client's datagram."""
    options = [(Option.CLIENT_ID, message.client)]
    if message.server is not None:
        options.append((Option.SERVER_ID, message.server))
    if message.association is not None:
        options.append((Option.IA_NA, _association_bytes(message.association)))
    if message.wished_for:
        options.append(
            (Option.WISHED_FOR, b"".join(code.to_bytes(2, "big") for code in message.wished_for))
        )
    if message.user_classes:
        options.append((Option.USER_CLASS, _counted(message.user_classes)))
    options.append((Option.ELAPSED, min(message.elapsed, 0xFFFF).to_bytes(2, "big")))
    head = struct.pack("!I", message.kind << 24 | message.xid)
    return head + b"".join(_tlv(code, value) for code, value in options)


def decode6(payload: bytes) -> Message6 | None:
    """What a payload says, or None if it is no message from a server to its client."""
    if len(payload) < 4 or payload[0] not in _KINDS:
        return None
    options = _options(payload[4:])
    client = options.get(Option.CLIENT_ID)
    server = options.get(Option.SERVER_ID)
    if client is None or not _is_duid(client) or (server is not None and not _is_duid(server)):
        return None
    return Message6(
        kind=Kind(payload[0]),
        xid=int.from_bytes(payload[1:4], "big"),
        client=client,
        server=server,
        association=_association(options.get(Option.IA_NA)),
        elapsed=_number(options, Option.ELAPSED, 2),
        preference=_number(options, Option.PREFERENCE, 1),
        status=_status(options),
        wished_for=_codes(options.get(Option.WISHED_FOR, b"")),
        dns=_addresses(options.get(Option.DNS, b"")),
        search=read_names(options.get(Option.DOMAIN_SEARCH, b"")),
    )


_KINDS: Final = frozenset(Kind)


def _association_bytes(association: Association) -> bytes:
    inside = b"".join(
        _tlv(
            Option.IA_ADDRESS,
            _IA_ADDRESS.pack(each.address.packed, each.preferred, each.valid),
        )
        for each in association.addresses
    )
    return _IA.pack(association.iaid, association.t1, association.t2) + inside


def _association(data: bytes | None) -> Association | None:
    """Addresses whose lifetimes contradict each other are left out (section 21.6)."""
    if data is None or len(data) < _IA.size:
        return None
    iaid, t1, t2 = _IA.unpack_from(data)
    inside = list(_walk(data[_IA.size :]))
    found = []
    for code, value in inside:
        if code != Option.IA_ADDRESS or len(value) < _IA_ADDRESS.size:
            continue
        packed, preferred, valid = _IA_ADDRESS.unpack_from(value)
        address = IPv6Address(packed)
        if preferred <= valid and valid and is_host6(address):
            found.append(Granted(address=address, preferred=preferred, valid=valid))
    ordered = t1 <= t2 or not t2
    return Association(
        iaid=iaid,
        t1=t1 if ordered else 0,
        t2=t2 if ordered else 0,
        addresses=tuple(dict.fromkeys(found))[:_MOST_ADDRESSES],
        status=_status(dict(inside)),
    )


def is_host6(address: IPv6Address) -> bool:
    """Whether a container can have the address for others to reach it."""
    special = address.is_multicast or address.is_loopback or address.is_unspecified
    return not (special or address.is_link_local or address.ipv4_mapped)


def _status(options: dict[int, bytes]) -> int:
    value = options.get(Option.STATUS, b"\0\0")
    return int.from_bytes(value[:2], "big") if len(value) >= 2 else 0


def _number(options: dict[int, bytes], code: Option, size: int) -> int:
    value = options.get(code, b"")
    return int.from_bytes(value, "big") if len(value) == size else 0


def _codes(data: bytes) -> tuple[int, ...]:
    return tuple(code for (code,) in struct.iter_unpack("!H", data[: len(data) // 2 * 2]))


def _addresses(data: bytes) -> tuple[IPv6Address, ...]:
    if len(data) % 16:
        return ()
    found = (IPv6Address(packed) for (packed,) in struct.iter_unpack("!16s", data))
    return tuple(each for each in found if not each.is_multicast)[:_MOST_ADDRESSES]


def _is_duid(data: bytes) -> bool:
    return 2 < len(data) <= _LONGEST_DUID


def _options(area: bytes) -> dict[int, bytes]:
    """The first of each; an option that may come twice is of no use here."""
    options: dict[int, bytes] = {}
    for code, value in _walk(area):
        options.setdefault(code, value)
    return options


def _walk(area: bytes) -> Iterator[tuple[int, bytes]]:
    """Option by option, as far as they are whole."""
    at = 0
    while at + 4 <= len(area):
        code, length = struct.unpack_from("!HH", area, at)
        end = at + 4 + length
        if end > len(area):
            return
        yield code, area[at + 4 : end]
        at = end


def _counted(texts: tuple[str, ...]) -> bytes:
    """Each text behind its length (section 21.15)."""
    return b"".join(len(each).to_bytes(2, "big") + each.encode("ascii") for each in texts)


def _tlv(code: int, value: bytes) -> bytes:
    return struct.pack("!HH", code, len(value)) + value
