"""Everything that is wrong, as ``pynet check`` shows it."""

from dataclasses import dataclass
from enum import Enum

from plugin.model.facts import Fact
from plugin.model.ids import short
from plugin.model.network import Endpoint, Network, NetworkState
from plugin.model.resources import Resource
from plugin.service.locks import Locks
from plugin.store.base import Store
from plugin.upkeep.drift import Inspector
from plugin.upkeep.known_facts import KnownFacts


class Fault(Enum):
    """What can be wrong with a thing."""

    MISSING = "missing"
    OTHER = "differs"
    SURPLUS = "left over"
    UNFINISHED = "unfinished"
    LOST = "its link is gone"
    STALE = "no longer in use"
    UNPLUGGED = "runs without the parent's link; restart the container when the parent is back"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as it should be; ``network`` is empty where none is concerned."""

    network: str = ""
    kind: str
    which: str
    fault: Fault


class Inspection:
    """Everything that is wrong, as rows for people."""

    def __init__(self, store: Store, inspector: Inspector, locks: Locks) -> None:
        self._store = store
        self._inspector = inspector
        self._locks = locks

    def differences(self) -> list[Difference]:
        """Every difference there is, by network; nothing is changed.

        Raises BusyError for a network that another call has for too long.
        """
        self._inspector.wait_for_ends()
        with self._inspector.one_look():
            facts = self._inspector.facts()
            found: list[Difference] = []
            for listed in self._store.networks():
                with self._locks.hold(listed.id):
                    network = self._store.network(listed.id)
                    if network is not None:
                        found += self._of_network(network, facts)
            return found + self.left_over(facts.there)

    def left_over(self, facts: frozenset[Fact] | None = None) -> list[Difference]:
        """Objects with pynet as owner that no record lists; ``facts`` are what the firewall held."""
        if not self._inspector.surplus(facts):
            return []
        with self._locks.standstill(), self._inspector.one_look():
            return sorted(
                (_difference("", each, Fault.SURPLUS) for each in self._inspector.surplus()),
                key=lambda each: (each.kind, each.which),
            )

    def _of_network(self, network: Network, facts: KnownFacts) -> list[Difference]:
        name = short(network.id)
        if network.state is not NetworkState.ACTIVE:
            return [Difference(network=name, kind="network", which=name, fault=Fault.UNFINISHED)]
        endpoints = self._store.endpoints(network.id)
        if not self._inspector.is_readable(network):
            return [Difference(network=name, kind="network", which=name, fault=Fault.DAMAGED)]
        stale = self._inspector.abandoned(network)
        joined = [each for each in endpoints if each.joined and each not in stale]
        lost = self._inspector.unlinked(network, joined)
        found = [_of_endpoint(name, e, Fault.UNFINISHED) for e in endpoints if e.deleting]
        found += [_of_endpoint(name, each, Fault.LOST) for each in lost]
        found += [_of_endpoint(name, each, Fault.STALE) for each in stale]
        found += [_of_endpoint(name, e, Fault.UNPLUGGED) for e in endpoints if e.unplugged]
        bad = [*stale, *lost]
        whole = [each for each in endpoints if each not in bad and not each.deleting]
        delta = self._inspector.wanting(network, whole, facts)
        for fault, resources in ((Fault.MISSING, delta.missing), (Fault.OTHER, delta.changed)):
            found += [_difference(name, each, fault) for each in resources]
        return sorted(found, key=lambda each: (each.kind, each.which))


def _of_endpoint(network: str, endpoint: Endpoint, fault: Fault) -> Difference:
    return Difference(network=network, kind="endpoint", which=short(endpoint.id), fault=fault)


def _difference(network: str, resource: Resource, fault: Fault) -> Difference:
    return Difference(
        network=network, kind=type(resource).__name__, which=_which(resource), fault=fault
    )


def _which(resource: Resource) -> str:
    if isinstance(resource, Fact):
        return resource.text
    _, *which = resource.key
    return " ".join(_word(each) for each in which)


def _word(part: object) -> str:
    return " ".join(map(_word, part)) if isinstance(part, tuple) else str(part)
