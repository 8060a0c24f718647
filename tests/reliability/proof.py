"""The contract of a proof: it does something very often, counts, and fails at the first surprise.

The full form is for `make reliability`, the short one for every `make test`.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_SILENCE: Final = 5.0  # seconds without a line before progress is shown


class ProofError(AssertionError):
    """What should hold does not; the message says what, and how to see it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One line of a proof's table."""

    what: str
    number: float
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much of a proof a run affords; ``seed`` makes what is random the same again.

    After ``seconds`` nothing more is begun by a proof that can leave something out.
    """

    short: bool
    seed: int
    seconds: float | None = None

    def amount(self, full: int, short: int) -> int:
        """Return how many of something are wanted."""
        return short if self.short else full

    def rounds(self, full: int, short: int) -> Iterator[int]:
        """Count to the amount, and say now and then how far it is."""
        count = self.amount(full, short)
        said = time.monotonic()
        for number in range(count):
            yield number
            if time.monotonic() - said > _SILENCE:
                said = time.monotonic()
                say(f"{number + 1:,} of {count:,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A name for --only, a heading, what is done and asserted, and how.

    ``prove`` answers with what was counted, or raises ProofError.
    """

    name: str
    title: str
    method: str
    prove: Callable[[Scope], Iterable[Count]]


def say(line: str) -> None:
    """Show progress."""
    sys.stderr.write(f"    {line}\n")
    sys.stderr.flush()
