"""A firewall in memory, and one that can fail, whole as a transaction does."""

from collections.abc import Iterable, Sequence

from plugin.errors import FirewallError
from plugin.model.facts import Fact
from plugin.model.ids import IfName, Key
from plugin.model.rules import Prepared
from tests.fakes.faults import Faults


class MemoryFirewall:
    """Holds facts, stops nothing."""

    name: str = "memory"

    def __init__(self) -> None:
        self._facts: dict[Key, Fact] = {}
        self.closed: list[int] = []
        self.counts: dict[IfName, int] = {}
        self.drops: dict[str, int] = {}

    def check(self) -> None:
        """It is always there."""

    def prepare(self, known: Iterable[Fact] = ()) -> Prepared:
        """There is no skeleton to make."""
        return Prepared()

    def drop_forwarded(self, version: int) -> None:
        self.closed.append(version)

    def ensure(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self._facts[fact.key] = fact

    def remove(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if self._facts.get(fact.key) == fact:
                del self._facts[fact.key]

    def read(self) -> frozenset[Fact]:
        return frozenset(self._facts.values())

    def dropped(self) -> dict[str, int]:
        return self.drops

    def refused(self) -> dict[IfName, int]:
        return self.counts

    def close(self) -> None:
        """There is nothing to close."""


class FaultyFirewall(MemoryFirewall):
    """What fails has changed nothing."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults
        self.prepared = 0
        self.broken: str | None = None
        self.absent: str | None = None
        self.found = Prepared()
        self.reads = 0
        self.unreadable: str | None = None

    def read(self) -> frozenset[Fact]:
        self.reads += 1
        if self.unreadable:
            raise FirewallError(self.unreadable)
        return super().read()

    def check(self) -> None:
        if self.absent:
            raise FirewallError(self.absent)

    def prepare(self, known: Iterable[Fact] = ()) -> Prepared:
        if self.broken:
            raise FirewallError(self.broken)
        self.prepared += 1
        found, self.found = self.found, Prepared(unserved=self.found.unserved)
        return found

    def drop_forwarded(self, version: int) -> None:
        self._faults.point("drop forwarded", FirewallError("iptables refused"))
        super().drop_forwarded(version)

    def ensure(self, facts: Sequence[Fact]) -> None:
        if not facts:
            return
        self._faults.point("ensure elements", FirewallError("nft refused"))
        super().ensure(facts)

    def remove(self, facts: Sequence[Fact]) -> None:
        if not facts:
            return
        self._faults.point("remove elements", FirewallError("nft refused"))
        super().remove(facts)
