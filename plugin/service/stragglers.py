"""What dockerd seems to have forgotten without a word, and for how long.

A dockerd that was killed never deletes what it had made and not yet noted, nor, where the
addresses are another IPAM's, what its dead containers had.  Nothing in the protocol tells; so
a thing must have been in nobody's use for long before it is taken for forgotten.  The clock is
this process's: a restart begins anew, which only means more patience.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

ENDPOINT_SECONDS: Final = 600.0  # dockerd joins, and deletes, within milliseconds
NETWORK_SECONDS: Final = 60.0  # DeleteNetwork follows the release of the pools at once


class Stragglers:
    """Remembers since when each was seen idle; one that is not seen so again is forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, dict[str, float]] = {}

    def due(self, scope: str, idle: Iterable[str], seconds: float) -> frozenset[str]:
        """Those of ``idle``, which is all that is idle in ``scope`` now, that are so for long."""
        now = self._clock()
        before = self._since.pop(scope, {})
        since = {each: before.get(each, now) for each in idle}
        if since:
            self._since[scope] = since
        return frozenset(each for each, begin in since.items() if now - begin >= seconds)
