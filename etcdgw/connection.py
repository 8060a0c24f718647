"""HTTP to one member, of which no wait is longer than its deadline allows.

A timeout of a socket begins anew with every byte; here it is counted to the call's end.
"""

import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from ssl import SSLContext
from typing import TYPE_CHECKING, Final

from etcdgw.errors import InvalidSettingError
from etcdgw.framing import LONGEST, LONGEST_HEAD, TOO_LONG, Chunks, Lines
from etcdgw.resolver import Resolver
from etcdgw.settings import Member, Settings

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PIECE: Final = 1 << 16
# A peer that vanished without a word is noticed by the kernel after some 6 s of a silent stream.
_KEEPALIVE: Final = (
    (socket.SO_KEEPALIVE, socket.SOL_SOCKET, 1),
    (socket.TCP_KEEPIDLE, socket.IPPROTO_TCP, 3),
    (socket.TCP_KEEPINTVL, socket.IPPROTO_TCP, 1),
    (socket.TCP_KEEPCNT, socket.IPPROTO_TCP, 3),
    (socket.TCP_NODELAY, socket.IPPROTO_TCP, 1),
)


class TransportError(Exception):
    """The member did not answer; ``begun`` is whether it may have heard."""

    def __init__(self, message: str, *, begun: bool) -> None:
        super().__init__(message)
        self.begun = begun


