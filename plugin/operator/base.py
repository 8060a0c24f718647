"""What people may ask of pynet: written once, for the admin socket and for the commands.

The same is served by a running plugin and, while none runs, by the command itself.
"""

from collections.abc import Iterable
from typing import Any, Protocol

Row = dict[str, Any]  # network, kind, which and fault


class Maintenance(Protocol):
    """Check the host, repair it, and collect garbage."""

    def check(self) -> list[Row]:
        """Everything that differs from what should be; nothing is changed.  Raises HostError."""

    def repair(self) -> dict[str, list[Row]]:
        """Repair what can be repaired: what was ``repaired``, and what is ``left``.

        Raises HostError.
        """

    def garbage(self) -> dict[str, Any]:
        """``rows`` that can be removed, ids of all and of ``idle`` networks, and pools.

        ``networks`` and ``prefixes`` identify the engine that pynet serves.

        Raises HostError.
        """

    def collect(self, rows: Iterable[Row], forgotten: Iterable[str]) -> list[Row]:
        """Remove the ``rows`` that are still garbage, and the ``forgotten`` networks and pools.

        Answers with what was removed.

        Raises HostError (BusyError), or an ExceptionGroup of what could not be removed.
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
        """What there is, as the program prints it that shows it.  Raises HostError."""

    def remove(self) -> None:
        """Remove it, absent or not.  Raises HostError, or a group of them."""
