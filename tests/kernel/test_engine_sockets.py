"""Which dockerd runs, on a host where other users listen at its paths and its port."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from socket import AF_UNIX, create_server, socket
from tempfile import TemporaryDirectory
from typing import Final

from plugin.kernel.engine_sockets import engine_sockets, swarm_agents
from tests.kernel.netns import Netns

PORT: Final = 7946
SCRIPT: Final = f"""
import os, socket, sys
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
row = "\\0\\n0: 2 0 00010000 0001 01 7 /x/metrics.sock"
listeners = [socket.socket(socket.AF_UNIX) for _ in range(2)]
for listener, name in zip(listeners, (sys.argv[1], row)):
    listener.bind(name)
    listener.listen()
agent = socket.create_server(("0.0.0.0", {PORT}))
print("listens", flush=True)
sys.stdin.read()
"""


@contextmanager
def _another_user() -> Iterator[None]:
    """A process of one that listens as a dockerd does, and at a name that looks like a row of /proc/net/unix."""
    with TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o711)
        place = Path(directory) / "swarm"
        place.mkdir()
        place.chmod(0o777)
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(place / "control.sock")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == b"listens\n"
            yield
            process.stdin.close()


def test_another_user_is_no_dockerd(netns: Netns, tmp_path: Path) -> None:
    """What it listens on would outlive dockerd, and the next one would look like the one before."""
    with _another_user(), socket(AF_UNIX) as listener:
        assert engine_sockets() == frozenset()
        assert swarm_agents() == {}
        listener.bind(str(tmp_path / "metrics.sock"))
        listener.listen()
        assert len(engine_sockets()) == 1
    with create_server(("127.0.0.1", PORT)):
        assert set(swarm_agents()) == {ip_address("127.0.0.1")}
