"""Running programs and waiting for conditions, both with a deadline."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

_IN_MACHINE = "PYNET_VM" in os.environ
_SLOWNESS = 5 if _IN_MACHINE else 1  # of the virtual machine, beside the one it runs on
# Seconds.  In the virtual machine of tests/vm the looking takes them from what is waited for.
POLL_INTERVAL = 0.2 if _IN_MACHINE else 0.02
# Seconds.  For what takes none: a busy machine's kernel may still be at work on what went before.
PATIENCE = 60.0 * _SLOWNESS

T = TypeVar("T")


class CommandError(Exception):
    """A program failed; the message has its command line and what it said."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"`{' '.join(argv)}` ended with {code}: {output.strip()}")
        self.argv = tuple(argv)
        self.code = code
        self.output = output


class DeadlineError(Exception):
    """What was waited for did not come about in time."""


def run(
    argv: Sequence[str],
    *,
    timeout: float = 120,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run a program to its end and return what it printed.

    The timeout is this machine's; the virtual one may take longer.

    Raises:
        CommandError: it failed, or took longer than the timeout.

    """
    try:
        done = subprocess.run(
            argv,
            input="" if stdin is None else stdin,
            capture_output=True,
            text=True,
            timeout=timeout * _SLOWNESS,
            env=env,
            cwd=cwd,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, 124, f"no end after {timeout * _SLOWNESS} s") from error
    if done.returncode:
        raise CommandError(argv, done.returncode, done.stderr + done.stdout)
    return done.stdout


def wait_until(condition: Callable[[], T], what: str, *, deadline: float = PATIENCE) -> T:
    """Return the condition's first true value.

    Raises:
        DeadlineError: it had none within the deadline (seconds).

    """
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() > end:
            raise DeadlineError(f"{what}: not within {deadline} s")
        time.sleep(POLL_INTERVAL)
    return value
