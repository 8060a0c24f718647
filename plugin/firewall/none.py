"""No firewall: what needs rules is refused, and nothing is begun.

A network without them would let its containers reach the host's loopback, by the setting that
lets the host reach published ports there, and each other's networks.
"""

from collections.abc import Iterable, Sequence

from plugin.errors import FirewallError
from plugin.model.facts import Fact
from plugin.model.ids import IfName
from plugin.model.rules import Prepared


class NoFirewall:
    """In the place of one that could not be had; ``why`` says so."""

    name: str = "none"

    def __init__(self, why: str) -> None:
        self._why = why

    def check(self) -> None:
        raise FirewallError(
            f"{self._why}, and without rules containers would reach what they must not; "
            "networks of mode macvlan, ipvlan or null without host_access need none"
        )

    def prepare(self, known: Iterable[Fact] = ()) -> Prepared:
        """Whoever builds it says in the health what is missing."""
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

    def refused(self) -> dict[IfName, int]:
        return {}

    def close(self) -> None:
        """There is nothing to let go of."""
