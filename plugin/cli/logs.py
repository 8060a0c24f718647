"""The command that shows pynet's log, wherever the service or the managed plugin writes it."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from plugin.cli import engine
from plugin.cli.names import LatestNames
from plugin.cli.output import is_terminal, json_text, plain, say
from plugin.errors import NoPermissionError, PynetError, StoreError
from plugin.log import LEVELS

_LINES: Final = 100
_ENGINE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.3  # between two looks at a file that is followed
_OWN: Final = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+Z) (debug|info|warning|error) (\S+) ?(.*)")
# What dockerd makes of a line that a plugin prints (moby, logrus: text, with Go's quotes).
_OF_DOCKERD: Final = re.compile(r'msg="((?:[^"\\]|\\.)*)" plugin=([0-9a-f]{64})')
_PLUGIN: Final = re.compile(r"plugin=[0-9a-f]{64}")
_NETWORK: Final = re.compile(r"(?<!\S)network=([0-9a-f]+)(?!\S)")
_ENDPOINT: Final = re.compile(r"(?<!\S)endpoint=([0-9a-f]+)(?!\S)")
_COLOURS: Final = {"warning": "yellow", "error": "red"}


@click.command()
@click.option("-n", "--lines", type=click.IntRange(min=0), default=_LINES, help="So many (100).")
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="Leave out lesser lines.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read a file in place of the journal: pynet's output, or dockerd's log.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one line each.")
def logs(*, lines: int, follow: bool, level: str, path: Path | None, as_json: bool) -> None:
    """Show pynet's log, of the service or of the managed plugin."""
    plugin = _managed()
    source = _of_file(path, follow=follow) if path else _of_journal(plugin, follow=follow)
    wanted = LEVELS[LEVELS.index(level) :]
    found = (each for each in _own(source, plugin) if _level(each) in wanted)
    shown, names = 0, LatestNames()
    with suppress(KeyboardInterrupt):
        for line in found if follow else deque(found, lines):
            _show(line, names, as_json=as_json)
            shown += 1
    if not shown and not follow and lines:
        say(_nothing(path, plugin, level), err=True)


def _nothing(path: Path | None, plugin: str, level: str) -> str:
    """Why nothing is shown, as far as it is known."""
    kind = "line" if level == LEVELS[0] else f"line of level {level} or above"
    if path is not None:
        return f"{path} has no {kind} of pynet"
    unit = _unit(plugin)
    hint = "" if os.geteuid() == 0 else ", or this user may not read it: run the command as root"
    return f"the journal of {unit} (journalctl --unit={unit}) has no {kind} of pynet{hint}"


def _unit(plugin: str) -> str:
    return "docker" if plugin else "pynet"


def _managed() -> str:
    """The id of the managed plugin that is enabled; empty if pynet is a service."""
    for each in engine.listed("/plugins", _ENGINE_SECONDS) or ():
        env = (each.get("Settings") or {}).get("Env") or ()
        if each.get("Enabled") and any(str(text).startswith("PYNET_") for text in env):
            return str(each["Id"])
    return ""


def _of_journal(plugin: str, *, follow: bool) -> Iterator[str]:
    """Lines of the service's journal, or of dockerd's, which has a managed plugin's lines."""
    if shutil.which("journalctl") is None:
        raise PynetError(
            "this host has no journal (journalctl); name the file that has the log with --file, or see "
            "'pynet events'"
        )
    command = ["journalctl", f"--unit={_unit(plugin)}", "--output=cat", "--no-pager", "--quiet"]
    if follow:
        command += ["--follow", "--lines=1000"]
    with subprocess.Popen(  # noqa: S603 - the program is named above
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            yield from process.stdout or ()
            said = process.stderr.read().strip() if process.stderr else ""
            if process.wait():
                raise PynetError(f"journalctl: {said}")
        finally:
            process.kill()


def _of_file(path: Path, *, follow: bool) -> Iterator[str]:
    try:
        with path.open(errors="replace") as file:
            yield from file
            while follow:
                line = file.readline()
                if line:
                    yield line
                else:
                    time.sleep(_PAUSE_SECONDS)
    except PermissionError as error:
        raise NoPermissionError(f"{path} cannot be read; run the command as root") from error
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error


def _own(lines: Iterable[str], plugin: str) -> Iterator[str]:
    """pynet's lines, as it printed them."""
    for line in lines:
        text = line.rstrip("\n")
        if not _OWN.fullmatch(text):  # a value in a line of its own may look like one of dockerd's
            found = _OF_DOCKERD.search(text)
            if found is not None and plugin in ("", found[2]):
                text = _unquoted(found[1])
            elif _PLUGIN.search(text):
                continue  # of another plugin
        if _OWN.fullmatch(text):
            yield text


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:  # an escape of Go's that JSON has not
        return text.replace('\\"', '"').replace("\\\\", "\\")


def _level(line: str) -> str:
    found = _OWN.fullmatch(line)
    return found[2] if found else ""


def _show(line: str, names: LatestNames, *, as_json: bool) -> None:
    found = _OWN.fullmatch(line)
    if found is None:
        return
    text = found[4]
    network, endpoint = _NETWORK.search(text), _ENDPOINT.search(text)
    named = names.of(network[1] if network else "", endpoint[1] if endpoint else "")
    if as_json:
        keys = ("at", "level", "event", "text", "network_name", "container_name")
        click.echo(json_text(dict(zip(keys, (*found.groups(), *named), strict=True))))
    else:
        for each, name in zip((network, endpoint), named, strict=True):
            if each and name:
                text = text.replace(each[0], f"{each[0]} ({name})", 1)
        level = click.style(found[2], fg=_COLOURS.get(found[2])) if is_terminal() else found[2]
        click.echo(f"{found[1]} {level} {plain(f'{found[3]} {text}'.rstrip())}")
    sys.stdout.flush()
