"""The command line: run the plugin, or ask a running one through its admin socket."""

import os

import click

from plugin import __version__
from plugin.cli import show
from plugin.config import read_config
from plugin.errors import PynetError


class _Group(click.Group):
    """Turns refusals into one sentence and exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PynetError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pynet")
def main() -> None:
    """Container networking for Docker.  Settings come from the environment: PYNET_STATE,
    PYNET_PLUGIN_SOCKETS, PYNET_ADMIN_SOCKET, PYNET_LOG_LEVEL, SCOPE and others."""


@main.command()
def serve() -> None:
    """Serve the engine in the foreground."""
    from plugin import bootstrap  # noqa: PLC0415 - the other commands do not need it

    bootstrap.serve(read_config(os.environ))


main.add_command(show.status)
main.add_command(show.networks)
main.add_command(show.ports)
