"""Which tests and proofs of all stages took longest, from what pytest and the proofs said."""

import re
from collections.abc import Iterable
from typing import Final

COUNT: Final = 20
# pytest's, with --durations.
_PHASE: Final = re.compile(r"^(\d+\.\d+)s (?:(call)|(setup|teardown)) +(\S.*)$")
# tests.reliability.report's.
_PROOF: Final = re.compile(r"^ +([a-z-]+): (?:proved|FAILED), (\d+) s$")


def slowest(lines: Iterable[str], count: int = COUNT) -> list[str]:
    """Return a line for each of so many, the slowest first.

    What several tests share counts for the first one that asks for it, and is shown apart.
    """
    found = [each for line in lines for each in _timed(line)]
    found.sort(key=lambda each: -each[0])
    return [f"   {seconds:5.0f} s  {what}" for seconds, what in found[:count]]


def _timed(line: str) -> list[tuple[float, str]]:
    if phase := _PHASE.match(line):
        seconds, call, other, test = phase.groups()
        return [(float(seconds), test if call else f"{test} ({other})")]
    if proof := _PROOF.match(line):
        return [(float(proof[2]), f"proof {proof[1]}")]
    return []
