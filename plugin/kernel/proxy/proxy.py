"""The plugin's side of the proxy: starts it when it is needed, and hands sockets over.

A port takes calls before its socket is handed over, so they wait in line while the process
starts.  If the process dies it is started again and given every port anew.
"""

import errno
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from plugin.errors import KernelError, PynetError, RefusedError
from plugin.kernel import open_files
from plugin.kernel.handler import OneByOne, Session
from plugin.kernel.proxy.places import Limits
from plugin.log import Log
from plugin.model.network import Protocol
from plugin.model.ports import HostPort, ProxiedPort

_log: Final = Log("proxy")
_RELAY: Final = "plugin.kernel.proxy.relay"
_TREE: Final = Path(__file__).parents[3]  # where the package is
_BACKLOG: Final = 128
# A slow host takes some for the start; a call has 16 in all.
_PATIENCE_SECONDS: Final = 12.0
# Its start takes a tenth of a second, which the first container with a port should seldom wait for.
_IDLE_SECONDS: Final = 600.0
_ANSWER_BYTES: Final = 1 << 12
_BUFFER: Final = 1 << 18  # bytes of datagrams that wait


class Proxy:
    """The ports that are carried, and the process that carries them."""

    def __init__(
        self,
        limits: Limits | None = None,
        patience: float = _PATIENCE_SECONDS,
        idle: float = _IDLE_SECONDS,
    ) -> None:
        self._limits = limits
        self._idle = idle  # seconds without a port, after which the process ends
        self._needed = time.monotonic()  # when a port needed it, as far as `rest` saw
        self.patience = patience  # seconds, for each answer of the process
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ports: dict[ProxiedPort, tuple[int, int]] = {}
        self._withdrawn = 0  # how many were, so far
        self._ids = itertools.count(1)

    def ensure(self, port: ProxiedPort, sock: socket.socket) -> None:
        """Carry what comes to ``sock``, the held port's socket.

        Raises RefusedError or KernelError if it is not carried; nothing of it is left then, and what else is
        carried goes on.
        """
        with self._lock:
            if port in self._ports and self._alive():
                return
            try:
                if port not in self._ports:
                    _open(port, sock)
                    self._ports[port] = (next(self._ids), sock.fileno())
                if self._alive():
                    self._hand_over(port)
                else:
                    self._start(port)
            except PynetError:
                self._withdraw(port)
                _shut(port, sock)
                raise

    def remove(self, port: ProxiedPort) -> None:
        """Stop carrying the port, and return when the process has closed it, too.

        Otherwise the next endpoint that wants the port, usually at once, would find it taken.
        """
        with self._lock:
            self._withdraw(port)

    def carried(self, ports: Iterable[ProxiedPort]) -> frozenset[ProxiedPort]:
        """Those of ``ports`` that are carried by a living process."""
        with self._lock:
            return frozenset(p for p in ports if p in self._ports) if self._alive() else frozenset()

    def state(self) -> object:
        """Equal as long as no port has ceased to be carried; None while no process is alive."""
        with self._lock:
            return (self._process, self._withdrawn) if self._alive() else None

    def rest(self) -> None:
        """End the process if no port has needed it for long: it takes 12 MiB."""
        with self._lock:
            if self._ports or not self._alive():
                self._needed = time.monotonic()
            elif time.monotonic() - self._needed >= self._idle:
                self._end()
                _log.info("proxy.rests")

    def close(self) -> None:
        """End the process; it sees the end of its input."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is None:
            return
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _withdraw(self, port: ProxiedPort) -> None:
        known = self._ports.pop(port, None)
        self._withdrawn += 1
        if known is not None and self._alive():
            try:
                self._order({"id": known[0]}, [])
            except KernelError as error:
                self._kill_unresponsive(error)  # it would keep the port's socket

    def _kill_unresponsive(self, reason: Exception) -> None:
        """Kill a relay that does not read its control socket: it still holds sockets of ports.

        What it carries is carried again by the next tick.
        """
        _log.warning("proxy.ended", reason=reason)
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _start(self, wanted: ProxiedPort) -> None:
        """Start the process and hand every port over; those that it does not take are forgotten."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        limits = [] if self._limits is None else [json.dumps(self._limits)]
        try:
            # -P and -S: neither the directory nor site-packages have anything it needs.
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-S", "-m", _RELAY, *limits],
                stdin=theirs.fileno(),
                env=_environment(),
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise open_files.refusal("the proxy cannot be started", error) from error
        finally:
            theirs.close()
        if self._control is not None:
            self._control.close()
        self._control = ours
        _log.info("proxy.started", pid=self._process.pid)
        refusal = None
        for port in list(self._ports):
            try:
                self._hand_over(port)
            except RefusedError as error:
                del self._ports[port]
                _log.error("proxy.refused", port=port.held.port, reason=error)
                refusal = error if port == wanted else refusal
        if refusal is not None:
            raise refusal

    def _hand_over(self, port: ProxiedPort) -> None:
        identity, descriptor = self._ports[port]
        order = {
            "id": identity,
            "protocol": port.held.protocol.text,
            "address": str(port.address),
            "port": port.port,
        }
        self._order(order, [descriptor])

    def _order(self, order: dict[str, object], descriptors: list[int]) -> None:
        """Give an order, and return when it is carried out.

        Raises RefusedError if the process refuses, and KernelError if it does not answer; it is
        ended then.
        """
        if self._control is None:
            return
        try:
            if self._control.gettimeout() != self.patience:  # which takes no system call
                self._control.settimeout(self.patience)
            socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
            answer = self._answer_to(order)
        except OSError as error:
            self._kill_unresponsive(error)
            raise KernelError(
                f"the proxy does not answer on its control socket: {error}"
            ) from error
        if "refused" in answer:
            raise RefusedError(f"the proxy does not carry the port: {answer['refused']}")

    def _answer_to(self, order: dict[str, object]) -> dict[str, object]:
        while self._control is not None and (data := self._control.recv(_ANSWER_BYTES)):
            answer: dict[str, object] = json.loads(data)
            if answer["id"] == order["id"]:  # an earlier order's may come too late
                return answer
        raise ConnectionResetError(errno.ECONNRESET, "it has ended")


