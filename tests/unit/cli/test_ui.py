"""``pynet ui``: where it serves, and what it refuses."""

import socket
import threading
from pathlib import Path

import pytest

from plugin.ui.server import Server
from tests.unit.cli.conftest import Shell


@pytest.fixture
def port() -> int:
    """One that is free."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        number: int = held.getsockname()[1]
    return number


def test_the_address_is_printed(pynet: Shell, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key that is another each time, and how to come there from another machine."""
    served: list[Server] = []

    def run(server: Server) -> None:
        served.append(server)

    monkeypatch.setattr(Server, "run", run)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("socket.gethostname", lambda: "\x1b[2J; reboot")
    first, second = (pynet("ui", "--listen", f"127.0.0.1:{port}") for _ in range(2))
    address, keys = first.stdout.strip().split("#")
    key, answer_key = keys.split(".")

    assert first.exit_code == 0
    assert address == f"http://127.0.0.1:{port}/"
    assert len(key) > 20
    assert len(answer_key) > 10
    assert key not in second.stdout
    assert answer_key not in second.stdout
    assert f"ssh -L {port}:127.0.0.1:{port} '?[2J; reboot'\n" in first.stderr
    assert len(served) == 2


def test_a_signal_ends_it(pynet: Shell, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM as Ctrl-C."""
    handlers = {}
    monkeypatch.setattr("signal.signal", lambda number, handler: handlers.update({number: handler}))

    def run(server: Server) -> None:
        threading.Timer(0.05, lambda: [each() for each in handlers.values()]).start()
        server.serve_forever(0.01)

    monkeypatch.setattr(Server, "run", run)

    assert pynet("ui", "--listen", f"127.0.0.1:{port}").exit_code == 0


@pytest.mark.parametrize(
    "where",
    ["0.0.0.0:9611", "192.0.2.1:9611", "[::]:9611", "", "9611", "localhost:9611", "127.0.0.1:0"],
)
def test_another_address(pynet: Shell, where: str) -> None:
    """Other machines are to come by a tunnel."""
    result = pynet("ui", "--listen", where)

    assert result.exit_code == 1
    assert f"--listen is {where!r}, expected " in result.output


def test_an_address_that_is_taken(pynet: Shell) -> None:
    """One sentence."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        result = pynet("ui", "--listen", f"127.0.0.1:{port}")

    assert result.exit_code == 1
    assert "choose another port with --listen" in result.output


def test_without_a_plugin(tmp_path: Path) -> None:
    """A page that shows nothing is not served."""
    result = Shell(tmp_path / "none.sock")("ui")

    assert result.exit_code == 3
    assert "no pynet answers" in result.output
