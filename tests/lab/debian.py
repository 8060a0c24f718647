"""Debian root file systems, made once per machine and kept.

Whatever is kept is built next to its final place and renamed, under a lock, so
that it is either whole or absent, however many runs want it and whichever is killed.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.lab.commands import CommandError, run

CACHE: Final = Path(os.environ.get("PYNET_CACHE", "/var/cache/pynet"))

# Bookworm's debootstrap has no scripts for later suites; all are links to this.
SCRIPT: Final = Path("/usr/share/debootstrap/scripts/sid")
FALLBACK_MIRROR: Final = "http://deb.debian.org/debian"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Be the only one on this machine who builds what has the name."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def progress(what: str, suite: str) -> Iterator[None]:
    """Say that a root is being made, and how long it took."""
    started = time.monotonic()
    say(f"{what}: making its root from Debian {suite} ...")
    yield
    say(f"{what}: root ready, {time.monotonic() - started:.0f} s")


def bootstrap(suite: str, packages: Sequence[str], root: Path) -> None:
    """Make a root of a suite with the packages; a log is kept beside it.

    Raises:
        CommandError: debootstrap failed.

    """
    # A process that was building it is dead, or this one would not have the lock.
    shutil.rmtree(root, ignore_errors=True)
    log = root.with_suffix(".log")
    argv = [
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        *_keyring_options(),
        suite,
        str(root),
        mirror(),
        str(SCRIPT),
    ]
    with log.open("w") as output:
        code = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        ).returncode
    if code:
        raise CommandError(argv, code, f"{_tail(log)} (see {log})")
    for unneeded in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc"):
        shutil.rmtree(root / unneeded, ignore_errors=True)


def mirror() -> str:
    """Return the mirror this machine installs from: it is the reachable one."""
    try:
        indexes = run(["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"])
    except (CommandError, FileNotFoundError):
        return FALLBACK_MIRROR
    for line in indexes.splitlines():
        _, _, uri = line.partition(" ")
        if uri.rstrip("/").endswith("/debian"):
            return uri
    return FALLBACK_MIRROR


def say(line: str) -> None:
    """Tell the user, who waits, what goes on."""
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


def _keyring_options() -> list[str]:
    # The keyring of bookworm does not always know the keys of later suites.
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    return [f"--keyring={keyring}"] if keyring.exists() else ["--no-check-gpg"]


def _tail(log: Path) -> str:
    return " | ".join(log.read_text().splitlines()[-3:])
