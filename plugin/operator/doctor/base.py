"""What a check is, and what it finds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from plugin.errors import PynetError
from plugin.operator.doctor.host import Host


class UnfixedError(PynetError):
    """What should be fixed was not: the host refused."""


class When(Enum):
    """When a check is made."""

    ALWAYS = "always"
    ASKED = "asked"  # about a network or a container that the user named: what is so by design
    PROBED = "probed"  # with --probe: it sends packets


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What ``--fix`` does, as a sentence, and how."""

    what: str
    do: Callable[[Host], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A cause, and what to do.

    ``about`` has names of networks and containers that it concerns, and is empty for the whole host.
    A ``hint`` may be meant so: it does not count as wrong.
    """

    cause: str
    remedy: str
    about: tuple[str, ...] = ()
    hint: bool = False
    fix: Fix | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One cause to look for; ``find`` raises UnseenError for what cannot be looked at."""

    id: str
    title: str
    find: Callable[[Host], Iterable[Finding]]
    when: When = When.ALWAYS
