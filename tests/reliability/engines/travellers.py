"""Traffic that must not notice: a ping every 10 ms, and a TCP connection that is never idle."""

import os
import socket
import struct
import threading
import time
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.lab.netns import inside

PING_INTERVAL: Final = 0.01  # seconds, as `ping -i 0.01`
PATIENCE: Final = 30.0  # for the last answers
ECHO_REQUEST: Final = 8  # RFC 792, as the next
ECHO_REPLY: Final = 0
ICMP: Final = struct.Struct("!BBHHHI")  # header and, as our data, a number
IP_HEADER: Final = 20
WORD: Final = struct.Struct("!Q")


class Ping:
    """Pings from a namespace while it is entered, and counts what came back."""

    def __init__(
        self, netns: Path, target: IPv4Address, *, interval: float = PING_INTERVAL
    ) -> None:
        self._interval = interval
        with inside(netns):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.settimeout(1)
        self._target = (str(target), 0)
        self._identity = int.from_bytes(os.urandom(2), "big")
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._ask, self._hear)]
        self.sent = 0
        self.heard: set[int] = set()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()

    @property
    def lost(self) -> int:
        return self.sent - len(self.heard)

    def _ask(self) -> None:
        while not self._ended.wait(self._interval):
            try:
                self._socket.sendto(_echo_request(self._identity, self.sent), self._target)
            finally:
                self.sent += 1

    def _hear(self) -> None:
        deadline = None
        while deadline is None or (self.lost and time.monotonic() < deadline):
            if deadline is None and self._ended.is_set():
                deadline = time.monotonic() + PATIENCE
            try:
                packet = self._socket.recv(2048)[IP_HEADER:]
            except TimeoutError:
                continue
            kind, _, _, identity, _, number = ICMP.unpack_from(packet)
            if (kind, identity) == (ECHO_REPLY, self._identity):
                self.heard.add(number)


class Stream:
    """One TCP connection to an echo server, from a namespace, with something always under way."""

    def __init__(self, netns: Path, address: IPv4Address, port: int) -> None:
        with inside(netns):
            self._socket = socket.create_connection((str(address), port))
        self._socket.settimeout(PATIENCE)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._talk)
        self.echoes = 0
        self.longest_pause = 0.0
        self.failure = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _talk(self) -> None:
        while not self._ended.wait(0.001):
            word = WORD.pack(self.echoes)
            began = time.monotonic()
            try:
                self._socket.sendall(word)
                echo = self._socket.recv(WORD.size, socket.MSG_WAITALL)
            except OSError as error:
                self.failure = f"after {self.echoes} echoes: {error!r}"
                return
            if echo != word:
                self.failure = f"after {self.echoes} echoes: sent {word!r}, got {echo!r}"
                return
            self.longest_pause = max(self.longest_pause, time.monotonic() - began)
            self.echoes += 1


def _echo_request(identity: int, number: int) -> bytes:
    blank = ICMP.pack(ECHO_REQUEST, 0, 0, identity, number & 0xFFFF, number)
    return ICMP.pack(ECHO_REQUEST, 0, _checksum(blank), identity, number & 0xFFFF, number)


def _checksum(data: bytes) -> int:
    """RFC 1071: the ones' complement of the ones' complement sum of 16-bit words."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
