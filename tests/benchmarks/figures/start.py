"""From the start of the process to its first answers, and what it then weighs."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Final

from tests.benchmarks.figure import Figure, Reach, Row, Unit
from tests.benchmarks.plugin_client import PluginClient
from tests.benchmarks.processes import tree_memory
from tests.benchmarks.sample import Sample
from tests.benchmarks.scene import Scene
from tests.lab.installed import PluginProcess

_PAUSE: Final = 0.001
_DEADLINE: Final = 30.0


def _measure(scene: Scene) -> Iterator[Row]:
    plugin = scene.plugin
    activate, health, ready, rss, pss = [], [], [], [], []
    for number in scene.rounds(15, 4):
        plugin.end()
        started = time.perf_counter()
        plugin.start(wait=False)
        # One after the other would let the second question find everything imported.
        if number % 2:
            health.append(_until(lambda: plugin.ask("/health")) - started)
        else:
            activate.append(_until(lambda: _call(plugin, "Plugin.Activate")) - started)
        ready.append(_until(lambda: _call(plugin, "NetworkDriver.GetCapabilities")) - started)
        memory = tree_memory(plugin.pid)
        rss.append(memory.rss)
        pss.append(memory.pss)
    yield Row(what="`Plugin.Activate` answered", sample=Sample.of(activate), reach=Reach(700))
    yield Row(what="`/health` answered", sample=Sample.of(health), reach=Reach(700))
    yield Row(what="first call that needs the services", sample=Sample.of(ready))
    yield Row(what="RSS then, all processes", sample=Sample.of(rss), unit=Unit.MEBIBYTES)
    yield Row(what="PSS then, all processes", sample=Sample.of(pss), unit=Unit.MEBIBYTES)


def _until(ask: Callable[[], object]) -> float:
    """Ask until there is an answer; return when it came."""
    deadline = time.perf_counter() + _DEADLINE
    while time.perf_counter() < deadline:
        with suppress(OSError):
            ask()
            return time.perf_counter()
        time.sleep(_PAUSE)
    raise TimeoutError(f"no answer within {_DEADLINE:g} s")


def _call(plugin: PluginProcess, method: str) -> None:
    with closing(PluginClient(plugin.socket)) as client:
        client.call(method)


FIGURE: Final = Figure(
    name="start",
    title="Start",
    method="`pynet serve` ended and started again in the host, with an empty state and its bytecode written; from the "
    "start of the process (nsenter and setpriv among it) to the first answer. A fresh start "
    "each time, asked on one of the two sockets in turn.",
    measure=_measure,
)
