"""What people may ask of pynet: written once, for the admin socket and for the commands.

The same is served by a running plugin and, while none runs, by the command itself.
"""

from collections.abc import Iterable
from typing import Any, Final, Protocol

from plugin.upkeep.differences import Fault

Row = dict[str, Any]  # network, kind, which and fault
# Faults that every container has for a moment when it starts or ends.
PASSING: Final = frozenset({each.value for each in (Fault.LOST, Fault.STALE, Fault.UNFINISHED)})


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

    def addresses(self, pool: str, at: str) -> dict[str, Any]:
        """What the 256 addresses of a pool are that have ``at`` among them.  Raises RefusedError."""

    def reservations(self) -> str:
        """Every reservation, as YAML."""

    def reserve(self, text: str) -> tuple[int, str]:
        """Take reservations from YAML, all or none.  Raises RefusedError.

        Answers how many, and in a sentence which of them do nothing on this engine; or nothing.
        """

    def unreserve(self, text: str) -> tuple[int, list[str]]:
        """Give up reservations from YAML.  Raises RefusedError.

        Answers how many there were, and which addresses were not reserved.
        """


class Cluster(Protocol):
    """The hosts that this one shares networks with."""

    def view(self) -> dict[str, Any]:
        """Every host and network.  Raises RefusedError, and IpamError if etcd does not answer."""

    def forget(self, host: str) -> dict[str, Any]:
        """Free what a host has that is gone: its ``name`` and ``id``, and how many ``blocks``.

        Raises RefusedError if it is not one host of the cluster's, or runs.
        """


class Explaining(Protocol):
    """How networks and containers would be built by hand."""

    @property
    def rules(self) -> str:
        """pynet's tables without elements, as nft reads them."""

    def explain(self, which: str, language: str) -> list[Row]:
        """The parts of a network or of an endpoint, each with its ``steps``: command and why.

        Raises RefusedError for an unknown id or language.
        """


class Traces(Protocol):
    """One part of what pynet leaves on a host."""

    def found(self) -> tuple[str, ...]:
        """What there is, as the program prints it that shows it.  Raises HostError."""

    def remove(self) -> None:
        """Remove it, absent or not.  Raises HostError, or a group of them."""
