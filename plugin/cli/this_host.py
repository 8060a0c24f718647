"""This host for commands that look at all of it: what pynet and the engine answer, and where dockerd's files are."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from plugin.cli import engine, place
from plugin.cli.client import LONG_SECONDS, ask
from plugin.operator.doctor.host import Host, Setup

_ENGINE_SECONDS: Final = 5.0
_HEALTH_SECONDS: Final = 5.0  # it is answered from memory


def this_host(ask_engine: Callable[[str], Any] | None = None) -> Host:
    """The host, of which nothing was read yet; the engine is asked by ``ask_engine``, if given."""
    config = place.config()
    process = _dockerd()
    return Host(
        plugin=lambda path, method: ask(
            path, method, seconds=_HEALTH_SECONDS if path == "/health" else LONG_SECONDS
        ),
        engine=ask_engine or (lambda path: engine.answered(path, _ENGINE_SECONDS)),
        setup=Setup(
            root=process / "root" if process else Path("/"),
            state=config.state,
            settings=place.settings(),
            sockets=tuple(str(each.path) for each in config.plugin_sockets),
            dns_options=tuple(_dns_options(process)) if process else (),
        ),
    )


def _dockerd() -> Path | None:
    """The engine's process, if this user may look into it."""
    process = engine.process(_ENGINE_SECONDS)
    seen = process is not None and os.access(process / "root" / "proc", os.R_OK)
    return process if seen else None


def _dns_options(process: Path) -> Iterator[str]:
    """Values of ``--dns`` on dockerd's command line."""
    words = []
    with suppress(OSError):
        words = (process / "cmdline").read_text(errors="replace").split("\0")
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--dns":
            yield following
        elif word.startswith("--dns="):
            yield word.removeprefix("--dns=")
