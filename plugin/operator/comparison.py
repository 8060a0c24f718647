"""Keep the result of a recent comparison, so that ``pynet status`` shows what ``pynet check`` finds.

A comparison of a host with hundreds of networks takes longer than people wait for a status.  So
another thread makes it, and each caller gets the last result that is there in time.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ipam.errors import IpamError
from plugin.errors import PynetError, reasons
from plugin.log import Log
from plugin.operator.base import PASSING, Row

_log: Final = Log("comparison")
_FRESH_SECONDS: Final = 1.0  # however often a status is asked for
_REST: Final = 4  # times as long as a comparison took: it keeps networks' locks in turn
_PASSING_SECONDS: Final = 2.0  # a container that starts or ends is through with it by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a comparison found; ``failure`` says why there was none.

    ``at`` is Unix time.
    """

    at: float
    rows: tuple[Row, ...] = ()
    failure: str = ""
    seconds: float = 0.0  # that it took


class Comparison:
    """Compares when it is asked and the last result is old; at most one comparison at a time."""

    def __init__(
        self, compare: Callable[[], list[Row]], clock: Callable[[], float] = time.time
    ) -> None:
        self._compare = compare
        self._clock = clock
        self._lock = threading.Lock()
        self._last: Compared | None = None
        self._running: threading.Thread | None = None
        self._passing: dict[tuple[str, ...], float] = {}  # since when each was seen

    def latest(self, patience: float) -> Compared | None:
        """The last result, from now if there is one within ``patience`` seconds; None before that.

        Where the last comparison took longer than that, nobody waits for the next.
        """
        with self._lock:
            running = self._running
            if running is None and not self._is_fresh():
                running = threading.Thread(target=self._run, name="comparison", daemon=True)
                self._running = running
                running.start()
            last = self._last
        if running is not None and (last is None or last.seconds <= patience):
            running.join(patience)
        return self._last

    def _is_fresh(self) -> bool:
        last = self._last
        if last is None:
            return False
        return self._clock() - last.at < max(_FRESH_SECONDS, _REST * last.seconds)

    def _run(self) -> None:
        began = self._clock()
        found = self._compared()
        found = replace(found, seconds=max(0.0, found.at - began))
        with self._lock:
            self._last = found
            self._running = None

    def _compared(self) -> Compared:
        try:
            rows = self._compare()
        except (PynetError, IpamError, ExceptionGroup) as error:
            return Compared(at=self._clock(), failure=reasons(error))
        except Exception as error:  # noqa: BLE001 - the next status must be able to compare again
            _log.exception("comparison.fault")
            reason = f"internal error ({type(error).__name__}: {error})"
            return Compared(at=self._clock(), failure=reason)
        return Compared(at=self._clock(), rows=tuple(filter(self._stays, self._noted(rows))))

    def _noted(self, rows: list[Row]) -> list[Row]:
        now = self._clock()
        passing = [_key(row) for row in rows if row["fault"] in PASSING]
        self._passing = {key: self._passing.get(key, now) for key in passing}
        return rows

    def _stays(self, row: Row) -> bool:
        since = self._passing.get(_key(row))
        return since is None or self._clock() - since >= _PASSING_SECONDS


def _key(row: Row) -> tuple[str, ...]:
    return (row["network"], row["kind"], row["which"], row["fault"])
