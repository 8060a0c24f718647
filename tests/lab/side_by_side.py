"""Run the end-to-end tests of each engine at the same time, and a third part of both beside them.

Most of their time is waiting.  One line per test is shown as it ends; what a
failure has to say, and pytest's closing line, follow when all have ended.
"""

import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field

from tests.lab.roots import ENGINES

# What is known by itself by its name, and takes about as long on both engines as the rest on one.
APART = "(managed or macvlan or overlay or cluster or swarm)"
OUTCOME = re.compile(r" (PASSED|FAILED|RERUN|ERROR|SKIPPED|XFAIL|XPASS)\b")
SUMMARY = re.compile(r"^=+ .* =+$")


@dataclass
class Suite:
    """The tests whose names this expression of pytest's is true of."""

    name: str
    expression: str
    lines: list[str] = field(default_factory=list)
    code: int = 1

    def run(self, arguments: list[str]) -> None:
        """Run pytest to its end, showing what becomes of each test."""
        argv = [sys.executable, "-m", "pytest", "-v", "--tb=short", "--durations=20", *arguments]
        with subprocess.Popen(
            [*argv, "-k", self.expression],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                self.lines.append(line)
                if OUTCOME.search(line):
                    sys.stdout.write(re.sub(r"^tests/", "  ", line))
                    sys.stdout.flush()
        self.code = process.returncode

    def closing(self) -> str:
        """Return what pytest said after the last test."""
        for number, line in enumerate(self.lines):
            if SUMMARY.match(line) and "test session starts" not in line:
                return "".join(self.lines[number:])
        return "".join(self.lines)


def main() -> int:
    suites = [
        *(Suite(f"Engine {each}", f"[{each}- and not {APART}") for each in ENGINES),
        Suite("Managed plugin and macvlan", APART),
    ]
    threads = [threading.Thread(target=suite.run, args=(sys.argv[1:],)) for suite in suites]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:  # the suites were interrupted too, and say where
        for thread in threads:
            thread.join()
    for suite in suites:
        sys.stdout.write(f"\n{suite.name}:\n{suite.closing()}")
    return max(suite.code for suite in suites)


if __name__ == "__main__":
    sys.exit(main())
