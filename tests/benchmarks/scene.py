"""Where figures are measured: one lab host with one engine and one pynet, for the whole run.

All of it comes up when the first figure asks for it, so that a figure of the
library alone needs neither root nor an engine.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.benchmarks.engine import Engine
from tests.lab.host import Host
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.namespace import Peer

ENGINE: Final = "28"
TMPFS: Final = Path("/dev/shm")
DISK: Final = Path("/var/tmp")
SILENCE: Final = 5.0  # seconds without a line before progress is shown


class Scene:
    """The context of a run; closing it leaves nothing behind."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._undo.close()

    @cached_property
    def host(self) -> Host:
        say("a lab host with its engine ...")
        return self._lab.host(ENGINE)

    @cached_property
    def engine(self) -> Engine:
        return Engine.of(self.host)

    @cached_property
    def peer(self) -> Peer:
        """Another machine on the host's wire, without Docker."""
        return self._lab.peer()

    @cached_property
    def plugin(self) -> PluginProcess:
        """The plugin on the host."""
        return self._installed(self.host)

    @contextmanager
    def another_plugin(self) -> Iterator[PluginProcess]:
        """Have one more host with a plugin for the block."""
        with self.another_host() as (_, plugin):
            yield plugin

    @contextmanager
    def another_host(self) -> Iterator[tuple[Host, PluginProcess]]:
        """Have one more host, and the plugin on it, for the block."""
        host = self._lab.host(ENGINE)
        try:
            yield host, self._installed(host)
        finally:
            host.halt()

    @contextmanager
    def host_with(self, program: Sequence[str]) -> Iterator[tuple[Host, Path]]:
        """Have one more host, and the socket of a plugin by another program, for the block."""
        host = self._lab.host(ENGINE)
        try:
            yield host, self._installed(host, program).socket
        finally:
            host.halt()

    @property
    def has_engine(self) -> bool:
        """Whether a figure has asked for the host."""
        return "host" in vars(self)

    @cached_property
    def _lab(self) -> Lab:
        return self._undo.enter_context(Lab())

    @cached_property
    def _bytecode(self) -> Path:
        return self.directory(DISK)

    def _installed(self, host: Host, program: Sequence[str] = ()) -> PluginProcess:
        """Start a plugin as an installed one: compiled, and on its default log level."""
        plugin = PluginProcess(
            host,
            program,
            PYNET_LOG_LEVEL="info",
            PYTHONDONTWRITEBYTECODE="",
            PYTHONPYCACHEPREFIX=str(self._bytecode),
        )
        plugin.start()  # which writes the bytecode
        plugin.restart()
        return plugin

    def amount(self, full: int, quick: int) -> int:
        """Return how many of something this run affords."""
        return quick if self.quick else full

    def rounds(self, full: int, quick: int) -> Iterator[int]:
        """Count rounds, and say now and then how far they have come."""
        count = self.amount(full, quick)
        said = time.monotonic()
        for number in range(count):
            yield number
            if time.monotonic() - said > SILENCE:
                said = time.monotonic()
                say(f"{number + 1} of {count}")

    def directory(self, parent: Path) -> Path:
        """Make a directory there that is gone after the run."""
        path = Path(tempfile.mkdtemp(prefix="pynet-bench-", dir=parent))
        self._undo.callback(shutil.rmtree, path, ignore_errors=True)
        return path


def say(line: str) -> None:
    sys.stderr.write(f"    {line}\n")
    sys.stderr.flush()
