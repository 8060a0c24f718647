"""Listening sockets: never in a living process's way, never stopped by a dead one."""

import socket
import threading
from pathlib import Path

import pytest

from plugin.errors import SettingError
from plugin.server.listeners import listen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """In a directory that is not there yet."""
    return tmp_path / "plugins" / "pynet.sock"


def test_a_caller_can_connect_at_once(path: Path) -> None:
    """And waits in line until the server serves."""
    with listen(path), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))


def test_its_file_is_for_root_and_its_group(path: Path) -> None:
    """Who may speak for the engine may do anything."""
    with listen(path):
        assert path.stat().st_mode & 0o777 == 0o660


def test_what_a_killed_process_left_is_replaced(path: Path) -> None:
    """A socket's file outlives it."""
    listen(path).close()
    with listen(path), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))


def test_a_dying_process_is_waited_for(path: Path) -> None:
    """A killed one's socket takes connections until the kernel has taken it apart."""
    death = threading.Timer(0.2, listen(path).close)
    death.start()
    with listen(path), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))
    death.join()


def test_a_living_process_is_left_alone(path: Path) -> None:
    """Two plugins of one name."""
    with (
        listen(path),
        pytest.raises(SettingError, match=r"expected a path that no other process serves"),
    ):
        listen(path)

    assert path.is_socket()


def test_another_file_is_not_removed(path: Path) -> None:
    """The user mistook a path."""
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(SettingError, match="expected a path that can be listened on"):
        listen(path)

    assert path.read_text() == "precious"


def test_it_survives_the_fork_and_exec_of_the_server(path: Path) -> None:
    """It is bound before the server is loaded."""
    with listen(path) as sock:
        assert sock.get_inheritable()
