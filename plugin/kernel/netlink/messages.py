"""Netlink messages, encoded and decoded, and the one way to read a list (linux/netlink.h).

For requests that pyroute2 does not know, or that are so frequent that its price per message
would be felt.
"""

import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from plugin import deadline

NETLINK_NETFILTER: Final = 12  # linux/netlink.h
NLM_F_REQUEST: Final = 1
NLM_F_ACK: Final = 4
NLM_F_DUMP: Final = 0x300
NLM_F_REPLACE: Final = 0x100
NLM_F_CREATE: Final = 0x400
NLM_F_CREATE_EXCLUSIVE: Final = 0x600
NLM_F_APPEND: Final = 0x800
_NLM_F_DUMP_INTR: Final = 0x10
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
SOL_NETLINK: Final = 270  # linux/socket.h
NETLINK_ADD_MEMBERSHIP: Final = 1
NETLINK_CAP_ACK: Final = 10
NETLINK_EXT_ACK: Final = 11
NETLINK_GET_STRICT_CHK: Final = 12

U16: Final = struct.Struct("=H")
U32: Final = struct.Struct("=I")
S32: Final = struct.Struct("=i")
NFGENMSG: Final = struct.Struct("!BBH")  # linux/netfilter/nfnetlink.h: family, version, resource

_TIMEVAL: Final = struct.Struct("@ll")
_HEADER: Final = struct.Struct("=IHHII")
HEADER_BYTES: Final = _HEADER.size
SENDER_AT: Final = 12  # struct nlmsghdr, nlmsg_pid
_ATTRIBUTE: Final = struct.Struct("=HH")
ATTRIBUTE_HEADER: Final = _ATTRIBUTE.size
_TYPE_MASK: Final = 0x3FFF  # less the flags "nested" and "network byte order"
_NESTED: Final = 0x8000

_ERROR_HEADER: Final = S32.size + _HEADER.size  # struct nlmsgerr: code and the request's header
_DONE_HEADER: Final = S32.size
_ERROR_TEXT: Final = 1  # NLMSGERR_ATTR_MSG
_ROOM: Final = 1 << 17
_ATTEMPTS: Final = 10
_ROUND_SECONDS: Final = 1.0


class NetlinkError(Exception):
    """The kernel refused; ``code`` is the errno, the text is the kernel's or that of the errno."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text or os.strerror(code))
        self.code = code

    @property
    def is_gone(self) -> bool:
        """Whether the thing spoken of is not there, which removal does not mind."""
        return self.code in (errno.ENODEV, errno.ENOENT, errno.EADDRNOTAVAIL)


class Conversation(socket.socket):
    """A netlink socket on which each answer is waited for so many seconds; then TimeoutError.

    The kernel keeps the time.  Python would ask whether the socket is ready before it sends or
    receives anything, and the kernel has answered by the time that a request is sent.
    """

    def __init__(self, protocol: int, seconds: float) -> None:
        super().__init__(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        # No time at all would be for ever (socket(7)).
        whole, part = divmod(max(int(seconds * 1e6), 1), 1_000_000)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(whole, part))

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        try:
            return super().recv(bufsize, flags)
        except BlockingIOError as error:
            if flags & socket.MSG_DONTWAIT:
                raise
            raise _silence() from error

    def recvmsg(self, bufsize: int, /, *rest: Any) -> Any:
        try:
            return super().recvmsg(bufsize, *rest)
        except BlockingIOError as error:
            raise _silence() from error


def _silence() -> TimeoutError:
    return TimeoutError("the kernel does not answer")


def message(kind: int, flags: int, body: bytes, sequence: int = 1) -> bytes:
    """A request, padded; the answer to it has its number."""
    size = _HEADER.size + len(body)
    header = _HEADER.pack(size, kind, NLM_F_REQUEST | flags, sequence, 0)
    return header + body + b"\0" * (aligned(size) - size)


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and bodies of all messages of a datagram."""
    return ((kind, body) for kind, _, body in _flagged(data))


