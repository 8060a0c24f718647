"""The proxy's process: what the kernel says of it, and one that may open few files."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plugin.kernel.proxy.places import Bounds, Limits
from tests.kernel.carried import SERVER

ROOT = Path(__file__).parents[2]


def files_of(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def status_of(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    names = ("Uid", "CapPrm", "CapEff", "CapInh", "NoNewPrivs")
    return {name: found[name].split()[0] for name in names}


def kept_alive() -> set[str]:
    """Local ports of established connections whose timer is that of keep-alive (proc_net_tcp)."""
    found = set()
    for family in ("tcp", "tcp6"):
        for line in Path(f"/proc/thread-self/net/{family}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "01" and fields[5].startswith("02:"):
                found.add(fields[1].rpartition(":")[2])
    return found


@contextmanager
def few_files(files: int, *before: str) -> Iterator[tuple[socket.socket, int]]:
    """The relay by itself, with so few files: its control socket and its process."""
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    limits = Limits(Bounds(99, 99, 99, 600), Bounds(99, 99, 99, 600), 99)
    process = subprocess.Popen(
        [
            *("prlimit", f"--nofile={files}:{files}", *before),
            *(sys.executable, "-P", "-S", "-m", "plugin.kernel.proxy.relay", json.dumps(limits)),
        ],
        stdin=theirs.fileno(),
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
    )
    theirs.close()
    control.settimeout(60)
    yield control, process.pid
    control.close()
    assert process.wait(60) == 0


def hand_over(control: socket.socket, identity: int, port: socket.socket) -> object:
    order = {"id": identity, "protocol": "tcp", "address": SERVER[0], "port": SERVER[1]}
    socket.send_fds(control, [json.dumps(order).encode()], [port.fileno()])
    return json.loads(control.recv(1 << 12))
