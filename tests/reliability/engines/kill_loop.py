"""Commands from all sides under kill -9 of pynet and dockerd; then a cleaner, then nothing."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.lab.dockerd import SOCKET as ENGINE_SOCKET
from tests.reliability.engines.cleaner import DISCONNECTED, ORPHANS, RESTARTED, Cleaner
from tests.reliability.engines.grounds import Ground, on_all_engines, ways_of
from tests.reliability.engines.killers import Killer, engine_killer, pynet_killer
from tests.reliability.engines.leftovers import Holdings, wait_clean
from tests.reliability.engines.prober import Prober
from tests.reliability.engines.storm import PORTS, UNKNOWN, Storm, Tally
from tests.reliability.proof import Count, Proof, Scope, say

SECONDS: Final = (300, 60)  # of the full form, and of the short one
LONGEST_SILENCE: Final = 20.0  # seconds
OF_A_NETWORK: Final = 3  # what pynet holds of an empty one: itself, and a pool for each family


def kill_loop(ground: Ground, seconds: int, seed: int) -> Iterator[Count]:
    """Run it on a host with nothing on it, and clean up."""
    host, installed = ground.host, ground.installed
    before = Holdings.of(host, installed)
    storm = Storm(host, installed.driver, seed)
    cleaner = Cleaner(host, installed)
    with Prober(Path(f"/proc/{host.leader}/root{ENGINE_SOCKET}")) as prober:
        killers = [pynet_killer(installed, seed), engine_killer(host, prober, seed)]
        _run(storm, killers, seconds)
        cleaner.clean()
    left = wait_clean(host, installed, before, PORTS)
    for line in (*cleaner.evidence, *storm.tally.examples):
        say(f"{ground.name}: {line}")
    assert left == [], f"left: {left}, with seed {seed}"
    assert prober.longest < LONGEST_SILENCE, f"silent for {prober.longest:.1f} s, with seed {seed}"
    # Only a command that a kill cut off lets the engine forget what it had asked for.
    orphans, cut_off = cleaner.deeds[ORPHANS], storm.tally.cut_off("network create", "network rm")
    assert orphans <= OF_A_NETWORK * cut_off, f"{orphans} forgotten, {cut_off} cut off, seed {seed}"
    yield Count(what="kill -9 of pynet", number=len(killers[0].starts))
    yield Count(what="kill -9 of dockerd", number=len(killers[1].starts))
    yield from _commands(storm.tally)
    yield Count(what="answers of the engine to the prober", number=prober.answers)
    yield Count(what="longest silence of dockerd while it ran", number=prober.longest, unit="s")
    yield Count(what="longest start of dockerd", number=max(killers[1].starts, default=0), unit="s")
    yield Count(what="longest start of pynet", number=max(killers[0].starts, default=0), unit="s")
    for deed in (DISCONNECTED, RESTARTED, ORPHANS):
        yield Count(what=f"afterwards: {deed}", number=cleaner.deeds[deed])
    yield Count(what="links, addresses, ports, elements, records left", number=len(left))


def _run(storm: Storm, killers: list[Killer], seconds: int) -> None:
    storm.start()
    for killer in killers:
        killer.start()
    try:
        time.sleep(seconds)
    finally:
        for killer in killers:
            killer.end()
        storm.end()


def _commands(tally: Tally) -> Iterator[Count]:
    for verb, number in sorted(tally.done.items()):
        yield Count(what=f"`docker {verb}` that succeeded", number=number)
    for cause, number in sorted(tally.causes.items()):
        yield Count(what=f"commands that failed, {cause}", number=number)
    if UNKNOWN not in tally.causes:
        yield Count(what="commands that failed for an unknown reason", number=0)


def _prove(scope: Scope) -> list[Count]:
    seconds = scope.amount(*SECONDS)
    ways = ways_of(scope)
    return on_all_engines(lambda ground: kill_loop(ground, seconds, scope.seed), ways=ways)


KILL_LOOP: Final = Proof(
    name="kill-loop",
    title="Docker commands under kill -9 of pynet and of dockerd",
    method=(
        "Four people at a time run, stop, start, connect and remove containers and networks, of "
        "bridges and of macvlan with `host_access`, while pynet and dockerd are killed every few "
        "seconds and started again. Then all is "
        "removed with `docker rm -f` and `docker network rm`. A prober asks `/_ping` and "
        "`/containers/json` all the time, but for the time in which dockerd is down by our own "
        f"hand: dockerd is never silent for {LONGEST_SILENCE:g} s, and in the end pynet holds no "
        "link, address, route, port, element or record more than before. An engine that is killed "
        "between pynet's answer and its own note of a network forgets the network and its pools. So does an engine "
        "whose undoing finds no pynet. These are counted and removed as well."
    ),
    prove=_prove,
)
