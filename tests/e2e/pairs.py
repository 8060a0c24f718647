"""Who reaches whom on an engine, as tables: every ordered pair of networks.

What Docker does between its own networks is in them too: it is what people compare with, and
shows that pynet is not in its way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from plugin.model.network import Protocol
from tests.e2e.crossroads import FIRST_HOST_PORT, KINDS, OPEN, PUBLISHED, Crossroads, Sandbox
from tests.kernel.exchange import Answer
from tests.kernel.published import PROTOCOLS

# Each cell has three answers: at the container's own address on a port that is not published,
# there on one that is, and at the host's address.  On the diagonal a neighbour asks.
# R: reached.  d: dropped, or the asker finds no way.  x: refused by the host, for nothing is
# published there.  .: it cannot be asked.
# Docker's own: A: reached if the policy of FORWARD is ACCEPT, else dropped.  B: reached unless
# the policy is DROP and bridged packets pass it.  T: by TCP only, because the proxy of this
# engine answers datagrams from another address than the one that was asked.
_TABLES: Final = {
    ("28", 4): """
              nat  routed  isolated  shut  user  docker0
    nat       RRR  dRx     ddx       ddR   ddR   ddR
    routed    ddR  RRx     ddx       ddR   ddR   ddR
    isolated  ddd  ddd     RRd       ddd   ddd   ddd
    shut      ddR  dRx     ddx       ddR   ddR   ddR
    user      ddR  dRx     ddx       ddR   RRR   ddR
    docker0   ddR  dRx     ddx       ddR   ddR   RRR
    lan       ddR  dRx     ddx       ddR   ddR   ddR
    host      RRR  RRx     RRx       RRR   RRR   RRR
""",
    # docker0 has no IPv6; but what is published of it is, by Docker's proxy.
    ("28", 6): """
              nat  routed  isolated  shut  user  docker0
    nat       RRR  dRx     ..x       ddR   ddR   ..R
    routed    ddR  RRx     ..x       ddR   ddR   ..R
    isolated  ddd  ddd     RRd       ddd   ddd   ..d
    shut      ddR  dRx     ..x       ddR   ddR   ..R
    user      ddR  dRx     ..x       ddR   RRR   ..R
    docker0   ddd  ddd     ..d       ddd   ddd   ..d
    lan       ddR  dRx     ..x       ddR   ddR   ..R
    host      RRR  RRx     ..x       RRR   RRR   ..R
""",
    # This engine leaves the ports of its containers open to the LAN if the policy does.
    ("20.10", 4): """
              nat  routed  isolated  shut  user  docker0
    nat       RRR  dRx     ddx       ddR   ddR   ddR
    routed    ddR  RRx     ddx       ddR   ddR   ddR
    isolated  ddd  ddd     RRd       ddd   ddd   ddd
    shut      ddR  dRx     ddx       ddR   ddR   ddR
    user      ddR  dRx     ddx       ddR   RRT   ddT
    docker0   ddR  dRx     ddx       ddR   ddT   RRT
    lan       ddR  dRx     ddx       ddR   ARR   ARR
    host      RRR  RRx     RRx       RRR   RRR   RRR
""",
    # It has no rules for IPv6, and a proxy in their place.
    ("20.10", 6): """
              nat  routed  isolated  shut  user  docker0
    nat       RRR  dRx     ..x       ddR   ddT   ..T
    routed    ddR  RRx     ..x       ddR   ddT   ..T
    isolated  ddd  ddd     RRd       ddd   ddd   ..d
    shut      ddR  dRx     ..x       ddR   ddT   ..T
    user      ddR  dRx     ..x       ddR   BBT   ..T
    docker0   ddd  ddd     ..d       ddd   ddd   ..d
    lan       ddR  dRx     ..x       ddR   AAR   ..R
    host      RRR  RRx     ..x       RRR   RRR   ..R
""",
}
_ANSWERS: Final = {"R": Answer.REACHED, "d": Answer.DROPPED, "x": Answer.REFUSED}
_WAYS: Final = ("unpublished", "published", "host")


@dataclass(frozen=True, slots=True)
class Weather:
    """What the host's settings are, which are not pynet's to choose."""

    policy: str  # of FORWARD, in both families
    filtered: bool  # whether bridged packets pass it

    def __str__(self) -> str:
        return f"{self.policy}-{'filtered' if self.filtered else 'bridged'}"


@dataclass(frozen=True, slots=True)
class Pair:
    """Who asks whom, how."""

    client: str
    server: str
    version: int
    way: str
    protocol: Protocol

    def asker(self, crossroads: Crossroads) -> Sandbox:
        others = {"lan": crossroads.lan, "host": crossroads.host}
        if self.client in others:
            return others[self.client]
        return crossroads.kinds[self.client][1 if self.client == self.server else 0]

    def target(self, crossroads: Crossroads) -> tuple[str, int]:
        if self.way == "host":
            port = FIRST_HOST_PORT + KINDS.index(self.server)
            return crossroads.host.addresses[self.version], port
        addresses = crossroads.kinds[self.server][0].addresses
        return addresses[self.version], OPEN if self.way == "unpublished" else PUBLISHED


def expected(engine: str, weather: Weather) -> dict[Pair, Answer]:
    """The engine's tables, read in a weather."""
    return {
        Pair(client, server, version, way, protocol): _meaning(letter, protocol, weather)
        for version, protocol in product((4, 6), PROTOCOLS)
        for client, server, way, letter in _cells(_TABLES[engine, version])
        if letter != "."
    }


def _cells(table: str) -> Iterator[tuple[str, str, str, str]]:
    servers, *rows = map(str.split, table.strip().splitlines())
    for client, *cells in rows:
        for server, cell in zip(servers, cells, strict=True):
            for way, letter in zip(_WAYS, cell, strict=True):
                yield client, server, way, letter


def _meaning(letter: str, protocol: Protocol, weather: Weather) -> Answer:
    reached = {
        "A": weather.policy == "ACCEPT",
        "B": weather.policy == "ACCEPT" or not weather.filtered,
        "T": protocol is Protocol.TCP,
    }
    if letter in reached:
        return Answer.REACHED if reached[letter] else Answer.DROPPED
    return _ANSWERS[letter]
