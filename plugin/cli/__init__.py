"""The command line: run the plugin, or ask a running one through its admin socket."""

import os
import sys

from plugin.errors import PynetError


def main() -> None:
    """The console script.

    ``pynet serve`` skips the import of click and rich: a plugin runs for months in two processes,
    and neither parses options or draws tables (3 MiB each, and 50 ms of a start).
    """
    if sys.argv[1:] == ["serve"]:
        _serve()
    else:
        from plugin.cli.commands import group  # noqa: PLC0415

        group(prog_name="pynet")


def _serve() -> None:
    from plugin import bootstrap  # noqa: PLC0415
    from plugin.config import read_served_config  # noqa: PLC0415

    try:
        bootstrap.serve(read_served_config(os.environ))
    except PynetError as error:
        sys.exit(f"Error: {error}")
