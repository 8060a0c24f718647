"""`python -m tests.benchmarks`: measure, show, and write the page."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from ipam import IpamError
from tests.benchmarks.engine import EngineError
from tests.benchmarks.figure import Figure
from tests.benchmarks.plugin_client import CallError
from tests.benchmarks.registry import FIGURES
from tests.benchmarks.report import Conditions, Measured, markdown, show
from tests.benchmarks.scene import Scene
from tests.lab.commands import CommandError, DeadlineError

PAGE: Final = Path(__file__).parents[2] / "docs/benchmarks.md"
FAILURES: Final = (EngineError, CallError, CommandError, DeadlineError, IpamError, OSError)


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    figures = [each for each in FIGURES if not options.only or each.name in options.only]
    started, (load, _, _) = time.monotonic(), os.getloadavg()
    with Scene(quick=options.quick) as scene:
        results = [_measured(scene, figure) for figure in figures]
        engine = scene.engine.version() if scene.has_engine else "none was needed"
    conditions = Conditions(
        engine=engine, load=load, seconds=time.monotonic() - started, quick=options.quick
    )
    show(Console(width=None if sys.stdout.isatty() else 140), results)
    page = options.write or (None if options.only or options.quick else PAGE)
    if page:
        page.write_text(markdown(results, conditions))
        sys.stdout.write(f"Written to {page}\n")
    return 1 if any(each.note for each in results) else 0


def _measured(scene: Scene, figure: Figure) -> Measured:
    sys.stderr.write(f"  {figure.name}: {figure.title.replace('`', '')} ...\n")
    sys.stderr.flush()
    started = time.monotonic()
    try:
        rows = tuple(figure.measure(scene))
    except FAILURES as error:
        # The others are still worth having.
        sys.stderr.write(f"  {figure.name}: failed, {error}\n")
        return Measured(figure=figure, note=str(error))
    sys.stderr.write(f"  {figure.name}: done, {time.monotonic() - started:.0f} s\n")
    return Measured(figure=figure, rows=rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="Measure pynet beside Docker's own drivers."
    )
    names = [figure.name for figure in FIGURES]
    parser.add_argument(
        "--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}"
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, for a first look at a change"
    )
    parser.add_argument(
        "--write",
        type=Path,
        metavar="PAGE",
        help="where to write the page; a complete run writes docs/benchmarks.md",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
