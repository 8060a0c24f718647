"""Track the calls under way, and answer those that do not end.

The engine waits for its plugin without a limit, and its own callers wait for the engine.  A thread
that the kernel or a disk blocks cannot be interrupted.  So another thread answers in time, and
what the blocked thread still achieves is undone.  The first thread to claim a call answers it.
"""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from plugin import deadline
from plugin.health import Health
from plugin.log import Log
from plugin.telemetry import ABANDONED

WORK_SECONDS: Final = 16.0  # for every wait of a call together, so that most end by themselves
ANSWER_SECONDS: Final = 18.0  # the engine is promised an answer within 20
# People wait longer than an engine, and a look at hundreds of networks takes its time.
ADMIN_WORK_SECONDS: Final = 110.0
ADMIN_ANSWER_SECONDS: Final = 115.0
MOST: Final = 256  # calls at a time; an engine has a few
CALL: Final = "pynet.call"  # where a request's environment has its Call

_log: Final = Log("rpc")
_LOOK_SECONDS: Final = 0.5
_ROOT: Final = str(Path(__file__).parents[2]) + "/"
_WHAT: Final = "calls"
# These wait for nothing, and report the state of the others.
_ALWAYS: Final = frozenset(
    {"Plugin.Activate", "NetworkDriver.GetCapabilities", "health", "metrics"}
)

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Call:
    """One thing that is under way, and who has answered for it."""

    def __init__(self, name: str, client: socket.socket | None, seconds: float) -> None:
        self.name = name
        self.abandoned = False
        self._client = client
        self._seconds = seconds
        self._since = time.monotonic()
        self._claimed = False
        self._lock = threading.Lock()
        self._thread = threading.get_ident()

    @property
    def age(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._since

    @property
    def is_late(self) -> bool:
        """Whether its time is over and no thread has answered."""
        return not self._claimed and self.age > self._seconds

    @property
    def place(self) -> str:
        """Where in this program its thread is now."""
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - the one way to know
        while frame is not None and not frame.f_code.co_filename.startswith(_ROOT):
            frame = frame.f_back
        if frame is None:
            return "elsewhere"
        return f"{frame.f_code.co_filename.removeprefix(_ROOT)}:{frame.f_lineno}"

    def claim(self) -> bool:
        """Become the one who answers; False if the call has been answered for."""
        with self._lock:
            self._claimed = not self.abandoned
            return self._claimed

    def abandon(self) -> bool:
        """Answer for it; False if its own thread is about to."""
        with self._lock:
            self.abandoned = not self._claimed
        if self.abandoned and self._client is not None:
            _send(self._client, f"{self.name} has not ended within {self._seconds:g} s", 500)
        return self.abandoned


class Calls:
    """What is under way in this process, and the thread that watches over it."""

    def __init__(
        self, health: Health, *, seconds: float = ANSWER_SECONDS, most: int = MOST
    ) -> None:
        self._health = health
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._calls: set[Call] = set()
        self._any = threading.Event()
        threading.Thread(target=self._watch, name="calls", daemon=True).start()

    @property
    def count(self) -> int:
        """How many are under way."""
        return len(self._calls)

    @contextmanager
    def under_way(
        self, name: str, client: socket.socket | None = None, *, seconds: float | None = None
    ) -> Iterator[Call]:
        """Watch over what is done in the block, and answer ``client`` if it takes too long."""
        call = Call(name, client, self._seconds if seconds is None else seconds)
        with self._lock:
            self._calls.add(call)
        self._any.set()
        try:
            yield call
        finally:
            call.claim()
            with self._lock:
                self._calls.discard(call)

    def bounded(
        self, app: WsgiApp, *, work: float = WORK_SECONDS, answer: float | None = None
    ) -> WsgiApp:
        """The application, with an answer to every request in time.

        All waits of a request together may take ``work`` seconds; after ``answer`` seconds
        another thread answers for it.
        """

        def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            name = environ["PATH_INFO"].strip("/")
            if len(self._calls) >= self._most and name not in _ALWAYS:
                return _refuse(start, f"{len(self._calls)} calls are under way that do not end")
            client = environ.get("gunicorn.socket")
            with self.under_way(name, client, seconds=answer) as call, deadline.within(work):
                environ[CALL] = call
                return app(environ, start)

        return serve

    def _watch(self) -> None:
        while True:
            self._any.wait()
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                calls = list(self._calls)
                if not calls:
                    self._any.clear()
            self._look(calls)

    def _look(self, calls: Iterable[Call]) -> None:
        for call in calls:
            if call.is_late and call.abandon():
                ABANDONED.inc()
                _log.error("rpc.abandoned", method=call.name, at=call.place)
        stuck = [call for call in calls if call.abandoned]
        if stuck:
            what = "; ".join(f"{each.name} for {each.age:.0f} s at {each.place}" for each in stuck)
            self._health.degrade(
                _WHAT,
                f"calls are stuck: {what}",
                "look for faults of the kernel and the disk (dmesg); other calls are served meanwhile",
            )
        else:
            self._health.recover(_WHAT)


def _send(client: socket.socket, problem: str, status: int) -> None:
    """The answer, past the server whose thread is stuck; the connection is over then."""
    body = _body(problem)
    head = (
        f"HTTP/1.1 {status} Internal Server Error\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with suppress(OSError):  # the caller may have gone
        client.send(head.encode() + body, socket.MSG_DONTWAIT)
        client.shutdown(socket.SHUT_RDWR)


def _refuse(start: Callable[..., Any], problem: str) -> Iterable[bytes]:
    start("503 Service Unavailable", [("Content-Type", "application/json")])
    return [_body(problem)]


def _body(problem: str) -> bytes:
    """The failure for either protocol and for the admin socket."""
    text = f"pynet is stuck: {problem}; `pynet status` shows more"
    return msgspec.json.encode({"Err": text, "Error": text, "error": text})
