"""Calls that do not end are answered by another thread."""

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from plugin import deadline
from plugin.health import Health, Status
from plugin.server.app import Handler, Undoable
from plugin.server.calls import ANSWER_SECONDS, CALL, WORK_SECONDS, Call, Calls
from plugin.server.flask_app import create_app
from tests.kernel.netns import wait_until

SHORT = 0.05


@pytest.fixture
def health() -> Health:
    """Of a plugin that has started."""
    made = Health()
    made.ready()
    return made


@pytest.fixture
def client() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's end of a connection, and the engine's."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(60)
    with ours, theirs:
        yield ours, theirs


def read(sock: socket.socket) -> bytes:
    data = b""
    while chunk := sock.recv(4096):
        data += chunk
    return data


class TestBounds:
    def test_an_answer_comes_within_what_the_engine_is_promised(self) -> None:
        """And most calls end by themselves before that, with a reason of their own."""
        assert WORK_SECONDS < ANSWER_SECONDS <= 19


class TestAbandoned:
    def test_it_is_answered_and_the_connection_is_over(
        self, health: Health, client: tuple[socket.socket, socket.socket]
    ) -> None:
        """In either protocol's words."""
        ours, theirs = client
        with Calls(health, seconds=SHORT).under_way("NetworkDriver.Join", ours) as call:
            head, _, body = read(theirs).partition(b"\r\n\r\n")

            assert not call.claim()
        assert head.startswith(b"HTTP/1.1 500 ")
        assert f"Content-Length: {len(body)}".encode() in head
        assert json.loads(body) == dict.fromkeys(
            ("Err", "Error", "error"),
            "pynet is stuck: NetworkDriver.Join has not ended within 0.05 s; "
            "`pynet status` shows more",
        )

    def test_the_health_tells_until_it_has_ended(self, health: Health) -> None:
        """What, for how long and where."""
        with Calls(health, seconds=SHORT).under_way("NetworkDriver.Join"):
            wait_until(lambda: health.status is Status.DEGRADED, "nothing was said")
            (condition,) = health.conditions
        wait_until(lambda: health.status is Status.OK, "it is still said")

        assert condition.what == "calls"
        assert "NetworkDriver.Join for " in condition.why
        assert ".py:" in condition.why

    def test_the_caller_may_have_gone(
        self, health: Health, client: tuple[socket.socket, socket.socket]
    ) -> None:
        """dockerd was killed; the others are still watched over."""
        ours, theirs = client
        theirs.close()
        calls = Calls(health, seconds=SHORT)
        for _ in range(2):
            with calls.under_way("NetworkDriver.Join", ours) as call:
                wait_until(lambda call=call: call.abandoned, "nobody answered for it")

    def test_one_that_has_answered_is_not_answered_for(self) -> None:
        """However long the engine takes to read."""
        call = Call("NetworkDriver.Join", None, 0)

        assert call.claim()
        assert not call.is_late
        assert not call.abandon()
        assert call.claim()


def ask(app: Any, path: str, call: Call | None = None) -> Any:
    return app.test_client().post(f"/{path}", environ_overrides={CALL: call} if call else {})


class TestUndone:
    def serve(self, call: Call, undone: list[tuple[bytes, object]]) -> Any:
        def late(body: bytes) -> dict[str, object]:
            call.abandon()
            return {"made": 1}

        method: Handler = Undoable(late, lambda body, answer: undone.append((body, answer)))
        return ask(create_app({"M": method}.get), "M", call)

    def test_what_ends_after_its_answer(self) -> None:
        """With what was asked and what was answered."""
        undone: list[tuple[bytes, object]] = []
        answer = self.serve(Call("M", None, 0), undone)

        assert undone == [(b"", {"made": 1})]
        assert answer.status_code == 500

    def test_undoing_has_time(self) -> None:
        """The deadline of the call is over."""
        left: list[float] = []
        call = Call("M", None, 0)

        def late(body: bytes) -> dict[str, object]:
            call.abandon()
            return {}

        method = Undoable(late, lambda _, __: left.append(deadline.remaining(99)))
        with deadline.within(-1):
            ask(create_app({"M": method}.get), "M", call)

        assert left[0] > 1

    def test_what_was_answered_by_itself_stays(self) -> None:
        """The ordinary case."""
        undone: list[object] = []
        method = Undoable(lambda _: {"made": 1}, lambda _, answer: undone.append(answer))

        assert ask(create_app({"M": method}.get), "M", Call("M", None, 9)).json == {"made": 1}
        assert undone == []


class TestBounded:
    @pytest.fixture
    def ask(self, health: Health) -> Iterator[Callable[[str], tuple[str, bytes]]]:
        """Asks an application while another call is under way: the most there may be."""
        calls = Calls(health, most=1)

        def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            start("200 OK", [])
            return [str(deadline.remaining(99) < 99 and environ[CALL].name).encode()]

        def ask(path: str) -> tuple[str, bytes]:
            statuses: list[str] = []
            (body,) = calls.bounded(app)(
                {"PATH_INFO": path}, lambda status, _: statuses.append(status)
            )
            return statuses[0], body

        with calls.under_way("NetworkDriver.Join"):
            yield ask

    @pytest.mark.parametrize("path", ["/Plugin.Activate", "/health", "/metrics"])
    def test_what_waits_for_nothing_is_always_served(
        self, ask: Callable[[str], tuple[str, bytes]], path: str
    ) -> None:
        """With a deadline that whatever waits can see."""
        assert ask(path) == ("200 OK", path[1:].encode())

    def test_too_many_are_refused_at_once(self, ask: Callable[[str], tuple[str, bytes]]) -> None:
        """Instead of waiting in a line that does not move."""
        status, body = ask("/NetworkDriver.Join")

        assert status == "503 Service Unavailable"
        assert "1 calls are under way that do not end" in json.loads(body)["Err"]


def test_a_stuck_tick_is_told(health: Health) -> None:
    """No call waits for it, but nothing is healed meanwhile."""
    over = threading.Event()
    calls = Calls(health)

    def tick() -> None:
        with calls.under_way("the tick", seconds=SHORT):
            over.wait(60)

    thread = threading.Thread(target=tick)
    thread.start()
    wait_until(lambda: health.status is Status.DEGRADED, "nothing was said")
    over.set()
    thread.join(60)

    wait_until(lambda: health.status is Status.OK, "it is still said")
