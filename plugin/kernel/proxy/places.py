"""How many connections or UDP sessions there may be: in all, of one port, and of one client.

No client is rejected: a newcomer beyond a bound takes the place of the one that has been silent
for longest among those that the bound counts.  So a client can only fill its own share, and a
flood of one port only affects that port.  A client that keeps sending keeps its place.
"""

import socket
from collections import OrderedDict
from typing import Final, NamedTuple, Protocol, TypeVar

_GRAIN_SECONDS: Final = 1.0  # within which a second use is not noted: a busy one costs little
_LINK_BYTES: Final = (
    8  # RFC 4291 section 2.5.4: a /64 is one link, and any host there may use all of it
)


class Bounds(NamedTuple):
    """The numbers, and how long one may be silent."""

    total: int
    per_port: int
    per_client: int
    idle_seconds: float


class Limits(NamedTuple):
    """All that bounds the relay: connections, UDP sessions, and how many ports it carries."""

    connections: Bounds
    sessions: Bounds
    ports: int


class Occupant(Protocol):
    """Who has a place: of which port and client, and how to end it; ``close`` leaves the place."""

    port: int
    client: bytes

    def close(self) -> None:
        """End it."""


_Key = TypeVar("_Key", int, bytes)
Group = OrderedDict[Occupant, float]


class Places:
    """The places of one protocol, each group in the order of last use."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._grain = min(_GRAIN_SECONDS, bounds.idle_seconds / 4)
        self._used: Group = OrderedDict()  # each with the time of its last use
        self._ports: dict[int, Group] = {}
        self._clients: dict[bytes, Group] = {}

    def enter(self, occupant: Occupant, now: float) -> None:
        """Give a place, if need be that of another occupant."""
        _make_room(self._clients.get(occupant.client), self._bounds.per_client)
        _make_room(self._ports.get(occupant.port), self._bounds.per_port)
        _make_room(self._used, self._bounds.total)
        self._used[occupant] = now
        self._ports.setdefault(occupant.port, OrderedDict())[occupant] = now
        self._clients.setdefault(occupant.client, OrderedDict())[occupant] = now

    def note_use(self, occupant: Occupant, now: float) -> None:
        """It has been used a moment ago."""
        if now - self._used[occupant] < self._grain:
            return
        self._used[occupant] = now
        for group in (self._used, self._ports[occupant.port], self._clients[occupant.client]):
            group.move_to_end(occupant)

    def leave(self, occupant: Occupant) -> None:
        """The place is free."""
        del self._used[occupant]
        _drop(self._ports, occupant.port, occupant)
        _drop(self._clients, occupant.client, occupant)

    def expire(self, now: float) -> float:
        """End those that have been silent for too long; the moment when the next will have been."""
        while self._used:
            occupant, used = next(iter(self._used.items()))
            if now - used < self._bounds.idle_seconds:
                return used + self._bounds.idle_seconds
            occupant.close()
        return now + self._bounds.idle_seconds


def client_of(address: str) -> bytes:
    """Whom a caller counts as: IPv4 by address, IPv6 by link, of which one host has every address."""
    plain = address.partition("%")[0]
    if ":" not in plain:
        return socket.inet_pton(socket.AF_INET, plain)
    return socket.inet_pton(socket.AF_INET6, plain)[:_LINK_BYTES]


def _make_room(group: Group | None, bound: int) -> None:
    while group and len(group) >= bound:
        next(iter(group)).close()


def _drop(groups: dict[_Key, Group], key: _Key, occupant: Occupant) -> None:
    del groups[key][occupant]
    if not groups[key]:
        del groups[key]
