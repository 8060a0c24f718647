"""dockerd starts with containers to start again: with pynet, with pynet late, without it."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from tests.lab.installed import PluginProcess
from tests.reliability.engines.cleaner import Cleaner
from tests.reliability.engines.grounds import Ground, on_all_engines
from tests.reliability.engines.leftovers import Holdings, wait_clean
from tests.reliability.engines.town import Town
from tests.reliability.proof import Count, Proof, Scope

NETWORKS: Final = 3
CONTAINERS: Final = (20, 8)  # in the full form, and in the short one
LATE: Final = 5.0  # seconds


def boots(ground: Ground, count: int, *, beside: bool) -> Iterator[Count]:
    """Boot with so many containers; with Docker's own bridge beside, if asked for."""
    site, plugin = ground.site, ground.installed
    assert isinstance(plugin, PluginProcess)
    if beside:
        networks = [site.network(ipam=False, driver="bridge") for _ in range(NETWORKS)]
        town = Town(site, networks, count)
        yield from _boot(ground, town, "Docker's bridge")
        _remove(ground)
    before = Holdings.of(ground.host, plugin)
    town = Town(site, [site.network() for _ in range(NETWORKS)], count)
    yield from _boot(ground, town, "pynet up before dockerd")
    plugin.end()
    yield from _boot(ground, town, f"pynet {LATE:g} s late", late=plugin.start)
    town.check(ground.peer)
    _remove(ground)
    left = wait_clean(ground.host, plugin, before, town.ports)
    assert left == [], f"left: {left}"
    yield Count(what="left behind", number=len(left))


def _boot(
    ground: Ground, town: Town, what: str, late: Callable[[], None] | None = None
) -> Iterator[Count]:
    """Kill dockerd and start it: until its API answers, and until all containers are up."""
    dockerd = ground.host.dockerd
    dockerd.end(signal.SIGKILL)
    timer = threading.Timer(LATE, late) if late is not None else None
    began = time.monotonic()
    if timer is not None:
        timer.start()
    try:
        dockerd.start(ground.host.leader)
        api = time.monotonic() - began
        town.wait_up()
    finally:
        if timer is not None:
            timer.join()
    up = time.monotonic() - began
    containers = len(town.ports)
    yield Count(what=f"{what}: until the API answers", number=api, unit="s")
    yield Count(what=f"{what}: until {containers} containers are up", number=up, unit="s")


def _remove(ground: Ground) -> None:
    """An engine that was killed may refuse to remove a network at the first try."""
    Cleaner(ground.host, ground.installed).clean()
    ground.site.forget()


def _prove(scope: Scope) -> list[Count]:
    count = scope.amount(*CONTAINERS)
    return on_all_engines(lambda ground: boots(ground, count, beside=not scope.short))


BOOT: Final = Proof(
    name="boot",
    title="Start of dockerd with containers that are always restarted",
    method=(
        f"{CONTAINERS[0]} containers with `--restart=always` and a published port each, on "
        f"{NETWORKS} networks; dockerd is killed with -9 and started again. All containers have to "
        "come up and to answer another machine, also if pynet is started only "
        f"{LATE:g} s after dockerd. The times are figures of this run, beside those of Docker's own "
        "bridge in the same run; nothing asserts them. All engines are started at the same time."
    ),
    prove=_prove,
)
