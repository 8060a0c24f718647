"""Serves the application over a fake host as ``pynet serve`` does: run with the socket's path."""

import sys
from pathlib import Path

from plugin.server.listeners import listen
from plugin.server.process import Process, by_socket
from tests.conformance.plugin import Plugin


def main(path: str) -> None:
    """Until it is stopped."""
    sock = listen(Path(path))
    Process([sock], lambda: by_socket({path: Plugin().app})).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
