"""The command that packs what a report of a fault needs: it reads, changes nothing, and waits for nothing long."""

import io
import json
import os
import platform
import re
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from plugin import __version__
from plugin.cli import engine
from plugin.cli.client import ask
from plugin.cli.names import Names, known_names
from plugin.cli.output import json_option, say, show_json
from plugin.cli.place import settings
from plugin.errors import HostError, PynetError, StoreError
from plugin.operator.programs import run

_SECONDS: Final = 20.0  # for each part
_LINES: Final = "2000"  # of the log
_HIDDEN: Final = frozenset({"PYNET_SECRET"})
_ASKED: Final = ("status", "networks", "ports", "pools", "drops", "check")
_PROGRAMS: Final = {
    "links.txt": ("ip", "-details", "-statistics", "link"),
    "addresses.txt": ("ip", "address"),
    "routes.txt": ("ip", "route", "show", "table", "all"),
    "rules.txt": ("nft", "list", "ruleset"),
    "iptables.txt": ("iptables-save", "-c"),
    "ip6tables.txt": ("ip6tables-save", "-c"),
    "log.txt": ("journalctl", "--unit=pynet", f"--lines={_LINES}", "--no-pager"),
    "kernel.txt": ("uname", "-a"),
}


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--redact", is_flag=True, help="Replace names of networks, containers and this host.")
@json_option
def bugreport(file: Path | None, *, redact: bool, as_json: bool) -> None:
    """Pack what a report of a fault needs into FILE, a tar.  Secrets are never in it."""
    path = file or Path(time.strftime("pynet-bugreport-%Y%m%dT%H%M%SZ.tar.gz", time.gmtime()))
    names = known_names()
    parts = dict(_parts())
    if redact:
        parts = {name: _redacted(text, names) for name, text in parts.items()}
    _write(path, parts)
    if as_json:
        show_json({"file": str(path), "parts": sorted(parts)})
    else:
        say(f"wrote {path}: {', '.join(sorted(parts))}; look through it before you send it")


def _parts() -> Iterator[tuple[str, str]]:
    yield "about.txt", _about()
    for each in _ASKED:
        yield f"{each}.json", _answer(f"/v1/{each}")
    yield "engine.json", json.dumps(engine.answered("/version", _SECONDS), indent=2)
    for name, command in _PROGRAMS.items():
        yield name, _output(command)


def _about() -> str:
    lines = [f"pynet {__version__}", f"Python {platform.python_version()}", platform.platform()]
    for name, value in sorted(settings().items()):
        lines.append(f"{name}={'(hidden)' if name in _HIDDEN and value else value}")
    return "\n".join(lines) + "\n"


def _answer(path: str) -> str:
    try:
        return json.dumps(ask(path, seconds=_SECONDS), indent=2)
    except PynetError as error:
        return f"{error}\n"


def _output(command: tuple[str, ...]) -> str:
    try:
        done = run(command, _SECONDS)
    except HostError as error:
        return f"{error}\n"
    return done.stdout + done.stderr


def _redacted(text: str, names: Names) -> str:
    """The same name is the same word everywhere, so that what belongs together can be seen."""
    words = {platform.node(): "this-host"}
    for kind, known in (("network", names.networks), ("container", names.containers)):
        found = sorted(set(known.values()) - {""})
        words |= {name: f"{kind}-{number}" for number, name in enumerate(found, 1)}
    longest = sorted(filter(None, words), key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest))
    return re.sub(rf"(?<![\w.-])({pattern})(?![\w-])", lambda found: words[found[1]], text)


def _write(path: Path, parts: dict[str, str]) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out, tarfile.open(fileobj=out, mode="w:gz") as tar:
            for name, text in parts.items():
                data = text.encode()
                head = tarfile.TarInfo(f"pynet-bugreport/{name}")
                head.size, head.mtime, head.mode = len(data), int(time.time()), 0o600
                tar.addfile(head, io.BytesIO(data))
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
