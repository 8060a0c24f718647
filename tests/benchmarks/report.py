"""What was measured, as tables: for the terminal, and as the page docs/benchmarks.md."""

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.benchmarks.figure import Figure, Row, Unit, Verdict
from tests.benchmarks.sample import Sample

HEADINGS: Final = ("", "n", "median", "min", "quartiles", "p99", "ratio", "reach")
_STYLES: Final = {Verdict.MET: "green", Verdict.LEVEL: "yellow", Verdict.MISSED: "red"}
TAIL: Final = 100  # a p99 of fewer values is their largest
_PREAMBLE: Final = """\
# Benchmarks

Written by `make bench`; do not edit. What each table shows is told below its heading. The
machine has few processors and may have had other work: compare figures of one run with each
other rather than with those of another run. `ratio` is the ratio of the medians, to the first
row of its kind in the table unless the row says otherwise; `reach` is what pynet means to
reach, and whether this run did (`level`: it cannot be told from it). Nothing of this is asserted by a test.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure with what came of it: rows, or the reason why there are none."""

    figure: Figure
    rows: tuple[Row, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Under what the run took place."""

    engine: str
    load: float
    seconds: float
    quick: bool

    def lines(self) -> list[str]:
        cpus = len(os.sched_getaffinity(0))
        return [
            f"Date: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}",
            f"Kernel: {platform.release()} on {platform.machine()}, {cpus} processors",
            f"Python: {platform.python_version()}",
            f"Docker Engine: {self.engine}",
            f"Load average before the run: {self.load:.1f}",
            f"Run: {'quick' if self.quick else 'complete'}, {self.seconds:.0f} s",
        ]


def show(console: Console, results: Sequence[Measured]) -> None:
    """Print one table with a section for each figure."""
    table = Table(*HEADINGS, title="Benchmarks", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for measured in results:
        table.add_section()
        table.add_row(f"[bold]{_plain(measured.figure.title)}[/bold]")
        if measured.note:
            table.add_row(f"[yellow]{measured.note}[/yellow]")
        for row in measured.rows:
            table.add_row(*_cells(row), style=None if row.verdict is None else _STYLES[row.verdict])
    console.print(table)


def markdown(results: Sequence[Measured], conditions: Conditions) -> str:
    """Return the page."""
    lines = [_PREAMBLE, *(f"- {line}" for line in conditions.lines())]
    for measured in results:
        lines += ["", f"## {measured.figure.title}", "", measured.figure.method]
        if measured.note:
            lines += ["", f"Not measured: {measured.note}"]
        if measured.rows:
            lines += ["", _line(HEADINGS), "|---|" + "---:|" * (len(HEADINGS) - 1)]
            lines += [_line(_cells(row)) for row in measured.rows]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    sample, unit = row.sample, row.unit
    alone = len(sample) == 1
    quartiles = f"{_short(sample, 0.25, unit)} to {_short(sample, 0.75, unit)}"
    return (
        row.what,
        str(len(sample)),
        f"{_short(sample, 0.5, unit)} {unit.value}",
        "" if alone else _short(sample, 0, unit),
        "" if alone else quartiles,
        _short(sample, 0.99, unit) if len(sample) >= TAIL else "",
        _ratio(row),
        "" if row.verdict is None else f"{row.reach}: {row.verdict.value}",
    )


def _ratio(row: Row) -> str:
    if row.ratio is None:
        return ""
    if row.by_round is None:
        return f"{row.ratio:.2f}"
    low, high = row.by_round.interval
    return f"{row.ratio:.2f} ({low:.2f} to {high:.2f})"


def _short(sample: Sample, fraction: float, unit: Unit) -> str:
    value = unit.shown(sample.quantile(fraction))
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    return text.replace("`", "")
