"""Build the managed plugin into the cache, before the tests that need it ask."""

import sys
from pathlib import Path

from tests.lab.commands import CommandError
from tests.lab.lab import Lab
from tests.lab.managed import ManagedPlugin


def build() -> Path:
    """Return its directory.  Raises CommandError."""
    with Lab() as lab:
        return ManagedPlugin(lab.host("28")).build()


def main() -> int:
    try:
        build()
    except CommandError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
