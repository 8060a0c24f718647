"""Signs of life for systemd."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.server.watchdog import Watchdog


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket that systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(0)
        yield sock


def environment(systemd: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": systemd.getsockname()} | more


def test_a_sign_of_life(systemd: socket.socket) -> None:
    """Where the unit has WatchdogSec."""
    Watchdog(environment(systemd, WATCHDOG_USEC="30000000")).tell()

    assert systemd.recv(64) == b"WATCHDOG=1"


def test_nobody_asks(systemd: socket.socket) -> None:
    """Then nothing is said."""
    Watchdog(environment(systemd)).tell()
    Watchdog({"WATCHDOG_USEC": "30000000"}).tell()

    with pytest.raises(BlockingIOError):
        systemd.recv(64)


def test_a_systemd_that_does_not_read_keeps_nobody_waiting(systemd: socket.socket) -> None:
    """Nor does one that is being replaced."""
    watchdog = Watchdog(environment(systemd, WATCHDOG_USEC="1"))
    for _ in range(1000):
        watchdog.tell()
    systemd.close()

    watchdog.tell()


def test_an_abstract_socket() -> None:
    """As in a container."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("")
        name = sock.getsockname().decode().replace("\0", "@")
        Watchdog({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1"}).tell()

        assert sock.recv(64) == b"WATCHDOG=1"
