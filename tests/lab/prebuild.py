"""Build the managed plugin into the cache, before the tests that need it ask."""

import sys

from tests.lab.commands import CommandError
from tests.lab.installed import ManagedPlugin
from tests.lab.lab import Lab


def main() -> int:
    with Lab() as lab:
        try:
            ManagedPlugin(lab.host("28")).build()
        except CommandError:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
