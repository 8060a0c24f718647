"""Rules of a firewall, of pynet and of others, as far as other modules need them."""

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
    """A rule that depends on no network; ``table`` has its family before it."""

    table: str
    chain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """A family whose packets other firewalls may drop, because pynet's accept rules cannot be set."""

    version: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What had to be put back to have every rule in place, and what could not be."""

    restored: tuple[Rule, ...] = ()
    unserved: tuple[Unserved, ...] = ()
    obeyed: tuple[
        int, ...
    ] = ()  # families in which the user's iptables rules decide on masquerading


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEntry:
    """An element as nf_tables holds it: bytes in network order, parts padded to four.

    In a set of intervals, one that ``ends`` is the first key that does not belong any more.  One
    without a key stands for every key that is not there.
    """

    key: bytes
    data: bytes = b""
    ends: bool = False
    packets: int = 0  # in a set that packets fill


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChange:
    """Entries that a set or map is to have, or with ``delete`` not to have."""

    family: str
    name: str
    entries: tuple[SetEntry, ...]
    delete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledSet:
    """A set or map; its description for the kernel is as opaque as a rule's expressions.

    An anonymous set is known by its place among the sets, and its ``entries`` are constant.
    """

    name: str
    definition: bytes
    entries: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledChain:
    """A chain with its rules."""

    name: str
    definition: bytes
    rules: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTable:
    """A table as the kernel takes it, without elements."""

    family: str
    name: str
    sets: tuple[CompiledSet, ...]
    counters: tuple[str, ...] = ()
    chains: tuple[CompiledChain, ...]