class ProxiedPortHandler(OneByOne[ProxiedPort]):
    """The ports that are carried as host objects; ``socket_of`` answers for the port that is held."""

    def __init__(self, proxy: Proxy, socket_of: Callable[[HostPort], socket.socket]) -> None:
        self._proxy = proxy
        self._socket_of = socket_of

    def ensure_one(self, session: Session, value: ProxiedPort) -> None:
        self._proxy.ensure(value, self._socket_of(value.held))

    def remove_one(self, session: Session, value: ProxiedPort) -> None:
        self._proxy.remove(value)

    def read_one(self, session: Session, value: ProxiedPort) -> ProxiedPort | None:
        return value if self._proxy.carried([value]) else None

    def read(self, session: Session, values: Iterable[ProxiedPort]) -> Iterable[ProxiedPort]:
        return self._proxy.carried(values)

    def state(self, session: Session) -> object:
        return self._proxy.state()


def _environment() -> dict[str, str]:
    """That of this process, less what is for Python, of systemd or secret, and where the package is."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "NOTIFY_", "WATCHDOG_", "PYNET_SECRET"))
    }
    return kept | {"PYTHONPATH": os.fspath(_TREE)}


def _open(port: ProxiedPort, sock: socket.socket) -> None:
    """Let calls wait at the port until it is handed over."""
    try:
        if port.held.protocol is Protocol.UDP:
            # The port was held with the smallest buffer there is.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        else:
            # The kernel looks at the port once more, and ended connections of an earlier life of
            # it may be in TIME_WAIT: without this on both it would be refused
            # (net/ipv4/inet_connection_sock.c, inet_csk_listen_start).
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.listen(_BACKLOG)
    except OSError as error:
        raise KernelError(f"port {port.held.port} cannot be listened on: {error}") from error


def _shut(port: ProxiedPort, sock: socket.socket) -> None:
    """Refuse connections again: no process would answer them.  The port stays held."""
    if port.held.protocol is Protocol.TCP:
        with suppress(OSError):  # it did not listen
            sock.shutdown(socket.SHUT_RDWR)
