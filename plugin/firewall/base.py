"""The contract of a firewall: a skeleton that never changes, and elements that do."""

from collections.abc import Sequence
from typing import Protocol

from plugin.model.resources import Element


class Firewall(Protocol):
    """Where the elements of plans live."""

    name: str

    def prepare(self) -> None:
        """Make the skeleton so, elements untouched, and the accord with Docker's own rules.

        Raises FirewallError, saying what is lost without it.
        """

    def ensure(self, elements: Sequence[Element]) -> None:
        """Add what is missing and replace what has other data.  Raises FirewallError."""

    def remove(self, elements: Sequence[Element]) -> None:
        """Take away what is there with the same data; the rest is passed over."""

    def read(self) -> frozenset[Element]:
        """Every element there is.  Costs the size of the table: never for a request."""

    def close(self) -> None:
        """Let go of what the process holds; the elements stay."""
