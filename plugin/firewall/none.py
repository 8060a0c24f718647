"""No firewall: refuse networks that need rules, and begin nothing.

Without rules, containers would reach each other's networks.  They would also reach the host's
loopback, by the sysctl that makes published ports reachable there.
"""

from collections.abc import Iterable, Sequence

from plugin.errors import FirewallError
from plugin.model.facts import Fact
from plugin.model.ids import IfName
from plugin.model.rules import Prepared


class NoFirewall:
    """The stand-in for a firewall that cannot be used; ``why`` is the reason."""

    name: str = "none"

    def __init__(self, why: str) -> None:
        self._why = why

    def check(self) -> None:
        raise FirewallError(
            f"{self._why}, and without rules containers would reach what they must not; "
            "networks of mode macvlan, ipvlan or null without host_access need none"
        )

    def prepare(self, known: Iterable[Fact] = ()) -> Prepared:
        """Install nothing; the health has the reason already."""
        return Prepared()

    def drop_forwarded(self, version: int) -> None:
        self.check()

    def ensure(self, facts: Sequence[Fact]) -> None:
        if facts:
            self.check()

    def remove(self, facts: Sequence[Fact]) -> None:
        """What there may be from earlier stays until there is a firewall again."""

    def read(self) -> frozenset[Fact]:
        return frozenset()

    def dropped(self) -> dict[str, int]:
        return {}

    def refused(self) -> dict[IfName, int]:
        return {}

    def close(self) -> None:
        """There is nothing to close."""
