"""What was counted, for the terminal, and as a section of the page docs/reliability.md.

A section is replaced when its proof is run again; the others stay as they are, for some
proofs take a night.
"""

import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.reliability.proof import Count, Proof

_PREAMBLE: Final = """\
# Reliability

Written by `make reliability`; do not edit. Nothing hangs and nothing leaks: each section
says what was done to find that out, what had to hold, and how often it was tried. One proof
is run by `make reliability ONLY=<name>`; most are in a short form in `make test`, all in `make nightly`.
"""
_HEADING: Final = re.compile(r"^## .* \(`([a-z-]+)`\)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A proof that was run: what it counted, or why it failed."""

    proof: Proof
    seconds: float
    counts: tuple[Count, ...] = ()
    failure: str = ""


def lines(outcome: Outcome) -> list[str]:
    """Return what the terminal shows."""
    shown = [f"{each.what}: {_number(each)}" for each in outcome.counts]
    end = "FAILED" if outcome.failure else "proved"
    return [*shown, f"{outcome.proof.name}: {end}, {outcome.seconds:.0f} s"]


def section(outcome: Outcome) -> str:
    """Return the proof's part of the page."""
    cpus = len(os.sched_getaffinity(0))
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    kernel = f"Linux {platform.release()}, {cpus} processors, Python {platform.python_version()}"
    text = [f"## {outcome.proof.title} (`{outcome.proof.name}`)", "", outcome.proof.method, ""]
    text.append(f"{when}, {kernel}, {outcome.seconds:.0f} s.")
    if outcome.failure:
        text += ["", f"**Failed:** {outcome.failure}"]
    if outcome.counts:
        text += ["", "| counted | |", "|---|---:|"]
        text += [f"| {each.what} | {_number(each)} |" for each in outcome.counts]
    return "\n".join(text) + "\n"


def page(before: str, sections: Mapping[str, str], order: Sequence[str]) -> str:
    """Return the page with these sections, by the proofs' names, in the place of older ones."""
    merged = {**_sections(before), **sections}
    known = [name for name in order if name in merged]
    return "\n".join([_PREAMBLE, *(merged[name] for name in dict.fromkeys([*known, *merged]))])


def _sections(text: str) -> dict[str, str]:
    starts = list(_HEADING.finditer(text))
    ends = [each.start() for each in starts[1:]] + ([len(text)] if starts else [])
    return {
        each.group(1): text[each.start() : end].rstrip("\n") + "\n"
        for each, end in zip(starts, ends, strict=True)
    }


def _number(count: Count) -> str:
    whole = float(count.number).is_integer()
    text = f"{count.number:,.0f}" if whole else f"{count.number:,.2f}"
    return f"{text} {count.unit}".rstrip()
