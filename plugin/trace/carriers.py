"""Programs of the host that carry a port into a container: pynet's proxy, and Docker's."""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from plugin.trace.listeners import Listener
from plugin.trace.packet import IPAddress, Packet

_RELAY: Final = "plugin.kernel.proxy.relay"
_DOCKERS: Final = "docker-proxy"
_ANY: Final = ("*", "0.0.0.0", "::")  # noqa: S104 - names of sockets


def command_line(pid: int) -> Sequence[str]:
    """The words that a process was started with; none of one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ()


class PublishedPorts:
    """What pynet publishes, as ``pynet ports --json`` lists it, and what Docker's proxies carry."""

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        words: Callable[[int], Sequence[str]] = command_line,
    ) -> None:
        self._rows = rows
        self._words = words

    def carried(self, packet: Packet, listener: Listener) -> tuple[IPAddress, int] | None:
        """Where the program behind a socket carries what comes to it; None if it does not."""
        for _, pid in listener.processes:
            words = self._words(pid)
            if _RELAY in words:
                row = self._row(listener)
                return (
                    None if row is None else (ip_address(row["container"]), row["container_port"])
                )
            if words and words[0].endswith(_DOCKERS):
                return _of_docker(words)
        return None

    def is_held(self, listener: Listener) -> bool:
        """Whether the socket only keeps a published port from other programs."""
        return self._row(listener) is not None

    def _row(self, listener: Listener) -> Mapping[str, Any] | None:
        for row in self._rows:
            if (row["protocol"], row["host_port"]) != (listener.protocol, listener.port):
                continue
            if row["host"] == listener.address or {row["host"], listener.address} <= set(_ANY):
                return row
        return None


def _of_docker(words: Sequence[str]) -> tuple[IPAddress, int] | None:
    given = dict(pairwise(words))
    try:
        return ip_address(given["-container-ip"]), int(given["-container-port"])
    except (KeyError, ValueError):
        return None
