"""Every place where the plugin changes something: there it can be killed, or be refused.

The product knows nothing of this: in a process that is made for it, the few functions through
which all changes go are replaced by ones that count first.  What the reapers of links and of connections
do in the background is counted apart, because it comes when it comes.
"""

import errno
import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from plugin.errors import FirewallError, KernelError
from plugin.firewall import iptables
from plugin.kernel import host_ports
from plugin.kernel.links import shaping, sysctls
from plugin.kernel.netlink import conntrack, nf_transactions, rtnl
from plugin.kernel.proxy import proxy
from plugin.kernel.wireguard import process
from plugin.server import envelope

REAPER: Final = "reaper"
CONNECTIONS: Final = "connections"
CALL: Final = "call"
_CHANGES: Final = {
    16: "link",
    17: "deletion",
    19: "port flag",
    20: "address",
    21: "address off",
    24: "route",
    25: "route off",
    28: "neighbour",
    29: "neighbour off",
}
_DISK_FULL: Final = "database or disk is full"


class End(Enum):
    """What becomes of the plugin at the point."""

    WORKER_DIES = "worker dies"  # as after a fault in a library: gunicorn starts another
    ALL_DIE = "all die"  # as after kill -9 of the service, or a loss of power
    REFUSED = "refused"  # what is done there fails, once
    BROKEN = "broken"  # it fails, and so does everything of its kind after it


@dataclass(slots=True)
class Points:
    """Counts the points of one call, and ends it at the one numbered ``at``."""

    at: int | None = None
    end: End = End.ALL_DIE
    where: str = CALL
    names: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _broken: str | None = None

    def arm(self, at: int | None, end: End = End.ALL_DIE, where: str = CALL) -> list[str]:
        """Count from the beginning; answers what was counted before."""
        with self._lock:
            counted, self.names = self.names, []
            self.at, self.end, self.where, self._broken = at, end, where, None
        return counted

    def reach(self, name: str, error: Callable[[], Exception] | None) -> None:
        """Something is about to be changed, or to be answered.

        ``error`` makes what the place itself would raise; None where nothing can fail.
        """
        thread = threading.current_thread().name
        where = thread if thread in (REAPER, CONNECTIONS) else CALL
        with self._lock:
            if where != self.where:
                return
            number = len(self.names)
            self.names.append(name)
            reached = number == self.at
            again = self._broken == name
        if reached and self.end in (End.ALL_DIE, End.WORKER_DIES):
            _die(self.end)
        if error is not None and (reached or again):
            self._broken = name if self.end is End.BROKEN else None
            raise error()


def install(points: Points) -> None:
    """Have this process, and those it forks, go by the points."""

    def before(owner: Any, attribute: str, name: Any, error: Any) -> None:
        original = getattr(owner, attribute)

        def counted(*arguments: Any, **named: Any) -> Any:
            point = name(*arguments) if callable(name) else name
            if point is not None:
                points.reach(point, error)
            return original(*arguments, **named)

        setattr(owner, attribute, counted)

    kernel = _raiser(KernelError, "out of memory")
    iptables_refuses = _raiser(FirewallError, "iptables refused")
    before(rtnl.Rtnl, "ask", _change, lambda: rtnl.RtnlError(errno.ENOBUFS, ""))
    before(sysctls, "ensure", _setting, kernel)
    before(shaping.RateLimitHandler, "ensure_one", "queue", kernel)
    before(shaping, "_redirect", "queue", kernel)
    before(conntrack, "_connections", "connections", lambda: OSError(errno.EIO, "no"))
    before(host_ports, "_bound", "port", kernel)
    before(host_ports.HostPorts, "_release", "port off", None)
    before(proxy.Proxy, "_start", "proxy", kernel)
    before(proxy.Proxy, "_order", "order", kernel)
    before(process, "_start", "wireguard-go", kernel)
    before(process, "_set", "wireguard", kernel)
    before(nf_transactions.NfTables, "_commit", "rules", kernel)
    before(iptables, "call", "iptables", iptables_refuses)
    before(envelope, "reply", "answer", None)
    _count_commits(points)


def _count_commits(points: Points) -> None:
    """Have connections to SQLite reach a point before they make a change durable."""
    connect = sqlite3.connect

    class Counting(sqlite3.Connection):
        name = ""
        committed = 0

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement == "COMMIT" and self.total_changes != self.committed:
                points.reach(self.name, lambda: sqlite3.OperationalError(_DISK_FULL))
                self.committed = self.total_changes
            return super().execute(statement, *values)

    def counting(path: Any, *arguments: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(path, *arguments, factory=Counting, **named)
        connection.name = Path(str(path)).stem
        return connection

    sqlite3.connect = counting  # type: ignore[assignment]


def _change(conversation: rtnl.Rtnl, kind: int, flags: int, body: bytes) -> str | None:
    return _CHANGES.get(kind)


def _setting(sysctl: Any, root: Any) -> str | None:
    return "setting" if sysctls.read(sysctl, root) not in (None, sysctl) else None


def _raiser(kind: Callable[[str], Exception], text: str) -> Callable[[], Exception]:
    return lambda: kind(text)


def _die(end: End) -> None:
    if end is End.ALL_DIE:
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
