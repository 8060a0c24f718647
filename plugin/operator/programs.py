"""Run a program of the host for what it prints, and wait for it no longer than asked."""

import shutil
import subprocess
from collections.abc import Sequence

from plugin.errors import HostError


def run(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """What it printed, with its exit status.  Raises HostError if it is not there or does not end."""
    if shutil.which(command[0]) is None:
        raise HostError(f"{command[0]} is not installed")
    try:
        return subprocess.run(  # noqa: S603 - callers name the program
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"{command[0]} did not answer: {error}") from error
