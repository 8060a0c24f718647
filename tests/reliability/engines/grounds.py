"""A host with an engine, a pynet on it and a machine beside it, for one proof; one for each engine.

The engines are proved on at the same time: most of it is waiting.
"""

import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.lab.commands import CommandError, DeadlineError
from tests.lab.host import Host
from tests.lab.installed import Installed, PluginProcess
from tests.lab.lab import Lab
from tests.lab.managed import ManagedPlugin
from tests.lab.namespace import Peer
from tests.lab.roots import ENGINES
from tests.lab.site import Site
from tests.reliability.proof import Count, ProofError, Scope, say

SOCKET: Final = "socket"
MANAGED: Final = "managed"
# Seconds, so that no test waits long for what only a tick repairs; a managed plugin has 30.
TICK: Final = "2"
TAIL: Final = 40
FAILURES: Final = (AssertionError, CommandError, DeadlineError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where something is proved."""

    name: str
    host: Host
    installed: Installed
    peer: Peer
    site: Site

    @property
    def faults(self) -> list[str]:
        """What pynet has said of faults of its own."""
        lines = self.installed.tail(10**6).splitlines()
        return [line for line in lines if ".fault" in line or "Traceback" in line]


Prove = Callable[[Ground], Iterable[Count]]


def ways_of(scope: Scope) -> tuple[str, ...]:
    """The ways to install pynet that a run affords."""
    return (SOCKET,) if scope.short else (SOCKET, MANAGED)


def on_all_engines(
    prove: Prove, *options: str, ways: Sequence[str] = (SOCKET,), engines: Sequence[str] = ()
) -> list[Count]:
    """Prove it with each engine in each way; return the counts, with the engine in front."""
    places = [(each, way) for each in engines or ENGINES for way in ways]
    with ThreadPoolExecutor(len(places)) as pool:
        runs = [pool.submit(_on, prove, version, way, options) for version, way in places]
        return [count for run in runs for count in run.result()]


def _on(prove: Prove, version: str, way: str, options: Sequence[str]) -> list[Count]:
    name = f"Docker {version}" + (", managed plugin" if way == MANAGED else "")
    try:
        with _ground(name, version, way, options) as ground:
            counts = list(prove(ground))
            assert ground.faults == [], f"pynet had faults of its own: {ground.faults}"
    except FAILURES as error:
        raise ProofError(f"{name}: {error}") from error
    say(f"{name}: done")
    return [
        Count(what=f"{name}: {each.what}", number=each.number, unit=each.unit) for each in counts
    ]


@contextmanager
def _ground(name: str, version: str, way: str, options: Sequence[str]) -> Iterator[Ground]:
    with Lab() as lab:
        host = lab.host(version, *options)
        installed = _install(host, way)
        site = Site(host, installed)
        try:
            yield Ground(name=name, host=host, installed=installed, peer=lab.peer(), site=site)
        except FAILURES:
            sys.stderr.write(f"{name}: dockerd said:\n{host.dockerd.tail(TAIL)}\n")
            sys.stderr.write(f"{name}: pynet said:\n{installed.tail(TAIL)}\n")
            raise
        if isinstance(installed, PluginProcess):
            installed.end()


def _install(host: Host, way: str) -> Installed:
    if way == MANAGED:
        managed = ManagedPlugin(host)
        managed.install()
        return managed
    process = PluginProcess(host, PYNET_TICK=TICK)
    process.start()
    return process


def chance(seed: int, name: str) -> random.Random:
    """What is random in a proof: the same for the same seed."""
    return random.Random(f"{seed}/{name}")
