"""The commands by name, each imported when it is called."""

import importlib
import os
from typing import Final

import click

from plugin import __version__
from plugin.errors import PynetError

_COMMANDS: Final = {
    "serve": "plugin.cli.serve",
    "status": "plugin.cli.show",
    "networks": "plugin.cli.show",
    "ports": "plugin.cli.show",
    "pools": "plugin.cli.show",
    "reserve": "plugin.cli.reservations",
    "unreserve": "plugin.cli.reservations",
    "reservations": "plugin.cli.reservations",
    "check": "plugin.cli.maintenance",
    "repair": "plugin.cli.maintenance",
    "gc": "plugin.cli.maintenance",
    "backup": "plugin.cli.archive",
    "restore": "plugin.cli.archive",
    "uninstall": "plugin.cli.uninstall",
}


class _Group(click.Group):
    """Finds commands by name, and turns every failure into one sentence and exit status 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(importlib.import_module(module), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PynetError as error:
            raise click.ClickException(str(error)) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get("PYNET_LOG_LEVEL", "").lower() == "debug":
                raise
            raise click.ClickException(
                f"internal error in pynet ({type(error).__name__}: {error}); run the command "
                f"again with PYNET_LOG_LEVEL=debug to see where"
            ) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pynet")
def group() -> None:
    """Container networking for Docker.  Settings come from the environment: PYNET_STATE,
    PYNET_PLUGIN_SOCKETS, PYNET_ADMIN_SOCKET, PYNET_LOG_LEVEL, SCOPE and others."""
