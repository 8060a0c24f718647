"""kill -9 from time to time, of pynet and of dockerd, and what keeps them alive otherwise."""

import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Final

from tests.lab.commands import wait_until
from tests.lab.host import Host
from tests.lab.installed import Installed, PluginProcess
from tests.lab.managed import ManagedPlugin
from tests.reliability.engines.grounds import chance
from tests.reliability.engines.prober import Prober

# Seconds, least and most: from the start of one life to its end, and from there to the next.
PYNET_LIVES: Final = (1.0, 7.0)
ENGINE_LIVES: Final = (4.0, 14.0)
ABSENCE: Final = (0.0, 1.5)
# dockerd calls a managed plugin half a second after it has started it, and never starts one again
# that dies meanwhile (moby, plugin/manager_linux.go, pluginPostStart).
HANDSHAKE: Final = 3.0


class Killer(threading.Thread):
    """Kills one thing again and again until it is ended; the thing is alive at the end.

    The same seed makes the same choices of times.
    """

    def __init__(
        self, kill: Callable[[float], float], lives: tuple[float, float], chance: random.Random
    ):
        super().__init__(daemon=True)
        self.starts: list[float] = []
        self.failure: Exception | None = None
        self._kill = kill
        self._lives = lives
        self._chance = chance
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(self._chance.uniform(*self._lives)):
            try:
                self.starts.append(self._kill(self._chance.uniform(*ABSENCE)))
            except Exception as error:  # noqa: BLE001 - it is the test's to hear of
                self.failure = error
                return

    def end(self) -> None:
        """Kill no more; raise what went wrong."""
        self._ended.set()
        self.join()
        if self.failure:
            raise self.failure


def pynet_killer(installed: Installed, seed: int) -> Killer:
    """Return who kills pynet, all of its processes at once."""
    return Killer(
        lambda absence: kill_pynet(installed, absence), PYNET_LIVES, chance(seed, "pynet")
    )


def engine_killer(host: Host, prober: Prober, seed: int) -> Killer:
    """Return who kills dockerd, with the prober's clock stopped meanwhile."""

    def kill(absence: float) -> float:
        with prober.resting():
            return kill_engine(host, absence)

    return Killer(kill, ENGINE_LIVES, chance(seed, "dockerd"))


def kill_pynet(installed: Installed, absence: float = 0.0) -> float:
    """kill -9, and a start so many seconds later; return those until it was ready.

    A managed plugin is started by dockerd, when dockerd pleases.
    """
    if isinstance(installed, PluginProcess):
        installed.end(signal.SIGKILL)
        time.sleep(absence)
        began = time.monotonic()
        installed.start()
    else:
        assert isinstance(installed, ManagedPlugin)
        before = installed.pid
        began = time.monotonic()
        if before:
            installed.kill()
        wait_until(lambda: installed.pid not in {0, before}, "pynet's next life")
        installed.wait_ready()
        ready = time.monotonic()
        time.sleep(HANDSHAKE)
        return ready - began
    return time.monotonic() - began


def kill_engine(host: Host, absence: float = 0.0) -> float:
    """kill -9, and a start so many seconds later; return those until its API answered."""
    host.dockerd.end(signal.SIGKILL)
    time.sleep(absence)
    began = time.monotonic()
    host.dockerd.start(host.leader)
    return time.monotonic() - began
