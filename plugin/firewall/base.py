"""The contract of a firewall: it keeps facts about traffic, and answers them when it is read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from plugin.model.facts import Fact
from plugin.model.ids import IfName
from plugin.model.rules import Chain, CompiledTable, Prepared, SetChange, SetEntry


class Ruleset(Protocol):
    """What nf_tables holds, read from the kernel.  Every method raises KernelError."""

    def generation(self) -> int:
        """A number that is another one after every change to any rule or set."""

    def chains(self) -> tuple[Chain, ...]:
        """Every chain of everybody's."""

    def rules(self, family: str, table: str) -> dict[str, tuple[bytes, ...]]:
        """The rules of a table in their order, by the names of chains."""

    def entries(
        self, family: str, table: str, names: Iterable[str]
    ) -> Mapping[str, tuple[SetEntry, ...]]:
        """What the sets of those names hold; nothing if they are not there."""

    def counts(self, family: str, table: str) -> Mapping[str, int]:
        """How many packets each counter of a table has counted; none if it is not there."""

    def lay(
        self,
        tables: Sequence[CompiledTable],
        entries: Sequence[SetChange] = (),
        *,
        anew: bool = False,
    ) -> None:
        """Have tables with these sets, and these chains and rules and no others, in one transaction.

        Elements stay, and ``entries`` come with the rules.  Tables that are made ``anew`` have
        those alone.
        """

    def change(self, table: str, changes: Sequence[SetChange]) -> None:
        """Make changes in their order, in one transaction.

        To add what is there is no change; it fails if that has other data.  So does to delete what
        is not there.
        """

    def drop(self, tables: Sequence[CompiledTable]) -> None:
        """Delete tables, with all that is in them; absent ones are passed over."""

    def close(self) -> None:
        """Close what the process holds open; may be repeated."""


class Zones(Protocol):
    """A firewall of others' that sorts links into zones, and refuses what comes in by the rest."""

    def admit(self, links: Iterable[IfName]) -> None:
        """Put those of ``links`` into a zone that accepts them which are in none.

        Raises FirewallError.  May take seconds: never for a request.
        """

    def dismiss(self, links: Iterable[IfName]) -> None:
        """Take links that are gone out of their zones.  Raises as ``admit`` does."""


class Firewall(Protocol):
    """Keeps the facts of plans, each in its own way, beside rules that are always the same."""

    name: str

    def check(self) -> None:
        """Raise FirewallError if there is none that could keep facts."""

    def prepare(self, known: Iterable[Fact] = ()) -> Prepared:
        """Install the rules that are always the same, and the accept rules in Docker's chains.

        Facts are not touched.

        Rules of a new version may look up elements that the version before did not keep for a
        fact.  If the firewall is in use, missing elements of ``known`` are added with the rules.

        Answers which rules were missing, also those that ``ensure`` or ``remove`` restored since
        the last call.  Raises FirewallError if the rules cannot be installed.
        """

    def drop_forwarded(self, version: int) -> None:
        """Drop forwarded packets of a family that no rule accepts.  Raises FirewallError."""

    def ensure(self, facts: Sequence[Fact]) -> None:
        """Have these facts, each in the place of another with the same key.  Raises FirewallError."""

    def remove(self, facts: Sequence[Fact]) -> None:
        """Have these facts no more; one that does not hold is passed over.

        Raises FirewallError if something of it stays, or if that cannot be found out.
        """

    def read(self) -> frozenset[Fact]:
        """Every fact that holds, and remnants.  Costs what all of them do: never for a request.

        Raises FirewallError if they cannot be read: that is not the same as none.
        """

    def refused(self) -> Mapping[IfName, int]:
        """How many frames the guards have dropped lately at ports of containers.

        Raises FirewallError.
        """

    def dropped(self) -> Mapping[str, int]:
        """How many packets were dropped for each reason of ``drop_reasons``, since the tables were made.

        Raises FirewallError.
        """

    def close(self) -> None:
        """Close what the process holds open; the facts stay."""
