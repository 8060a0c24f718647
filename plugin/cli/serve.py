"""The command that runs the plugin, as far as help needs it: see ``main`` of the package."""

import os

import click

from plugin import bootstrap
from plugin.config import read_served_config


@click.command()
def serve() -> None:
    """Serve the engine in the foreground."""
    bootstrap.serve(read_served_config(os.environ))
