"""What was as it should be when it was read, by kinds that tell whether it still is.

With hundreds of containers, nearly everything is at a tick as it was at the tick before.  Where the
state of a kind is equal, as its handler tells it, nothing of the kind is read again.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from plugin.kernel.handler import Handler, Session
from plugin.model.resources import HostResource


@dataclass(slots=True)
class _Kind:
    """What was read of one kind in a state: the objects that were ``right``, and ``all`` of pynet's."""

    state: object
    right: set[HostResource] = field(default_factory=set)
    all: frozenset[HostResource] | None = None


class ReadCache:
    """Of one kernel; any thread may read."""

    def __init__(self, handlers: Mapping[type, Handler[Any]]) -> None:
        self._handlers = handlers
        self._kinds: dict[type, _Kind] = {}
        self._lock = threading.Lock()

    def states(self, session: Session) -> dict[type, object]:
        """The states of those kinds that tell them."""
        found = {kind: handler.state(session) for kind, handler in self._handlers.items()}
        return {kind: state for kind, state in found.items() if state is not None}

    def right(self, states: Mapping[type, object]) -> set[HostResource]:
        """What was right before, and still is."""
        with self._lock:
            known = (self._of(kind, state) for kind, state in states.items())
            return set().union(*(each.right for each in known))

    def learn(self, states: Mapping[type, object], right: Iterable[HostResource]) -> None:
        """Remember what was right in these states, and forget what was in others."""
        with self._lock:
            for resource in right:
                kind = type(resource)
                if kind in states:
                    self._of(kind, states[kind]).right.add(resource)

    def all_of(
        self, kind: type, session: Session, states: Mapping[type, object]
    ) -> frozenset[HostResource]:
        """Every object of a kind that is known without a record to belong to pynet."""
        if kind not in states:
            return frozenset(self._handlers[kind].read_all(session))
        with self._lock:
            known = self._of(kind, states[kind])
        if known.all is None:
            known.all = frozenset(self._handlers[kind].read_all(session))
        return known.all

    def _of(self, kind: type, state: object) -> _Kind:
        known = self._kinds.get(kind)
        if known is None or known.state != state:
            known = self._kinds[kind] = _Kind(state)
        return known
