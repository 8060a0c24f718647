"""`python -m tests.reliability`: run the proofs, show what they counted, and write the page."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.reliability import report
from tests.reliability.proof import Proof, ProofError, Scope
from tests.reliability.registry import PROOFS

PAGE: Final = Path(__file__).parents[2] / "docs/reliability.md"


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    scope = Scope(short=options.short, seed=options.seed, seconds=options.seconds)
    wanted = [each for each in PROOFS if not options.only or each.name in options.only]
    failed = False
    for proof in wanted:
        outcome = _outcome(proof, scope)
        failed = failed or bool(outcome.failure)
        sys.stdout.write("\n".join(f"  {line}" for line in report.lines(outcome)) + "\n")
        sys.stdout.flush()
        if not options.short and options.seconds is None and not outcome.failure:
            _write(outcome)
    return 1 if failed else 0


def _outcome(proof: Proof, scope: Scope) -> report.Outcome:
    sys.stderr.write(f"  {proof.name}: {proof.title}, seed {scope.seed} ...\n")
    sys.stderr.flush()
    started = time.monotonic()
    try:
        counts = tuple(proof.prove(scope))
    except ProofError as error:
        sys.stderr.write(f"{error}\n")
        seconds = time.monotonic() - started
        return report.Outcome(proof=proof, seconds=seconds, failure=str(error))
    return report.Outcome(proof=proof, seconds=time.monotonic() - started, counts=counts)


def _write(outcome: report.Outcome) -> None:
    before = PAGE.read_text() if PAGE.exists() else ""
    sections = {outcome.proof.name: report.section(outcome)}
    PAGE.write_text(report.page(before, sections, [each.name for each in PROOFS]))
    sys.stdout.write(f"  Written to {PAGE}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability", description="Prove that nothing hangs or leaks."
    )
    names = [proof.name for proof in PROOFS]
    parser.add_argument(
        "--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}"
    )
    parser.add_argument(
        "--short", action="store_true", help="the form for every test run; writes no page"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        help="how long etcd's trouble lasts, or after which crash-points begins no other walk; writes no page",
    )
    parser.add_argument("--seed", type=int, default=1, help="for what is random; the default is 1")
    return parser


if __name__ == "__main__":
    sys.exit(main())
