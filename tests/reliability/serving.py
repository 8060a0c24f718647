"""A plugin as it is served, in a network namespace of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kernel.netns import Netns
from tests.reliability.crash.server import Server
from tests.reliability.proof import ProofError


@contextmanager
def serving() -> Iterator[Server]:
    """Serve for the block; nothing is left of it."""
    netns = Netns()
    with tempfile.TemporaryDirectory(prefix="pynet-soak-") as directory, netns.entered():
        server = Server(Path(directory))
        try:
            if not server.start():
                raise ProofError(f"it does not start:\n{server.log.read_text()}")
            yield server
        finally:
            server.kill()
            netns.close()
