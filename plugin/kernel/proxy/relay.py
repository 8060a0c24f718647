"""The process that carries bytes between held ports and containers.

It imports nothing of pynet but its siblings, so that it costs 10 MiB and starts at once.
Standard input is a socket on which pynet hands over listening sockets: a message is JSON,
``{"id": 7, "protocol": "tcp", "address": "10.1.0.2", "port": 80}`` with the socket attached, or
``{"id": 7}`` when the port is withdrawn.  Each is answered: ``{"id": 7}`` when it is done, or
``{"id": 7, "refused": "why"}``.  When pynet ends, so does this process.
"""

import contextlib
import json
import resource
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final

from plugin.kernel.proxy.confinement import confine
from plugin.kernel.proxy.datagrams import Datagrams
from plugin.kernel.proxy.loop import IN, Loop
from plugin.kernel.proxy.places import Bounds, Limits, Places
from plugin.kernel.proxy.streams import Listener, Pipe

_LARGEST_ORDER: Final = 1 << 16
_MOST: Final = 8192  # connections, and UDP sessions: some 200 MiB in the kernel and in this process
_OWN_FILES: Final = 32
# What conntrack gives a translated connection (nf_conntrack_tcp_timeout_established).
_TCP_IDLE_SECONDS: Final = 432_000.0
_UDP_IDLE_SECONDS: Final = 90.0


class Relay:
    """The ports, and those who use them."""

    def __init__(self, control: socket.socket, limits: Limits) -> None:
        self._control = control
        self._most_ports = limits.ports
        self._ports: dict[int, Listener | Datagrams] = {}
        self._loop = Loop()
        self._pipe = Pipe()
        self._connections = Places(limits.connections)
        self._sessions = Places(limits.sessions)
        self._answers: list[dict[str, object]] = []
        self._ended = False
        control.settimeout(0)
        self._loop.watch(control, IN, self._obey)

    def run(self) -> None:
        """Serve until the other side of the control socket is gone."""
        while not self._ended:
            now = self._loop.now
            self._loop.turn(min(self._connections.expire(now), self._sessions.expire(now)))
            for answer in self._answers:
                with contextlib.suppress(OSError):  # the plugin may have closed its end
                    self._control.send(json.dumps(answer).encode())
            self._answers.clear()

    def _obey(self, _: int) -> None:
        try:
            message, handed, _, _ = socket.recv_fds(self._control, _LARGEST_ORDER, 1)
        except BlockingIOError:
            return
        except OSError:
            self._ended = True
            return
        if not message:
            self._ended = True
            return
        order = json.loads(message)
        answer: dict[str, object] = {"id": order["id"]}
        if "port" in order:
            refusal = self._carry(order, handed)
            if refusal:
                answer["refused"] = refusal
        elif port := self._ports.pop(order["id"], None):
            port.close()
        # Sent when the turn is over: what was closed in it is closed then.
        self._answers.append(answer)

    def _carry(self, order: dict[str, Any], handed: list[int]) -> str:
        """Why the port cannot be carried; empty if it is."""
        if not handed:
            return "it may open no more files"
        sock = socket.socket(fileno=handed[0])
        if len(self._ports) >= self._most_ports:
            sock.close()
            return f"it carries {self._most_ports} ports, and has no files for more"
        target = (order["address"], order["port"])
        identity = order["id"]
        self._ports[identity] = (
            Datagrams(self._loop, self._sessions, identity, sock, target)
            if order["protocol"] == "udp"
            else Listener(self._loop, self._connections, self._pipe, identity, sock, target)
        )
        return ""


def main(arguments: Sequence[str]) -> None:
    """Carry what is handed over on standard input, within limits that may be given as JSON."""
    files = _take_all_files()
    limits = _parse_limits(arguments[0]) if arguments else _default_limits(files)
    relay = Relay(socket.socket(fileno=0), limits)
    confine()
    relay.run()


def _default_limits(files: int) -> Limits:
    """A quarter of the files for connections, of two each, and an eighth for UDP sessions.

    The rest is more than pynet can hold ports, which take two files of its own each.
    """
    most = min(_MOST, files // 8)
    return Limits(
        connections=Bounds(most, most // 2, most // 4, _TCP_IDLE_SECONDS),
        sessions=Bounds(most, most // 2, most // 4, _UDP_IDLE_SECONDS),
        ports=files - 3 * most - _OWN_FILES,
    )


def _parse_limits(text: str) -> Limits:
    connections, sessions, ports = json.loads(text)
    return Limits(Bounds(*connections), Bounds(*sessions), ports)


def _take_all_files() -> int:
    """1024 is what a process may have unless it asks."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


if __name__ == "__main__":
    main(sys.argv[1:])
