"""The hosts of the kernel tests, on the machine's kernel."""

from tests.conftest import IN_MACHINE
from tests.kernel.conftest import kernel, netns, site

# The machine has none of its own.
collect_ignore = ["test_machine.py"] if IN_MACHINE else []
__all__ = ["collect_ignore", "kernel", "netns", "site"]
