"""A prober that watches for silence has to notice it."""

import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.lab.commands import wait_until
from tests.reliability.engines.prober import Prober

SILENCE = 0.5  # seconds


class Engine(socketserver.ThreadingUnixStreamServer):
    """Answers everything while it may."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Handler)
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        self.server.asked.set()
        self.server.may_answer.wait()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "docker.sock") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()


def fall_silent(engine: Engine) -> None:
    engine.may_answer.clear()
    engine.asked.clear()
    assert engine.asked.wait(10)
    threading.Event().wait(SILENCE)
    engine.may_answer.set()


def test_the_longest_silence_is_known(engine: Engine, tmp_path: Path) -> None:
    """Also if the engine answers again afterwards."""
    with Prober(tmp_path / "docker.sock") as prober:
        wait_until(lambda: prober.answers, "an answer")
        fall_silent(engine)
        wait_until(lambda: prober.longest >= SILENCE, "an end of the silence")


def test_the_clock_can_be_stopped(engine: Engine, tmp_path: Path) -> None:
    """An engine that was killed by us cannot answer."""
    with Prober(tmp_path / "docker.sock") as prober:
        wait_until(lambda: prober.answers, "an answer")
        with prober.resting():
            before = prober.longest
            fall_silent(engine)

            assert prober.longest == before
