"""The commands by name, each imported when it is called."""

import importlib
import os
import sys
from typing import IO, Final

import click

from plugin import __version__
from plugin.cli.errors import NO_PERMISSION, NOT_RUNNING, NoAnswerError
from plugin.cli.groups import NearestGroup
from plugin.cli.output import plain, wrapped
from plugin.errors import NoPermissionError, PynetError

# Where each is, and how its help begins: to import them all takes half a second.
COMMANDS: Final = {
    "serve": ("plugin.cli.serve", "Serve the engine in the foreground."),
    "status": ("plugin.cli.status", "Show how the plugin and its host are."),
    "networks": ("plugin.cli.show", "Show networks and the containers on them."),
    "ports": ("plugin.cli.show", "Show published ports, which `docker ps` cannot."),
    "pools": ("plugin.cli.show", "Show pools, and how many of their addresses are in use."),
    "leases": ("plugin.cli.leases", "Show addresses that DHCP servers gave, and until when."),
    "reserve": (
        "plugin.cli.reservations",
        "Keep ADDRESS for a container name, MAC address or tag.",
    ),
    "unreserve": ("plugin.cli.reservations", "Keep ADDRESS no longer."),
    "reservations": ("plugin.cli.reservations", "Print every reservation, as YAML."),
    "explain": ("plugin.cli.explain", "Show how to build a network or a container by hand."),
    "trace": ("plugin.cli.trace", "Show the way of a packet, and the rule that drops it."),
    "cluster": (
        "plugin.cli.cluster",
        "Show the hosts that share networks with this one, and those networks.",
    ),
    "drops": ("plugin.cli.drops", "Show what was dropped, by reason, and what to do about it."),
    "events": ("plugin.cli.events", "Follow what pynet does, repairs and refuses, until Ctrl-C."),
    "logs": ("plugin.cli.logs", "Show pynet's log, of the service or of the managed plugin."),
    "top": ("plugin.cli.top", "Show what containers send and receive, every second."),
    "ui": (
        "plugin.cli.ui",
        "Serve a page that shows networks, ports, drift and drops, until Ctrl-C.",
    ),
    "doctor": (
        "plugin.cli.doctor",
        "Look for causes of what does not work, each with what to do.",
    ),
    "check": ("plugin.cli.maintenance", "Show what differs from what should be."),
    "repair": ("plugin.cli.maintenance", "Fix what differs."),
    "gc": (
        "plugin.cli.maintenance",
        "Remove what no network owns, and networks that Docker has forgotten.",
    ),
    "bugreport": ("plugin.cli.bugreport", "Pack what a report of a fault needs into FILE, a tar."),
    "backup": ("plugin.cli.archive", "Save the state in FILE, while pynet runs or not."),
    "restore": ("plugin.cli.archive", "Put what FILE has in the place of the state."),
    "uninstall": ("plugin.cli.uninstall", "Remove the links, tables and rules of pynet."),
}


class _Failure(click.ClickException):
    """One sentence: a terminal gets it wrapped between words, a pipe on one line."""

    def show(self, file: IO[str] | None = None) -> None:
        if file is not None or not sys.stderr.isatty():
            super().show(file)
            return
        for line in wrapped("Error: ", self.message):
            click.echo(line, err=True)


class _NotRunningFailure(_Failure):
    exit_code = NOT_RUNNING


class _NoPermissionFailure(_Failure):
    exit_code = NO_PERMISSION


class _Group(NearestGroup):
    """Finds commands by name, and turns every failure into one sentence and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PynetError as error:
            raise _failure(error)(plain(_told(error))) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get("PYNET_LOG_LEVEL", "").lower() == "debug":
                raise
            raise click.ClickException(
                f"internal error in pynet ({type(error).__name__}: {plain(str(error))}); run the command "
                f"again with PYNET_LOG_LEVEL=debug to see where"
            ) from error


def _told(error: PynetError) -> str:
    """The error, and for one that the doctor knows more about, that there is a doctor."""
    return f"{error}; see 'pynet doctor'" if isinstance(error, NoAnswerError) else str(error)


def _failure(error: PynetError) -> type[click.ClickException]:
    if isinstance(error, NoPermissionError):
        return _NoPermissionFailure
    return _NotRunningFailure if isinstance(error, NoAnswerError) else _Failure


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pynet")
def group() -> None:
    """Container networking for Docker.  Settings come from the environment: PYNET_STATE,
    PYNET_PLUGIN_SOCKETS, PYNET_ADMIN_SOCKET, PYNET_LOG_LEVEL, SCOPE and others."""