def dump(
    sock: socket.socket, kind: int, body: bytes, worth: Callable[[bytes], bool] | None = None
) -> list[bytes]:
    """Ask for all of a kind; the bodies of all answers, as they were at one moment.

    Datagrams that are not ``worth`` a look are left out: of a long list nearly nothing may be
    wanted.  A list that changes while it is read is asked for again (NLM_F_DUMP_INTR), a few times.
    Raises NetlinkError for what the kernel refuses or keeps changing, TimeoutError when the caller
    waits no more, and OSError for the socket.
    """
    request = message(kind, NLM_F_DUMP, body)
    for _ in range(_ATTEMPTS):
        sock.send(request)
        answers, whole = _answers(sock, worth)
        if whole:
            return answers
    raise NetlinkError(errno.EAGAIN, "it changed each time while it was read")


def check(body: bytes) -> None:
    """Raise NetlinkError if the body of an NLMSG_ERROR has a code; without, it acknowledges."""
    _check(body, _ERROR_HEADER)


def _answers(
    sock: socket.socket, worth: Callable[[bytes], bool] | None
) -> tuple[list[bytes], bool]:
    """The answers until the end, and whether they were all true at one moment."""
    found: list[bytes] = []
    whole = True
    while True:
        if not deadline.remaining(_ROUND_SECONDS):
            raise TimeoutError("the list is too long to be read in time")
        data, _, flags, _ = sock.recvmsg(_ROOM)
        if flags & socket.MSG_TRUNC:
            raise NetlinkError(errno.EMSGSIZE)
        worthy = worth is None or worth(data)
        for kind, flags, body in _flagged(data):
            whole = whole and not flags & _NLM_F_DUMP_INTR
            if kind == NLMSG_DONE:
                # A list that the kernel cannot go on with ends with the reason.
                _check(body, _DONE_HEADER)
                return found, whole
            if kind == NLMSG_ERROR:
                check(body)
                return found, whole
            if worthy:
                found.append(body)


def _flagged(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Types, flags and bodies of all messages of a datagram."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, _, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        yield kind, flags, data[offset + _HEADER.size : offset + length]
        offset += aligned(length)


def _check(body: bytes, header: int) -> None:
    code = -S32.unpack_from(body)[0] if len(body) >= S32.size else 0
    if code > 0:
        raise NetlinkError(code, text(find(body, header, _ERROR_TEXT)))


def acknowledgements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers of requests, and the answers to them in a datagram; for ``check``."""
    for kind, body in messages(data):
        if kind == NLMSG_ERROR:
            yield _HEADER.unpack_from(body, S32.size)[3], body


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute, padded."""
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + b"\0" * (aligned(size) - size)


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute of attributes."""
    return attribute(kind | _NESTED, b"".join(attributes))


def attributes(body: bytes, header: int) -> dict[int, bytes]:
    """Types and values of the attributes behind a header of ``header`` bytes.

    A loop of its own: a link has ninety of them, and a generator takes half as long again.
    """
    found: dict[int, bytes] = {}
    offset, end, unpack = header, len(body) - ATTRIBUTE_HEADER, _ATTRIBUTE.unpack_from
    while offset <= end:
        size, kind = unpack(body, offset)
        if size < ATTRIBUTE_HEADER:
            break
        found[kind & _TYPE_MASK] = body[offset + ATTRIBUTE_HEADER : offset + size]
        offset += (size + 3) & ~3
    return found


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
    """The value of one attribute behind a header of ``header`` bytes: a link's name is its first."""
    return next((value for kind, value in each_attribute(body, header) if kind == wanted), None)


def text(value: bytes | None) -> str:
    """A text attribute; empty if it is absent."""
    return (value or b"").rstrip(b"\0").decode(errors="replace")


def aligned(size: int) -> int:
    """What something of that size takes with its padding."""
    return (size + 3) & ~3
