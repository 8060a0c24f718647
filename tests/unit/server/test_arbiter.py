"""The worker is started, watched over, replaced and ended; nothing here is asked how long it takes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

PATIENCE: Final = 60.0
# Answers who serves.  Asked for `Slow.Call` it says that it was asked, and ends when the file `go` is there.
PROGRAM: Final = """
import os, sys, time
from pathlib import Path
from plugin import log
from plugin.server import arbiter, worker
from plugin.server.listeners import listen

folder = Path(sys.argv[1])
log.configure("info")
arbiter._LOOK_SECONDS = 0.3
arbiter._HUNG_LOOKS = 4
worker._HEARTBEAT_SECONDS = 0.1

def app(environ, start):
    if environ["PATH_INFO"] == "/Slow.Call":
        (folder / "asked").touch()
        while not (folder / "go").exists():
            time.sleep(0.01)
    start("200 OK", [])
    return [str(os.getpid()).encode()]

def build():
    if (folder / "broken").exists():
        raise ImportError("a module is missing")
    return app

arbiter.serve([listen(folder / "sock")], build)
"""
CALL: Final = b"POST /%s HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


class Served:
    """A plugin that says who serves."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.socket = folder / "sock"
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(folder)],
                env={**os.environ, **environ},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def call(self, method: bytes = b"Who.Serves") -> socket.socket:
        """Ask, and do not wait for the answer."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(str(self.socket))
        connection.sendall(CALL % method)
        return connection

    def worker(self) -> int:
        """Return the process that serves."""
        wait_until(self.socket.exists)
        return served_by(self.call())

    def end(self, number: int) -> int:
        """Send a signal to the arbiter; return how it exits."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts such a plugin, with more in its environment."""
    started: list[Served] = []

    def begin(**environ: str) -> Served:
        started.append(Served(tmp_path, environ))
        return started[-1]

    yield begin
    for each in started:
        with suppress(ProcessLookupError):
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.wait(PATIENCE)


def served_by(connection: socket.socket) -> int:
    """The process that answers."""
    with connection, connection.makefile("rb") as answer:
        return int(answer.read().rpartition(b"\r\n\r\n")[2])


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_gone(process: int) -> bool:
    """Whether the process has ended; of an orphan a line of its end may be left."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_a_worker_that_ends_is_replaced(start: Callable[..., Served]) -> None:
    """Callers wait in line meanwhile: the socket is the arbiter's, too."""
    served = start()
    first = served.worker()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: is_gone(first))

    assert served.worker() not in {first, served.process.pid}
    assert "worker.ended" in served.log.read_text()


def test_a_worker_that_hangs_is_replaced(start: Callable[..., Served]) -> None:
    """It gives no sign of life; one that only waits for its calls does."""
    served = start()
    first = served.worker()
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: is_gone(first))

    assert served.worker() != first
    assert "worker.hangs" in served.log.read_text()


def test_one_whose_calls_take_long_is_not(start: Callable[..., Served]) -> None:
    """Signs of life come from another thread."""
    served = start()
    first = served.worker()
    call = served.call(b"Slow.Call")
    time.sleep(2)  # longer than a worker may be silent
    (served.folder / "go").touch()

    assert served_by(call) == first


def test_one_that_was_stopped_with_its_arbiter_is_not(start: Callable[..., Served]) -> None:
    """As by ``docker pause``, or on a machine that sleeps."""
    served = start()
    first = served.worker()
    os.killpg(served.process.pid, signal.SIGSTOP)
    time.sleep(2)
    os.kill(served.process.pid, signal.SIGCONT)
    os.kill(first, signal.SIGCONT)

    assert served.worker() == first


def test_a_worker_that_cannot_start_ends_it(start: Callable[..., Served], tmp_path: Path) -> None:
    """systemd starts it again, and not as fast as it can."""
    (tmp_path / "broken").touch()
    served = start()

    assert served.process.wait(PATIENCE) == 3
    assert "a module is missing" in served.log.read_text()
    assert not served.socket.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_is_under_way_ends_in_order(
    start: Callable[..., Served], number: signal.Signals
) -> None:
    """A call that was taken is answered; nobody else is let in."""
    served = start()
    first = served.worker()
    call = served.call(b"Slow.Call")
    wait_until((served.folder / "asked").exists)
    served.process.send_signal(number)
    wait_until(lambda: not served.socket.exists())
    (served.folder / "go").touch()

    assert served_by(call) == first
    assert served.process.wait(PATIENCE) == 0
    assert is_gone(first)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_it_ends_at_once(start: Callable[..., Served], number: signal.Signals) -> None:
    """Ctrl-C: what is under way is not waited for."""
    served = start()
    first = served.worker()
    call = served.call(b"Slow.Call")
    wait_until((served.folder / "asked").exists)

    assert served.end(number) == 0
    assert is_gone(first)
    with call:
        assert call.recv(1) == b""


def test_signals_that_mean_nothing(start: Callable[..., Served]) -> None:
    """gunicorn's would begin another worker, or another program."""
    served = start()
    first = served.worker()
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU):
        served.process.send_signal(number)

    assert served.worker() == first
    assert served.end(signal.SIGTERM) == 0


def test_a_worker_ends_with_its_arbiter(start: Callable[..., Served]) -> None:
    """Two would own the same links."""
    served = start()
    first = served.worker()
    served.end(signal.SIGKILL)

    wait_until(lambda: is_gone(first))


def test_systemd_is_told_that_the_sockets_are_there(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    """Docker is started after that."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE)
        served = start(NOTIFY_SOCKET=str(tmp_path / "notify"))

        assert systemd.recv(64) == b"READY=1"
        assert served.socket.is_socket()
