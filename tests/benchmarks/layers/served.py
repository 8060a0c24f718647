"""`python -m tests.benchmarks.layers.served RECORDS serve`: pynet, which writes down where calls spend their time."""

import json
import sqlite3
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any, Final

from ipam import timed_lock
from ipam.store import journal
from plugin import deadline
from plugin.cli import main
from plugin.kernel import announcements, connection_reaper, host_ports
from plugin.kernel.netlink import conntrack, nf_transactions, rtnl
from plugin.kernel.proxy import proxy
from plugin.server import app, ipam_driver, network_driver
from plugin.server.worker import ThreadedWorker
from plugin.service import locks
from tests.benchmarks.layers import timers
from tests.benchmarks.layers.timers import at

HTTP: Final = "HTTP"
LAYERS: Final = (
    HTTP,
    "dispatch",
    "decoding",
    "Python of the services",
    "locks",
    "SQLite",
    "netlink",
    "nftables",
    "conntrack",
    "proxy",
    "ports",
)


class _Connection(sqlite3.Connection):
    """A connection whose statements are timed."""


class _Records:
    """A line for each call, written when it has been answered."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._methods: dict[int, str] = {}
        self._answer, self._handle = app.answered, ThreadedWorker._answer  # noqa: SLF001

    def answered(self, lookup: Any, method: str, *rest: Any) -> Any:
        self._methods[threading.get_ident()] = method
        return self._answer(lookup, method, *rest)

    def handled(self, worker: ThreadedWorker, listener: Any, client: Any) -> None:
        _, seconds = timers.recorded(HTTP, partial(self._handle, worker, listener, client))
        method = self._methods.pop(threading.get_ident(), None)
        if method is not None:
            self._file.write(json.dumps({"method": method, "seconds": seconds}) + "\n")


def install(path: Path) -> None:
    """Put timers at the doors of all layers."""
    at(app, "answered", "dispatch")
    at(app, "_serve", "Python of the services")
    for driver in (network_driver, ipam_driver):
        at(driver, "decode", "decoding")
    for lock in (deadline.TimedLock, timed_lock.TimedLock):
        at(lock, "__enter__", "locks")
    at(locks.Locks, "_enter", "locks")
    at(_Connection, "execute", "SQLite")
    at(journal.Journal, "sync", "SQLite")
    setattr(sqlite3, "connect", partial(sqlite3.connect, factory=_Connection))  # noqa: B010
    for name in ("__init__", "ask", "dump", "close"):
        at(rtnl.Rtnl, name, "netlink")
    at(announcements, "announce", "netlink")
    at(nf_transactions.NfTables, "change", "nftables")
    at(conntrack.Connections, "forget", "conntrack")
    at(connection_reaper.ConnectionReaper, "wait", "conntrack")
    for name in ("ensure", "remove", "carried"):
        at(proxy.Proxy, name, "proxy")
    for name in ("reserve", "ensure", "remove", "held"):
        at(host_ports.HostPorts, name, "ports")
    records = _Records(path)

    def handled(worker: ThreadedWorker, listener: Any, client: Any) -> None:
        records.handled(worker, listener, client)

    setattr(app, "answered", records.answered)  # noqa: B010
    setattr(ThreadedWorker, "_answer", handled)  # noqa: B010


if __name__ == "__main__":
    install(Path(sys.argv.pop(1)))
    main()
