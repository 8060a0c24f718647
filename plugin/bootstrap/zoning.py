"""Looks after firewalld's zones in a thread of its own: firewalld may take seconds to answer."""

import re
import threading
from collections.abc import Callable
from typing import Final

from plugin.kernel.watches import FirewalldWatch, ParentWatch
from plugin.log import Log

_log: Final = Log("zones")
# Links by which containers come in (plugin.model.ids); those that users name wait for the tick.
_OURS: Final = re.compile(r"pn[bh]-[0-9a-f]{11}")
_RETRY_SECONDS: Final = 2.0  # firewalld has its table before it answers
_GATHER_SECONDS: Final = 0.1  # a reload is many changes
# An engine that meets firewalld again may have it reloaded once more.
_SECOND_LOOKS: Final = (1.0, 2.0, 5.0)
_END_SECONDS: Final = 5.0


class Zoning:
    """Looks when a link of ours or firewalld's table came or went, and every tick.

    Raises KernelError if it can hear of neither.
    """

    def __init__(self, look_after: Callable[[], bool], tick: float) -> None:
        self._look_after = look_after
        self._tick = tick
        self._due = threading.Event()
        self._stopped = threading.Event()
        FirewalldWatch(self._due.set)
        ParentWatch(lambda name: _OURS.fullmatch(name) is not None, self._due.set)
        self._thread = threading.Thread(target=self._run, name="zoning", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._due.set()
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        looks = list(_SECOND_LOOKS)
        while not self._stopped.is_set():
            try:
                done = self._look_after()
            except Exception:  # noqa: BLE001 - a fault in one look must not be the last look
                _log.exception("zones.fault")
                done = True
            patience = _RETRY_SECONDS if not done else looks.pop(0) if looks else self._tick
            if self._due.wait(min(self._tick, patience)):
                self._stopped.wait(_GATHER_SECONDS)
                self._due.clear()
                looks = list(_SECOND_LOOKS)
