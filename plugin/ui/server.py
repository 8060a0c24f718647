"""Serve the page to browsers: a thread for each connection, of which there are only so many.

Python's own HTTP server is enough for files that are in memory and streams that last.  Flask would
bring its development server, which is this one with more to it, or gunicorn, a second process.
"""

import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from plugin.errors import HostError
from plugin.sockets import Listener
from plugin.ui.feed import Feed, TooManyViewersError
from plugin.ui.pages import Answer, Pages

MOST_VIEWERS: Final = 100
_MORE: Final = 28  # connections for files, while so many viewers are there
_HEAD_SECONDS: Final = 5.0  # for a whole request, however slowly it is sent
_SEND_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.5
_NOT_ALLOWED: Final = 405
_UNSUPPORTED: Final = 501  # http.server: what it answers to a method that the handler has not
_TOO_MANY: Final = 503
# A script reads a header of what it fetched, and of a stream its events alone.
_ANSWER_KEY: Final = "Pynet-Answer-Key"
_ANSWER_EVENT: Final = b"event: answer-key\ndata: %b\n\n"
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Server(ThreadingHTTPServer):
    """Serves pages and the feed at an address until it is stopped."""

    daemon_threads = True
    block_on_close = False  # viewers would keep the command from ending
    request_queue_size = MOST_VIEWERS

    def __init__(self, where: Listener, pages: Pages, feed: Feed) -> None:
        """Listen.  Raises HostError if the address cannot be had."""
        self.pages = pages
        self.feed = feed
        self._places = threading.BoundedSemaphore(MOST_VIEWERS + _MORE)
        self._silent: dict[socket.socket, float] = {}  # that have not sent their request, and since
        if where.address.version == 6:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((str(where.address), where.port), _Handler)
        except OSError as error:
            raise HostError(
                f"the page cannot be served at {where.text}: {error.strerror or error}; choose another "
                f"port with --listen"
            ) from error

    def run(self) -> None:
        """Serve until ``shutdown``."""
        self.serve_forever(_POLL_SECONDS)

    def service_actions(self) -> None:
        """Close connections that do not say what they want."""
        now = time.monotonic()
        for connection, since in list(self._silent.items()):
            if now - since > _HEAD_SECONDS:
                self._send_away(connection)

    def heard(self, connection: socket.socket) -> None:
        """A request has come whole."""
        self._silent.pop(connection, None)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection its thread, or close it where there are too many."""
        if not self._places.acquire(blocking=False) and not self._has_made_room():
            self.shutdown_request(request)
            return
        self._silent[request] = time.monotonic()
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread can be started
            self._leave(request)
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._leave(request)

    def _has_made_room(self) -> bool:
        """Whether the place is had of the one that has been silent for longest.

        Any user of the host may take all places and say nothing, again and again; a browser asks at
        once, and has what it asked for before as many others have come.
        """
        for connection in list(self._silent):  # the first has waited longest
            self._send_away(connection)
            return self._places.acquire(timeout=_POLL_SECONDS)
        return False

    def _send_away(self, connection: socket.socket) -> None:
        """End what its thread waits for."""
        self.heard(connection)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def _leave(self, request: Any) -> None:
        self.heard(request)
        self._places.release()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = _SEND_SECONDS

    def version_string(self) -> str:
        return "pynet"

    def do_GET(self) -> None:
        self.server.heard(self.connection)
        hosts = self.headers.get_all("Host") or [""]
        answer = self.server.pages.answer(self.path, hosts[0] if len(hosts) == 1 else "")
        if answer.body is None:
            self._stream(answer)
        else:
            self._send(answer)

    def _stream(self, answer: Answer) -> None:
        """Events until the viewer leaves; an empty one finds out whether there still is one."""
        try:
            with self.server.feed.viewer() as seen:
                self._head(answer)
                self.wfile.write(_ANSWER_EVENT % answer.answer_key.encode())
                for each in seen:
                    self.wfile.write(b"data: %b\n\n" % each if each else b":\n\n")
        except TooManyViewersError:
            told = f"{MOST_VIEWERS} pages are open, which are as many as are served\n"
            self._send(Answer(status=_TOO_MANY, body=told.encode()))

    def _send(self, answer: Answer) -> None:
        body = answer.body or b""
        self._head(answer, len(body))
        self.wfile.write(body)

    def _head(self, answer: Answer, length: int | None = None) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if answer.answer_key:
            self.send_header(_ANSWER_KEY, answer.answer_key)
        if answer.status == _NOT_ALLOWED:
            self.send_header("Allow", "GET")
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A sentence in place of a page of HTML that repeats what was asked."""
        self.server.heard(self.connection)
        self.close_connection = True
        if code == _UNSUPPORTED:
            self._send(Answer(status=_NOT_ALLOWED, body=b"only GET is answered\n"))
        else:
            self._send(Answer(status=code, body=b"the request cannot be read\n"))

    def handle(self) -> None:
        with suppress(OSError):  # the viewer has gone, or does not take what it asked for
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing: the key is in what would be logged."""
