"""Netlink messages taken apart and put together by hand (linux/netlink.h).

For conversations that pyroute2 has no word for, or that are so frequent that its price per
message would be felt.
"""

import struct
from collections.abc import Iterator
from typing import Final

NETLINK_NETFILTER: Final = 12  # linux/netlink.h
NLM_F_REQUEST: Final = 1
NLM_F_ACK: Final = 4
NLM_F_DUMP: Final = 0x300
_NLM_F_DUMP_INTR: Final = 0x10
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3

_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_TYPE_MASK: Final = 0x3FFF  # less the flags "nested" and "network byte order"
_NESTED: Final = 0x8000


def message(kind: int, flags: int, body: bytes) -> bytes:
    """A request."""
    return _HEADER.pack(_HEADER.size + len(body), kind, NLM_F_REQUEST | flags, 1, 0) + body


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and bodies of all messages of a datagram."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        yield kind, data[offset + _HEADER.size : offset + length]
        offset += _aligned(length)


def interrupted(data: bytes) -> bool:
    """Whether what is told changed meanwhile, so that it has to be asked for again."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, _, flags, _, _ = _HEADER.unpack_from(data, offset)
        if flags & _NLM_F_DUMP_INTR:
            return True
        offset += _aligned(max(length, _HEADER.size))
    return False


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute, padded."""
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + b"\0" * (_aligned(size) - size)


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute of attributes."""
    return attribute(kind | _NESTED, b"".join(attributes))


def attributes(body: bytes, header: int) -> dict[int, bytes]:
    """Types and values of the attributes behind a header of ``header`` bytes."""
    found = {}
    offset = header
    while offset + _ATTRIBUTE.size <= len(body):
        size, kind = _ATTRIBUTE.unpack_from(body, offset)
        if size < _ATTRIBUTE.size:
            break
        found[kind & _TYPE_MASK] = body[offset + _ATTRIBUTE.size : offset + size]
        offset += _aligned(size)
    return found


def find(body: bytes, header: int, wanted: int) -> bytes | None:
    """The value of one attribute behind a header of ``header`` bytes."""
    return attributes(body, header).get(wanted)


def text(value: bytes | None) -> str:
    """A text attribute; empty if it is absent."""
    return (value or b"").rstrip(b"\0").decode(errors="replace")


def _aligned(size: int) -> int:
    return (size + 3) & ~3
