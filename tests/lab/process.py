"""A long-running program of a lab run: started, signalled, waited for, its output kept.

It leads a session of its own, so that Ctrl-C reaches the tests first and one
signal reaches the program with its children.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab.commands import DeadlineError, wait_until
from tests.lab.runs import Run

TAIL_LINES = 40


class Process:
    """A program with its output in a file."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        lab: Run,
        log: Path,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.argv = tuple(argv)
        self.log = log
        with log.open("a") as output:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**lab.env, **(settings or {})},
                start_new_session=True,
            )
        lab.adopt(self._popen)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def returncode(self) -> int | None:
        return self._popen.poll()

    def child(self) -> int:
        """Return the first child: for a program that forks what it starts."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")

        def first() -> int:
            if not self.running:
                raise DeadlineError(f"{self.argv[0]} ended: {self.tail()}")
            return int((path.read_text().split() or ["0"])[0])

        return wait_until(first, f"a child of {' '.join(self.argv)}")

    def end(self, number: signal.Signals, *, deadline: float = 60) -> None:
        """Signal the whole session and wait until its leader is gone."""
        if self.running:
            os.killpg(self.pid, number)
        self.wait(deadline=deadline)

    def wait(self, *, deadline: float = 60) -> None:
        try:
            self._popen.wait(deadline)
        except subprocess.TimeoutExpired as error:
            raise DeadlineError(
                f"{' '.join(self.argv)} runs on after {deadline} s: {self.tail()}"
            ) from error

    def tail(self, lines: int = TAIL_LINES) -> str:
        """Return the end of what the program has said."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
