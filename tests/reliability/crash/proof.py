"""The proof: every scene, every call of a life, every point of it, and every end."""

import math
import os
import tempfile
import time
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
from tests.reliability.crash.leased import serving
from tests.reliability.crash.points import End
from tests.reliability.crash.scenes import SCENES
from tests.reliability.crash.script import Scene
from tests.reliability.crash.server import die_with_parent
from tests.reliability.crash.walk import Then, Walk
from tests.reliability.proof import Count, Proof, ProofError, Scope, say

Ways = tuple[tuple[End, Then], ...]

# The most telling first, for who has not the time for all.
_ALL: Final[Ways] = (
    (End.ALL_DIE, Then.GIVES_UP),
    (End.REFUSED, Then.GIVES_UP),
    (End.WORKER_DIES, Then.RETRIES),
    (End.BROKEN, Then.RETRIES),
    (End.ALL_DIE, Then.RETRIES),
    (End.BROKEN, Then.GIVES_UP),
    (End.WORKER_DIES, Then.GIVES_UP),
    (End.REFUSED, Then.RETRIES),
)
_SHORT: Final[Ways] = ((End.ALL_DIE, Then.GIVES_UP), (End.WORKER_DIES, Then.RETRIES))


def _prove(scope: Scope) -> Iterable[Count]:
    """Walk everything, whatever fails on the way: one night shows all that is wrong."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    left_out = 0
    tasks = _tasks(short=scope.short)
    ends = time.monotonic() + (scope.seconds or math.inf)
    cpus = len(os.sched_getaffinity(0))
    fork = get_context("fork")
    with ProcessPoolExecutor(cpus, fork, initializer=die_with_parent) as pool:
        walks = {pool.submit(_walk_in_time, ends, *task): task for task in tasks}
        try:
            for done, walk in enumerate(as_completed(walks), start=1):
                error = walk.exception()
                found = None if error else walk.result()
                if error:
                    failures.append(f"{_title(*walks[walk])}: {str(error) or repr(error)}")
                    say(f"FAILED {failures[-1]}")
                elif found is None:
                    left_out += 1
                else:
                    counts += found
                say(f"{done} of {len(tasks)} walks, {counts.total():,} points")
        finally:
            pool.shutdown(cancel_futures=True)
    if failures:
        raise ProofError(f"{len(failures)} walks failed:\n" + "\n".join(failures))
    if not counts:
        raise ProofError(f"no walk was begun within {scope.seconds:g} s")
    yield Count(what="points walked", number=counts.total())
    for what, number in sorted(counts.items()):
        yield Count(what=what, number=number)
    yield Count(what="kinds of networks", number=len(SCENES))
    if left_out:
        yield Count(what="walks for which there was no time", number=left_out)


def _tasks(*, short: bool) -> list[tuple[str, Ways]]:
    """What is beside the calls first, and then one way after the other in all scenes."""
    beside: list[tuple[str, Ways]] = [(scene.name, ()) for scene in SCENES]
    ways = _SHORT if short else _ALL
    return beside + [
        (scene.name, (way,)) for way in ways for scene in SCENES if way in _ways(scene, short=short)
    ]


def _ways(scene: Scene, *, short: bool) -> Ways:
    if not short:
        return _ALL
    if scene.mode == "bridge":
        return _SHORT
    return _SHORT[:1] if scene.ports else ()


def _title(name: str, ways: Ways) -> str:
    how = [f"{end.value}, engine {then.value}" for end, then in ways]
    return f"{name} ({'; '.join(how) or 'beside the calls'})"


def _walk_in_time(ends: float, name: str, ways: Ways) -> Counter[str] | None:
    """Walk; None if there is no time for it any more."""
    return _walk(name, ways) if time.monotonic() < ends else None


def _walk(name: str, ways: Ways) -> Counter[str]:
    """Walk all calls of a scene these ways; without any, what is beside the calls."""
    (scene,) = (each for each in SCENES if each.name == name)
    with _walking(scene) as (walk, netns):
        for place, (end, then) in product(walk.places(), ways):
            walk.walk(place, end, then)
        if not ways:
            if walk.has_links:
                beside.die_reaping(walk)
            beside.die_ending_connections(walk)
            beside.die_starting(walk)
            beside.die_ticking(walk, netns)
            beside.die_woken(walk, netns)
            # A bridge that pynet did not make would be the user's to make again.
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
            with serving(scene, Path(directory)):
                walk.learn()
                yield walk, netns
        except AssertionError as error:
            raise ProofError(f"{error}\n{walk.server.tail()}") from error
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
to repair, what is repaired when links are announced as changed, and the deletion and the end of connections in the
background are walked the same way.""",
    prove=_prove,
)
