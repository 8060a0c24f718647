"""TCP between a machine and a container, timed from the outside.

Plain sockets, opened in the namespaces of either end: the receiver is a process of its own that
does nothing but recv_into, and the sender does nothing but sendall, so that both spend their
time in the kernel.
"""

import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.lab.netns import inside

MEBIBYTE: Final = 1 << 20
_CHUNK: Final = 1 << 18
_COUNT: Final = struct.Struct("!Q")
_TIMEOUT: Final = 30.0
# SO_LINGER that closes with a reset: thousands of connections leave no TIME_WAIT behind.
_RESET: Final = struct.pack("ii", 1, 0)


class Sink:
    """A server in a namespace: swallows what comes, then says how much it was."""

    def __init__(self, netns: Path, port: int) -> None:
        with inside(netns):
            listener = socket.create_server(("0.0.0.0", port), backlog=1024)
        with listener:
            self._process = get_context("spawn").Process(target=_swallow, args=(listener,))
            self._process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.join()


def send(netns: Path, address: object, port: int, size: int, streams: int = 1) -> float:
    """Send so many bytes over new connections; return bytes per second until all had arrived."""
    with inside(netns), ExitStack() as undo:
        connections = [
            undo.enter_context(socket.create_connection((str(address), port), _TIMEOUT))
            for _ in range(streams)
        ]
        started = time.perf_counter()
        if streams == 1:
            answers = [_send(connections[0], size)]
        else:
            with ThreadPoolExecutor(streams) as pool:
                answers = list(pool.map(_send, connections, [size // streams] * streams))
        elapsed = time.perf_counter() - started
    if answers != [_COUNT.pack(size // streams)] * streams:
        raise OSError(f"{address}:{port} received {answers!r} of {size} bytes")
    return size / elapsed


def _send(connection: socket.socket, size: int) -> bytes:
    chunk = bytes(_CHUNK)
    for _ in range(size // _CHUNK):
        connection.sendall(chunk)
    connection.shutdown(socket.SHUT_WR)
    return connection.recv(_COUNT.size, socket.MSG_WAITALL)


def connect(netns: Path, address: object, port: int, count: int) -> list[float]:
    """Connect so many times; return the seconds of each: of its first packet and the answer."""
    with inside(netns):
        sockets = [socket.socket() for _ in range(count)]
    seconds = []
    for sock in sockets:
        with sock:
            sock.settimeout(_TIMEOUT)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            started = time.perf_counter()
            sock.connect((str(address), port))
            seconds.append(time.perf_counter() - started)
    return seconds


def _swallow(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_count, args=(connection,)).start()


def _count(connection: socket.socket) -> None:
    buffer, count = bytearray(_CHUNK), 0
    with connection, suppress(ConnectionError):  # one that was only to be made
        while received := connection.recv_into(buffer):
            count += received
        connection.sendall(_COUNT.pack(count))
