"""What people may ask of pynet: written once, for the admin socket and for the commands.

The same is served by a running plugin and, while none runs, by the command itself.
"""

from collections.abc import Iterable
from typing import Any, Protocol

Row = dict[str, Any]  # network, kind, which and fault


class Maintenance(Protocol):
    """Look, put right, take away."""

    def check(self) -> list[Row]:
        """Everything that differs from what should be; nothing is changed."""

    def repair(self) -> dict[str, list[Row]]:
        """Put right what can be: what was ``repaired``, and what is ``left``."""

    def garbage(self) -> dict[str, Any]:
        """``rows`` that can be taken away, ids of all and of ``idle`` networks, and pools.

        By all ``networks`` and ``prefixes`` an engine is known that pynet serves.
        """

    def collect(self, rows: Iterable[Row], forgotten: Iterable[str]) -> list[Row]:
        """Take away the ``rows`` that are still garbage, and the ``forgotten`` networks and pools.

        Answers with what was taken.
        """


class Reservations(Protocol):
    """The pools and reservations of the IPAM."""

    def pools(self) -> list[dict[str, Any]]:
        """Every pool, and how many of its addresses are in each state."""

    def reservations(self) -> str:
        """Every reservation, as YAML."""

    def reserve(self, text: str) -> tuple[int, str]:
        """Take reservations from YAML, all or none.  Raises RefusedError.

        Answers how many, and in a sentence which of them do nothing on this engine; or nothing.
        """

    def unreserve(self, text: str) -> int:
        """Give up reservations from YAML; answers how many there were.  Raises RefusedError."""


class Traces(Protocol):
    """One part of what pynet leaves on a host."""

    def found(self) -> tuple[str, ...]:
        """What there is, each in the words of the program that shows it.  Raises HostError."""

    def remove(self) -> None:
        """Remove it, absent or not.  Raises HostError, or a group of them."""
