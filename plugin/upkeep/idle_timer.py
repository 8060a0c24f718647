"""Measure how long a thing has been unused that dockerd may have forgotten.

A dockerd that was killed never deletes what it had made and not yet saved.  With another IPAM it
does not delete endpoints of dead containers either.  The protocol reports neither.  So a
thing counts as forgotten only after it has been unused for long.  The clock belongs to this
process: a restart starts the time again, which only means more patience.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

ENDPOINT_SECONDS: Final = 600.0  # one that was never joined: dockerd joins within milliseconds
LEFT_SECONDS: Final = 90.0  # one that was: DeleteEndpoint follows Leave, and is tried for 30 s
INHERITED_SECONDS: Final = 2.0  # one that was joined when pynet started, and whose sandbox is over
NETWORK_SECONDS: Final = 60.0  # DeleteNetwork follows the release of the pools at once


class IdleTimer:
    """Remembers since when each was seen idle; one that is not seen so again is forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, dict[str, float]] = {}

    def due(self, scope: str, idle: Mapping[str, float]) -> frozenset[str]:
        """Those of ``idle`` that have been idle for long enough: the seconds that each maps to.

        ``idle`` is all that is idle in ``scope`` now.
        """
        now = self._clock()
        before = self._since.pop(scope, {})
        since = {each: before.get(each, now) for each in idle}
        if since:
            self._since[scope] = since
        return frozenset(each for each, begin in since.items() if now - begin >= idle[each])

    def keep(self, scopes: Iterable[str]) -> None:
        """Forget what was idle in other scopes than ``scopes``."""
        self._since = {each: self._since[each] for each in scopes if each in self._since}
