"""Network namespaces without names: what is not held any more is gone, however a test ended.

The test's own thread enters a namespace.  Sockets, processes and threads that it makes
belong to the namespace it is in at that moment.
"""

import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_CLONE_NEWNET: Final = 0x40000000  # linux/sched.h
_SIOCGIFFLAGS: Final = 0x8913  # linux/sockios.h
_IFF_RUNNING: Final = 0x40  # linux/if.h: up, and the kernel has taken note of the carrier
_DEADLINE: Final = 60.0
_POLL: Final = 0.005
_HERE: Final = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


class Netns:
    """A namespace of its own, with its loopback up."""

    def __init__(self) -> None:
        with _coming_back():
            _check(_libc.unshare(_CLONE_NEWNET), "unshare")
            self._fd = os.open(_HERE, os.O_RDONLY)
        self.ip("link set lo up")

    @property
    def path(self) -> str:
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be in the namespace for the block."""
        with _coming_back():
            _check(_libc.setns(self._fd, _CLONE_NEWNET), "setns")
            yield

    def run(self, *argv: str, stdin: str = "") -> str:
        """Run a program in the namespace."""
        with self.entered():
            done = subprocess.run(
                argv, input=stdin, capture_output=True, text=True, timeout=60, check=False
            )
        assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr or done.stdout} {stdin}"
        return done.stdout

    def ip(self, *commands: str) -> None:
        """Run ``ip`` commands."""
        self.run("ip", "-batch", "-", stdin="\n".join(commands))

    def sysctl(self, name: str, value: str | int) -> None:
        with self.entered(), open(f"/proc/sys/{name}", "w") as file:  # noqa: PTH123
            file.write(str(value))

    def index_of(self, ifname: str) -> int:
        with self.entered():
            return socket.if_nametoindex(ifname)

    def mac_of(self, ifname: str) -> str:
        (link,) = json.loads(self.run("ip", "-json", "link", "show", "dev", ifname))
        return str(link["address"])

    def socket(
        self, family: socket.AddressFamily, kind: socket.SocketKind, protocol: int = 0
    ) -> socket.socket:
        """A socket of the namespace, usable from any other; it gives up after a while."""
        with self.entered():
            # Raw sockets are for segments of TCP here.
            raw = family == socket.AF_INET and kind == socket.SOCK_RAW
            sock = socket.socket(family, kind, socket.IPPROTO_TCP if raw else protocol)
        sock.settimeout(_DEADLINE)
        return sock

    def wait_for_carrier(self, ifname: str) -> None:
        """Return when the link carries packets: the kernel may take a second to notice."""
        with self.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            wait_until(lambda: _flags(sock, ifname) & _IFF_RUNNING, f"{ifname} is not running")

    def close(self) -> None:
        os.close(self._fd)


def wait_until(condition: Callable[[], object], complaint: str) -> None:
    """Return when the condition holds; there is a deadline."""
    end = time.monotonic() + _DEADLINE
    while not condition():
        assert time.monotonic() < end, complaint
        time.sleep(_POLL)


def _flags(sock: socket.socket, ifname: str) -> int:
    request = struct.pack("16sh22x", ifname.encode(), 0)
    answer = fcntl.ioctl(sock, _SIOCGIFFLAGS, request)
    return int(struct.unpack_from("16sH", answer)[1])


@contextmanager
def _coming_back() -> Iterator[None]:
    here = os.open(_HERE, os.O_RDONLY)
    try:
        yield
    finally:
        _check(_libc.setns(here, _CLONE_NEWNET), "setns back")
        os.close(here)


def _check(result: int, what: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
