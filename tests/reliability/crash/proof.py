"""The proof: every scene, every call of a life, every point of it, and every end."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.kernel.netns import Netns
from tests.reliability.crash import beside
from tests.reliability.crash.points import End
from tests.reliability.crash.scenes import SCENES
from tests.reliability.crash.script import Scene
from tests.reliability.crash.server import die_with_parent
from tests.reliability.crash.walk import Then, Walk
from tests.reliability.proof import Count, Proof, Scope, say

Ways = tuple[tuple[End, Then], ...]

_ALL: Final[Ways] = tuple(product(End, Then))
_SHORT: Final[Ways] = ((End.ALL_DIE, Then.GIVES_UP), (End.WORKER_DIES, Then.RETRIES))


def _prove(scope: Scope) -> Iterable[Count]:
    counts: Counter[str] = Counter()
    tasks: list[tuple[str, Ways]] = [
        (scene.name, (way,)) for scene in SCENES for way in _ways(scene, short=scope.short)
    ]
    tasks += [(scene.name, ()) for scene in SCENES]
    cpus = len(os.sched_getaffinity(0))
    fork = get_context("fork")
    with ProcessPoolExecutor(cpus, fork, initializer=die_with_parent) as pool:
        try:
            walks = [pool.submit(_walk, *task) for task in tasks]
            for walk in as_completed(walks):
                counts += walk.result()
                say(f"{counts.total():,} points")
        finally:
            pool.shutdown(cancel_futures=True)
    yield Count(what="points walked", number=counts.total())
    for what, number in sorted(counts.items()):
        yield Count(what=what, number=number)
    yield Count(what="kinds of networks", number=len(SCENES))


def _ways(scene: Scene, *, short: bool) -> Ways:
    if not short:
        return _ALL
    if scene.mode == "bridge":
        return _SHORT
    return _SHORT[:1] if scene.ports else ()


def _walk(name: str, ways: Ways) -> Counter[str]:
    """Walk all calls of a scene these ways; without any, what is beside the calls."""
    (scene,) = (each for each in SCENES if each.name == name)
    with _walking(scene) as (walk, netns):
        for place, (end, then) in product(walk.places(), ways):
            walk.walk(place, end, then)
        if not ways:
            if walk.has_links:
                beside.die_reaping(walk)
            beside.die_starting(walk)
            beside.die_ticking(walk, netns)
            beside.die_woken(walk, netns)
            # A bridge that is not ours would be somebody's to make again.
            if "bridge_name" not in scene.options:
                beside.die_after_reboot(walk, netns)
        return walk.counts


@contextmanager
def _walking(scene: Scene) -> Iterator[tuple[Walk, Netns]]:
    """Walk in a namespace that is gone afterwards, with all that was in it."""
    netns = Netns()
    with tempfile.TemporaryDirectory(prefix="pynet-crash-") as directory, netns.entered():
        for command in ("iptables", "ip6tables"):
            netns.run(command, "-N", "DOCKER-USER")  # as Docker does
        walk = Walk(scene, Path(directory), netns)
        try:
            walk.learn()
            yield walk, netns
        finally:
            walk.server.kill()
    netns.close()


CRASH_POINTS: Final = Proof(
    name="crash-points",
    title="Death and refusal at every point",
    method="""\
The plugin as it is served, with its sockets, files, netlink and nftables, in a network namespace.
In each life one place is armed where it changes something or is about to answer: a commit of one
of its two files, a request to the kernel that changes a link, an address, a route or a setting, a
transaction of nftables, a port that is bound or let go, an order to the proxy. There everything
is killed, or the worker alone; or what is done there fails, once or from then on. The engine then
makes the same call again, or does what dockerd does when it gives up. After that the host (links,
addresses, routes, neighbours, rules, bound ports), both files and what the engine believes must
agree, by comparison with a life that nothing disturbed; the next container must start and be
whole; and in the end nothing may be left. The starts, the start after a reboot, a tick with much
to mend, what is mended at the word that links changed, and the deletion in the background are
walked the same way.""",
    prove=_prove,
)
