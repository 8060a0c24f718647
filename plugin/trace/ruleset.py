"""All rules of a network namespace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from plugin.trace.sets import NamedSet

ACCEPT: Final = "accept"
DROP: Final = "drop"
REJECT: Final = "reject"
UNREADABLE: Final = "unreadable"  # an expression that is not understood


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Statements in their order; ``text`` is the rule as its own program shows it."""

    statements: Sequence[Any]
    handle: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain of a table; one with a hook is a base chain."""

    family: str
    table: str
    name: str
    rules: Sequence[Rule]
    kind: str = ""  # filter, nat or route
    hook: str = ""
    priority: int = 0
    policy: str = ACCEPT
    iptables: bool = False

    def __str__(self) -> str:
        if self.iptables:
            return f"chain {self.name} of {self.family}tables' table {self.table}"
        return f"chain {self.name} of table {self.family} {self.table}"


@dataclass(slots=True, kw_only=True)
class Table:
    """Chains by name, and sets."""

    chains: dict[str, Chain] = field(default_factory=dict)
    sets: dict[str, NamedSet] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """Every table, by family and name; those of iptables beside those of nft."""

    tables: Mapping[tuple[str, str, bool], Table]
    faults: tuple[str, ...] = ()  # what could not be read

    def hooked(self, families: Sequence[str], hook: str) -> list[Chain]:
        """The base chains of a hook, in the order in which a packet passes them."""
        found = [
            chain
            for table in self.tables.values()
            for chain in table.chains.values()
            if chain.hook == hook and chain.family in families
        ]
        return sorted(found, key=lambda each: each.priority)

    def table_of(self, chain: Chain) -> Table:
        """The table that a chain is in."""
        return self.tables[chain.family, chain.table, chain.iptables]


def counter_of(rule: Rule | None) -> str | None:
    """The name of the counter that a rule has; None if it has none that is named."""
    for each in () if rule is None else rule.statements:
        if isinstance(each, dict) and isinstance(each.get("counter"), str):
            return str(each["counter"])
    return None
