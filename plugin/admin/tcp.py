"""Metrics and health by TCP, for scrapers that know no Unix sockets.

Any user of the host may connect to 127.0.0.1.  So this is a thread of its own, which no call of
the engine waits for; a connection has a few seconds in all, however slowly it asks or reads, and no
other waits for it meanwhile; and the oldest of many makes room for the next.

A web page may have the browser of a user of the host ask, by a name of its own that leads to the
loopback (DNS rebinding).  So there, names other than localhost are refused.
"""

import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST

from plugin.health import Health
from plugin.log import Log
from plugin.operator.views import health_view
from plugin.sockets import Listener
from plugin.telemetry import exposition

_log: Final = Log("metrics")
_WHAT: Final = "metrics"
_SECONDS: Final = 2.0  # for a connection; a scraper on the host takes milliseconds
_RETRY_SECONDS: Final = 10.0
_BACKLOG: Final = 128
_MOST: Final = 64  # connections
_LONGEST: Final = 8192  # bytes of a request
_END: Final = b"\r\n\r\n"
_NOT_FOUND: Final = "404 Not Found", "text/plain", b"there are /metrics and /health\n"
_MISDIRECTED: Final = (
    "421 Misdirected Request",
    "text/plain",
    b"on the loopback this is asked for by an address or as localhost, and by no other name\n",
)
_NOT_ALLOWED: Final = "405 Method Not Allowed", "text/plain", b"only GET is answered\n"

_Answer = tuple[str, str, bytes]  # status, type and body


@dataclass(slots=True)
class _Asking:
    """How far a connection has come, whose time ends at ``end``; ``left`` is to be sent."""

    end: float
    request: bytes = b""
    left: memoryview | None = None


class TcpMetrics:
    """Answers GET /metrics and GET /health."""

    def __init__(self, where: Listener, health: Health) -> None:
        self._where = where
        self._health = health
        self._pages: dict[str, Callable[[], _Answer]] = {
            "/metrics": lambda: ("200 OK", CONTENT_TYPE_LATEST, exposition()),
            "/health": lambda: ("200 OK", "application/json", self._health_page()),
        }

    def start(self) -> None:
        """Listen in a thread; what keeps it from listening is reported in the health."""
        threading.Thread(target=self._run, name="metrics", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                with self._listen() as listening:
                    self._health.recover(_WHAT)
                    _Crowd(listening, self._answer).serve()
            except OSError as error:
                self._health.degrade(
                    _WHAT,
                    f"PYNET_METRICS cannot be served at {self._where.text}: {error.strerror or error}",
                    "stop what has the port, or set PYNET_METRICS to another; pynet tries again",
                )
            time.sleep(_RETRY_SECONDS)

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if self._where.address.version == 6 else socket.AF_INET
        return socket.create_server(
            (str(self._where.address), self._where.port), family=family, backlog=_BACKLOG
        )

    def _answer(self, head: bytes) -> bytes:
        status, kind, body = self._page(head)
        answer = (
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        return answer.encode() + body

    def _page(self, head: bytes) -> _Answer:
        first, *headers = head.decode("latin-1").split("\r\n")
        method, _, rest = first.partition(" ")
        page = self._pages.get(rest.partition(" ")[0].partition("?")[0])
        if self._where.address.is_loopback and any(map(_is_of_another, headers)):
            return _MISDIRECTED
        return _NOT_ALLOWED if method != "GET" else _NOT_FOUND if page is None else page()

    def _health_page(self) -> bytes:
        return msgspec.json.encode(health_view(self._health))


class _Crowd:
    """Connections of which each asks for one page; the one thread never waits for one of them."""

    def __init__(self, listening: socket.socket, answer: Callable[[bytes], bytes]) -> None:
        """``answer`` makes an answer of the head of a request."""
        self._listening = listening
        self._listening.settimeout(0)
        self._answer = answer
        self._asking: dict[socket.socket, _Asking] = {}  # the oldest first
        self._ready = selectors.DefaultSelector()

    def serve(self) -> None:
        """Serve until no connection can be accepted.  Raises OSError."""
        try:
            self._ready.register(self._listening, selectors.EVENT_READ)
            while True:
                end = min((each.end for each in self._asking.values()), default=None)
                wait = None if end is None else max(0.0, end - time.monotonic())
                for key, _ in self._ready.select(wait):
                    if key.fileobj is self._listening:
                        self._accept()
                    elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._asking:
                        self._go_on(key.fileobj, self._asking[key.fileobj])
                now = time.monotonic()
                for connection in [c for c, each in self._asking.items() if each.end <= now]:
                    self._end(connection)
        finally:
            for connection in list(self._asking):
                self._end(connection)
            self._ready.close()

    def _accept(self) -> None:
        with suppress(BlockingIOError, ConnectionError):  # it has gone
            connection, _ = self._listening.accept()
            if len(self._asking) >= _MOST:
                self._end(next(iter(self._asking)))
            connection.settimeout(0)
            self._asking[connection] = _Asking(time.monotonic() + _SECONDS)
            self._ready.register(connection, selectors.EVENT_READ)

    def _go_on(self, connection: socket.socket, asking: _Asking) -> None:
        """Read or send what can be without waiting."""
        try:
            if asking.left is None:
                more = connection.recv(_LONGEST - len(asking.request))
                asking.request += more
                head, end, _ = asking.request.partition(_END)
                if end:
                    asking.left = memoryview(self._answer(head))
                    self._ready.modify(connection, selectors.EVENT_WRITE)
                elif not more:  # it has said all, or more than is read
                    self._end(connection)
            else:
                asking.left = asking.left[connection.send(asking.left) :]
                if not asking.left:
                    self._end(connection)
        except BlockingIOError:
            return
        except OSError as error:
            _log.debug("metrics.not_sent", reason=error)
            self._end(connection)
        except Exception:  # noqa: BLE001 - the next scraper must get an answer
            _log.exception("metrics.fault")
            self._end(connection)

    def _end(self, connection: socket.socket) -> None:
        del self._asking[connection]
        self._ready.unregister(connection)
        connection.close()


def _is_of_another(header: str) -> bool:
    """Whether it is the header Host, with a name that is not of the loopback."""
    field, _, value = header.partition(":")
    if field.strip().lower() != "host":
        return False
    host = value.strip()
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        ip_address(name)
    except ValueError:
        return name.lower() != "localhost"
    return False
