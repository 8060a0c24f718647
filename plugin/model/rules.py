"""Rules of a firewall, ours and other people's, as far as anybody must know of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain; ``hook`` is empty for one that others jump to, and ``drops`` is its policy."""

    family: str
    table: str
    name: str
    hook: str = ""
    priority: int = 0
    drops: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that is the same whatever networks there are; ``table`` has its family before it."""

    table: str
    chain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """A family whose packets other people's rules may drop, because ours beside them fail."""

    version: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What had to be put back to have every rule in place, and what could not be."""

    restored: tuple[Rule, ...] = ()
    unserved: tuple[Unserved, ...] = ()
