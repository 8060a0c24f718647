"""Show the cluster that this host runs, and report in the health when that is not possible.

etcd may take seconds to be silent, so this is a thread of its own: nothing else waits for it.
"""

import threading
from collections.abc import Callable
from typing import Final, Protocol

from plugin.errors import ClusterAwayError, PynetError, reasons
from plugin.health import Health
from plugin.log import Log

PERIOD: Final = 10.0  # seconds; a third of what a host's session lasts without
_RETRY: Final = 3.0
_END_SECONDS: Final = 5.0
_WHAT: Final = "cluster"
_log: Final = Log("cluster")


class Shared(Protocol):
    """This host's part of a cluster."""

    def attend(self) -> None:
        """Show that this host runs, and look after its part.

        Raises ClusterAwayError if etcd does not answer, RefusedError if the cluster refuses this host, and
        StoreError.
        """

    def report_to(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` when there is something to look after before its time."""


class ClusterSession:
    """Attends every ``period`` seconds; sooner while that fails, and when something has changed."""

    def __init__(self, shared: Shared, health: Health, *, period: float = PERIOD) -> None:
        self._shared = shared
        self._health = health
        self._period = period
        self._failure = ""
        self._stopped = threading.Event()
        self._due = threading.Event()
        shared.report_to(self._due.set)
        self._thread = threading.Thread(target=self._run, name="cluster", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Attend no more."""
        self._stopped.set()
        self._due.set()
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._due.clear()
            if self._attended():
                self._due.wait(self._period)
            else:
                self._stopped.wait(min(_RETRY, self._period))

    def _attended(self) -> bool:
        try:
            self._shared.attend()
        except ClusterAwayError as error:
            self._report(
                str(error),
                "containers run on, and start from addresses that this host has already; new networks of the "
                "cluster and further addresses are refused",
                "bring a majority of etcd's members back, or the way to them",
            )
        except (PynetError, ExceptionGroup) as error:
            self._report(
                reasons(error),
                "containers run on, and no address of the cluster's pools is given here",
                "do what the reason says; pynet tries again by itself",
            )
        except Exception as error:  # noqa: BLE001 - a fault must not be the last attempt
            _log.exception("session.fault")
            self._report(f"internal error ({type(error).__name__})", "see the log", "report it")
        else:
            if self._failure:
                _log.info("session.resumed")
            self._failure = ""
            self._health.recover(_WHAT)
            return True
        return False

    def _report(self, reason: str, meaning: str, remedy: str) -> None:
        if self._failure != meaning:
            _log.error("session.failed", reason=reason)
        self._failure = meaning
        self._health.degrade(_WHAT, f"{reason}; {meaning}", remedy)
