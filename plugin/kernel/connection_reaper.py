"""Ends connections of containers that are gone, in the background.

A look at the kernel's table takes 11 ms or more of a processor before Linux 6.8, even for one
connection: a third of what pynet spends on a whole life of a container.  So one look serves all containers that end
within a tenth of a second.  No longer: the next container often has the address of the last, begins
little later than that, and an endpoint that gets such an address waits until the look is over.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Final

from plugin import deadline
from plugin.errors import PynetError
from plugin.kernel.netlink.conntrack import Connections
from plugin.log import Log
from plugin.model.network import IPAddress

_log: Final = Log("connections")
_GATHER_SECONDS: Final = 0.1
_WAIT_SECONDS: Final = 10.0

_Done = Callable[[], object]


class ConnectionReaper:
    """Ends the connections of addresses whose container is gone."""

    def __init__(self) -> None:
        self._connections = Connections()
        self._changed = threading.Condition()
        self._wanted: list[tuple[frozenset[IPAddress], _Done]] = []
        self._pending: set[IPAddress] = set()  # also those that are looked for right now
        self._waiting = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="connections", daemon=True)
        self._thread.start()

    def end(self, addresses: Iterable[IPAddress], done: _Done) -> None:
        """Forget connections from and to ``addresses`` before long, and call ``done`` then."""
        with self._changed:
            if not self._wanted:
                self._changed.notify_all()
            self._wanted.append((frozenset(addresses), done))
            self._pending.update(addresses)

    def wait(self, addresses: Iterable[IPAddress] | None = None) -> None:
        """Return when none of ``addresses`` (of any) is pending, or is so for too long."""
        own = None if addresses is None else set(addresses)

        def is_over() -> bool:
            return not (self._pending if own is None else self._pending & own)

        with self._changed:
            if is_over():
                return
            self._waiting += 1
            self._changed.notify_all()
            ended = self._changed.wait_for(is_over, timeout=deadline.remaining(_WAIT_SECONDS))
            self._waiting -= 1
        if not ended:
            _log.warning("connections.slow", reason="those of a container that is gone do not end")

    def stop(self) -> None:
        """See to what is still wanted, and end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while wanted := self._next():
            gone = [address for addresses, _ in wanted for address in addresses]
            self._connections.forget_addresses(gone)
            for _, done in wanted:
                try:
                    done()
                except PynetError as error:
                    _log.error("connections.ended", reason=error)  # the tick does it again
            with self._changed:
                self._pending = {each for addresses, _ in self._wanted for each in addresses}
                self._changed.notify_all()
        self._connections.close()

    def _next(self) -> list[tuple[frozenset[IPAddress], _Done]]:
        """Return when there is something to look for; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanted or self._stopped)
            # Once a caller waits, gather no more addresses.
            self._changed.wait_for(lambda: self._waiting or self._stopped, _GATHER_SECONDS)
            wanted, self._wanted = self._wanted, []
            return wanted
