"""Netlink messages taken apart and put together by hand (linux/netlink.h).

For conversations that pyroute2 has no word for, or that are so frequent that its price per
message would be felt.
"""

import errno
import os
import socket
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
ATTRIBUTE_HEADER: Final = _ATTRIBUTE.size
_TYPE_MASK: Final = 0x3FFF  # less the flags "nested" and "network byte order"
_NESTED: Final = 0x8000

_CODE: Final = struct.Struct("=i")
_ERROR_HEADER: Final = (
    _CODE.size + _HEADER.size
)  # struct nlmsgerr: the code, and the request's header
_DONE_HEADER: Final = _CODE.size
_ERROR_TEXT: Final = 1  # NLMSGERR_ATTR_MSG
_ROOM: Final = 1 << 17
_ATTEMPTS: Final = 10


class NetlinkError(Exception):
    """The kernel refused; ``code`` is the errno, the text its own words or those of the errno."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text or os.strerror(code))
        self.code = code

    @property
    def is_gone(self) -> bool:
        """Whether the thing spoken of is not there, which removal does not mind."""
        return self.code in (errno.ENODEV, errno.ENOENT, errno.EADDRNOTAVAIL)


def message(kind: int, flags: int, body: bytes, sequence: int = 1) -> bytes:
    """A request, padded; the answer to it has its number."""
    size = _HEADER.size + len(body)
    header = _HEADER.pack(size, kind, NLM_F_REQUEST | flags, sequence, 0)
    return header + body + b"\0" * (aligned(size) - size)


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and bodies of all messages of a datagram."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        yield kind, data[offset + _HEADER.size : offset + length]
        offset += aligned(length)


def dump(sock: socket.socket, kind: int, body: bytes) -> list[bytes]:
    """Ask for all of a kind; the bodies of all answers, as they were at one moment.

    What changes while it is told is asked for again (NLM_F_DUMP_INTR), a few times.  Raises
    NetlinkError for what the kernel refuses or keeps changing, and OSError for the socket.
    """
    request = message(kind, NLM_F_DUMP, body)
    for _ in range(_ATTEMPTS):
        sock.send(request)
        answers, whole = _answers(sock)
        if whole:
            return answers
    raise NetlinkError(errno.EAGAIN, "it changed each time while it was read")


def check(body: bytes) -> None:
    """Raise NetlinkError if the body of an NLMSG_ERROR has a code; without, it acknowledges."""
    _check(body, _ERROR_HEADER)


def _answers(sock: socket.socket) -> tuple[list[bytes], bool]:
    """What is told until the end, and whether all of it was so at any one moment."""
    found: list[bytes] = []
    whole = True
    while True:
        data, _, flags, _ = sock.recvmsg(_ROOM)
        if flags & socket.MSG_TRUNC:
            raise NetlinkError(errno.EMSGSIZE)
        whole = whole and not _is_interrupted(data)
        for kind, body in messages(data):
            if kind == NLMSG_DONE:
                # A list that the kernel cannot go on with ends with the reason.
                _check(body, _DONE_HEADER)
                return found, whole
            if kind == NLMSG_ERROR:
                check(body)
                return found, whole
            found.append(body)


def _check(body: bytes, header: int) -> None:
    code = -_CODE.unpack_from(body)[0] if len(body) >= _CODE.size else 0
    if code > 0:
        raise NetlinkError(code, text(find(body, header, _ERROR_TEXT)))


def _is_interrupted(data: bytes) -> bool:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, _, flags, _, _ = _HEADER.unpack_from(data, offset)
        if flags & _NLM_F_DUMP_INTR:
            return True
        offset += aligned(max(length, _HEADER.size))
    return False


def acknowledgements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers of requests, and what a datagram says of them; for ``check``."""
    for kind, body in messages(data):
        if kind == NLMSG_ERROR:
            yield _HEADER.unpack_from(body, _CODE.size)[3], body


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute, padded."""
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + b"\0" * (aligned(size) - size)


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute of attributes."""
    return attribute(kind | _NESTED, b"".join(attributes))


def attributes(body: bytes, header: int) -> dict[int, bytes]:
    """Types and values of the attributes behind a header of ``header`` bytes."""
    return dict(each_attribute(body, header))


def each_attribute(body: bytes, header: int = 0) -> Iterator[tuple[int, bytes]]:
    """The same one by one, of a list whose attributes are all of one type."""
    offset = header
    while offset + _ATTRIBUTE.size <= len(body):
        size, kind = _ATTRIBUTE.unpack_from(body, offset)
        if size < _ATTRIBUTE.size:
            break
        yield kind & _TYPE_MASK, body[offset + _ATTRIBUTE.size : offset + size]
        offset += aligned(size)


def find(body: bytes, header: int, wanted: int) -> bytes | None:
    """The value of one attribute behind a header of ``header`` bytes."""
    return attributes(body, header).get(wanted)


def text(value: bytes | None) -> str:
    """A text attribute; empty if it is absent."""
    return (value or b"").rstrip(b"\0").decode(errors="replace")


def aligned(size: int) -> int:
    """What something of that size takes with its padding."""
    return (size + 3) & ~3