class _Raw(io.RawIOBase):
    """What comes from the socket: each piece before the deadline, and no more than a head or an answer has."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._left = LONGEST_HEAD
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if self._left <= 0:
            raise OSError(TOO_LONG)
        self._sock.settimeout(_left(self._deadline))
        count = self._sock.recv_into(buffer)
        self._left -= count
        return count

    def expect_body(self, deadline: float) -> None:
        """The next is a body, or what comes next of a stream."""
        self._deadline = deadline
        self._left = LONGEST


class Connection:
    """A connection to the member.  Raises TransportError."""

    def __init__(
        self, member: Member, context: SSLContext | None, resolver: Resolver, deadline: float
    ) -> None:
        self.member = member
        try:
            addresses = resolver.addresses(member.host, _left(deadline))
            self._sock = _encrypted(
                _connected(addresses, member, deadline), context, member, deadline
            )
        except OSError as error:
            raise TransportError(_reason(error), begun=False) from error
        self.local_address = str(self._sock.getsockname()[0])
        self.reusable = True

    @property
    def is_idle(self) -> bool:
        """Whether it can be used again: what has something to read by itself was closed."""
        if not self.reusable:
            return False
        poll = select.poll()  # select() knows no descriptors above 1023
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def post(self, path: str, body: bytes, headers: str, deadline: float) -> tuple[int, bytes]:
        """Ask, and have the whole answer: its status and body.  Raises TransportError."""
        _, response = self._ask(path, body, headers, deadline)
        answer = _whole(response)
        self.reusable = not response.will_close
        return response.status, answer

    def stream(self, path: str, body: bytes, headers: str, deadline: float) -> "LineStream":
        """Ask, and have the answer line by line.  Raises TransportError."""
        self.reusable = False
        return LineStream(self, *self._ask(path, body, headers, deadline))

    def abort(self) -> None:
        """End what is under way; the descriptor stays until ``close``."""
        with suppress(OSError):  # it has ended already
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()

    def _ask(
        self, path: str, body: bytes, headers: str, deadline: float
    ) -> tuple[_Raw, http.client.HTTPResponse]:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.member.authority}\r\n{headers}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.reusable = False
        try:
            self._sock.settimeout(_left(deadline))
            self._sock.sendall(head.encode("ascii") + body)
            response = http.client.HTTPResponse(self._sock, method="POST")
            response.fp.close()
            raw = _Raw(self._sock, deadline)
            response.fp = io.BufferedReader(raw)
            response.begin()
            raw.expect_body(deadline)
        except (OSError, http.client.HTTPException) as error:
            raise TransportError(_reason(error), begun=True) from error
        return raw, response


class LineStream:
    """An answer without an end, by line: a message is a line, whatever pieces it comes in."""

    def __init__(
        self, connection: Connection, raw: _Raw, response: http.client.HTTPResponse
    ) -> None:
        self._connection = connection
        self._raw = raw
        self._response = response
        self._file = response.fp
        self._pieces = Chunks() if response.chunked else None
        self._lines = Lines()
        self.member = connection.member
        self.status = response.status

    def lines(self, seconds: float) -> Iterator[bytes]:
        """The lines that come next; none if nothing came within so many seconds.

        Raises TransportError once the stream is over.
        """
        self._raw.expect_body(time.monotonic() + seconds)
        if self._pieces is not None and self._pieces.ended:
            raise TransportError("the stream ended", begun=True)
        try:
            piece = self._file.read1(_PIECE)
            data = piece if self._pieces is None else self._pieces.feed(piece)
            lines = self._lines.feed(data)
        except TimeoutError:
            return
        except (OSError, ValueError) as error:  # a file that close() closed: ValueError
            raise TransportError(_reason(error), begun=True) from error
        if not piece:
            raise TransportError("the stream ended", begun=True)
        yield from lines

    def whole(self) -> bytes:
        """All of an answer that is no stream.  Raises TransportError."""
        return _whole(self._response)

    def abort(self) -> None:
        """End the wait of another thread for a line: it sees the end of the stream."""
        self._connection.abort()

    def close(self) -> None:
        self._connection.close()


def _whole(response: http.client.HTTPResponse) -> bytes:
    """The whole body, read in pieces: http.client would have memory for all that a header promises.

    Raises TransportError.
    """
    body = bytearray()
    try:
        while piece := response.read(_PIECE):
            body += piece
        if response.length:
            raise http.client.IncompleteRead(bytes(body), response.length)
    except (OSError, ValueError, http.client.HTTPException) as error:  # a size below 0: ValueError
        raise TransportError(_reason(error), begun=True) from error
    return bytes(body)


def _connected(addresses: list[str], member: Member, deadline: float) -> socket.socket:
    """A connection to the first address that takes one, each having its share of the time."""
    for number, address in enumerate(addresses):
        seconds = _left(deadline) / (len(addresses) - number)
        try:
            return socket.create_connection((address, member.port), seconds)
        except OSError:
            if number == len(addresses) - 1:
                raise
    raise OSError(f"the name {member.host} has no address")


def _encrypted(
    sock: socket.socket, context: SSLContext | None, member: Member, deadline: float
) -> socket.socket:
    try:
        for option, level, value in _KEEPALIVE:
            sock.setsockopt(level, option, value)
        if context is None:
            return sock
        sock.settimeout(_left(deadline))
        return context.wrap_socket(sock, server_hostname=member.host)
    except BaseException:
        sock.close()
        raise


def _left(deadline: float) -> float:
    """Raises TimeoutError when there is nothing left: a socket takes 0 for "do not wait"."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def tls_context(settings: Settings) -> SSLContext | None:
    """How members are spoken to in TLS; None if they are not.

    Raises InvalidSettingError if a file cannot be used.
    """
    if not settings.members[0].encrypted:
        return None
    tls = settings.tls
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except (OSError, ssl.SSLError) as error:
        raise InvalidSettingError(
            f"the CA file {tls.ca} cannot be used ({error}), expected certificates in PEM"
        ) from error
    if tls.certificate is not None:
        try:
            # Any password: without one OpenSSL asks the terminal for that of an encrypted key.
            context.load_cert_chain(tls.certificate, tls.key, password="")
        except (OSError, ssl.SSLError) as error:
            raise InvalidSettingError(
                f"the certificate {tls.certificate} with the key {tls.key or 'in it'} cannot be used "
                f"({error}), expected a certificate and its key in PEM, without a passphrase"
            ) from error
    return context
