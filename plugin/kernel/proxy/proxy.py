"""The plugin's side of the proxy: starts it when it is needed, and hands sockets over.

A port takes calls before its socket is handed over, so they wait in line while the process
starts.  If the process dies it is started again and given every port anew.
"""

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from plugin.errors import KernelError
from plugin.log import Log
from plugin.model.network import Protocol
from plugin.model.resources import ProxiedPort

_log: Final = Log("proxy")
_RELAY: Final = Path(__file__).with_name("relay.py")
_BACKLOG: Final = 128
_PATIENCE_SECONDS: Final = 2.0
_ANSWER_BYTES: Final = 32  # a number
_BUFFER: Final = 1 << 18  # bytes of datagrams that wait


class Proxy:
    """The ports that are carried, and the process that carries them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ports: dict[ProxiedPort, tuple[int, int]] = {}
        self._ids = itertools.count(1)

    def ensure(self, port: ProxiedPort, sock: socket.socket) -> None:
        """Carry what comes to ``sock``, the held port's socket."""
        with self._lock:
            if port in self._ports and self._alive():
                return
            if port not in self._ports:
                if port.held.protocol is Protocol.UDP:
                    # The port was held with the smallest buffer there is.
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
                else:
                    # The kernel looks at the port once more, and ended connections of an earlier
                    # life of it may be in TIME_WAIT: without this on both it would be refused
                    # (net/ipv4/inet_connection_sock.c, inet_csk_listen_start).
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    sock.listen(_BACKLOG)
                self._ports[port] = (next(self._ids), sock.fileno())
            if self._alive():
                self._hand_over(port)
            else:
                self._start()

    def remove(self, port: ProxiedPort) -> None:
        """Carry it no more, and return when the process has let go of it too.

        Whoever wants the port next, at once as a rule, would find it taken.
        """
        with self._lock:
            known = self._ports.pop(port, None)
            if known is not None and self._alive():
                try:
                    self._tell({"id": known[0]}, [])
                    self._wait_for(known[0])
                except KernelError as error:
                    self._end_deaf(error)

    def carried(self, ports: Iterable[ProxiedPort]) -> frozenset[ProxiedPort]:
        """Those of ``ports`` that are carried by a living process."""
        with self._lock:
            return frozenset(p for p in ports if p in self._ports) if self._alive() else frozenset()

    def close(self) -> None:
        """End the process; it sees the end of its input."""
        with self._lock:
            if self._control is not None:
                self._control.close()
            if self._process is None:
                return
            try:
                self._process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _end_deaf(self, reason: KernelError) -> None:
        """End a process that takes no orders: it has the port's socket, too, and would keep it.

        What else it carries is carried again by the next tick.
        """
        _log.warning("proxy.ended", reason=reason)
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            # -I and -S: neither the environment nor site-packages have anything it needs.
            self._process = subprocess.Popen(  # noqa: S603 - our own file
                [sys.executable, "-I", "-S", os.fspath(_RELAY)], stdin=theirs.fileno()
            )
        except OSError as error:
            ours.close()
            raise KernelError(f"the proxy cannot be started: {error}") from error
        finally:
            theirs.close()
        if self._control is not None:
            self._control.close()
        # Orders wait in a buffer; one that does not read them must not keep a call waiting.
        ours.settimeout(_PATIENCE_SECONDS)
        self._control = ours
        _log.info("proxy.started", pid=self._process.pid)
        for port in self._ports:
            self._hand_over(port)

    def _hand_over(self, port: ProxiedPort) -> None:
        identity, descriptor = self._ports[port]
        order = {
            "id": identity,
            "protocol": port.held.protocol.text,
            "address": str(port.address),
            "port": port.port,
        }
        self._tell(order, [descriptor])

    def _wait_for(self, identity: int) -> None:
        """Return when the process says that the port is closed, or does not in time."""
        answer = b"0"
        try:
            while self._control is not None and answer and int(answer) != identity:
                answer = self._control.recv(_ANSWER_BYTES)
        except OSError as error:
            _log.warning("proxy.slow", reason=error)

    def _tell(self, order: dict[str, object], descriptors: list[int]) -> None:
        if self._control is None:
            return
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
        except OSError as error:
            raise KernelError(f"the proxy takes no orders: {error}") from error
