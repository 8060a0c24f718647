"""Addresses of a pool that were released just now, one of which may be a restarted container's.

An engine before 29 does not name the container in a request.  For ``docker restart`` it releases
the address and then asks for any.  So the request after a single release is that container's.
"""

from collections.abc import Iterator
from typing import Final

from ipam.prefixes import Address

# dockerd asks again some milliseconds after a release when it restarts a container, and a person
# who stops and starts one, or Compose on a busy host, takes a few seconds.  A longer time would
# give more addresses to other containers: the first request within it gets the address.
RESTART_SECONDS: Final = 5.0


class Returned:
    """The addresses that came back last and are still free, in memory only."""

    def __init__(self) -> None:
        self._times: dict[Address, float] = {}
        self._claimed: set[Address] = set()

    def add(self, address: Address, now: float, *, claimed: bool) -> None:
        """Record that an address came back; ``claimed`` if its holder asks for it by other means."""
        self.discard(address)
        self._times[address] = now
        if claimed:
            self._claimed.add(address)

    def discard(self, address: Address) -> None:
        """Record that the address is in use again."""
        self._times.pop(address, None)
        self._claimed.discard(address)

    def recent(self, now: float) -> Iterator[Address]:
        """Those of the last seconds, the earliest first."""
        while self._times:
            earliest, time = next(iter(self._times.items()))
            if 0 <= now - time <= RESTART_SECONDS:
                break
            self.discard(earliest)
        return iter(self._times)

    def is_claimed(self, address: Address) -> bool:
        """Whether its holder asks for it by other means than asking for any."""
        return address in self._claimed
