"""Running containers do not notice that pynet or dockerd ends and starts again."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.lab.clients import http_get, reaches
from tests.lab.commands import wait_until
from tests.reliability.engines.grounds import Ground, on_all_engines, ways_of
from tests.reliability.engines.killers import kill_pynet
from tests.reliability.engines.lan import LAN
from tests.reliability.engines.leftovers import Holdings, wait_clean
from tests.reliability.engines.travellers import Ping, Stream
from tests.reliability.proof import Count, Proof, Scope

ECHO: Final = ("nc", "-ll", "-p", "7", "-e", "cat")
ECHO_PORT: Final = 7000
WEB_PORT: Final = 8080


@dataclass(slots=True)
class Journey:
    """What became of the traffic; the pause is in seconds."""

    sent: int = 0
    lost: int = 0
    echoes: int = 0
    broken: str = ""
    pause: float = 0.0


class Scene:
    """Networks of our addresses, of Docker's and of the LAN's, with servers that are in use."""

    def __init__(self, ground: Ground) -> None:
        site = self.site = ground.site
        self.peer = ground.peer
        self._before = Holdings.of(site.host, site.installed)
        self.networks = [site.network(), site.network(ipam=False), site.network(*LAN)]
        self.echoes = [
            site.run("--network", network, "-p", f"{ECHO_PORT + n}:7", command=ECHO)
            for n, network in enumerate(self.networks)
        ]
        self.neighbours = [site.run("--network", network) for network in self.networks]
        for echo in self.echoes:
            wait_until(partial(reaches, site.netns(echo), "127.0.0.1", 7), f"{echo}'s server")
        self.web = site.web("--network", self.networks[0], "-p", f"{WEB_PORT}:80")

    @contextmanager
    def travelling(self, journey: Journey) -> Iterator[None]:
        """Have traffic for the block: between containers, and from another machine to a port."""
        site, far = self.site, self.peer.netns
        targets = list(map(site.address, self.echoes, self.networks))
        near = [site.netns(each) for each in self.neighbours]
        ports = range(ECHO_PORT, ECHO_PORT + len(targets))
        # The host is a neighbour on the LAN's network alone that may lose its way.
        pings = [*map(Ping, near, targets), Ping(site.host.netns, targets[-1])]
        streams = [
            Stream(near[0], targets[0], 7),
            Stream(far, targets[-1], 7),
            *(Stream(far, site.host.address, port) for port in ports),
        ]
        with ExitStack() as stack:
            for ping in pings:
                stack.enter_context(ping)
            for stream in streams:
                stack.enter_context(stream)
            yield
        journey.sent += sum(each.sent for each in pings)
        journey.lost += sum(each.lost for each in pings)
        journey.echoes += sum(each.echoes for each in streams)
        journey.broken += "; ".join(each.failure for each in streams if each.failure)
        journey.pause = max(journey.pause, *(each.longest_pause for each in streams))

    def end(self, journey: Journey) -> Iterator[Count]:
        """Check the traffic, and what can be had now; remove everything, and count."""
        self._check()
        left = self._remove()
        assert not journey.broken, f"connections ended: {journey.broken}"
        assert journey.lost == 0, f"{journey.lost} of {journey.sent} pings lost"
        assert left == [], f"left: {left}"
        yield Count(what="pings", number=journey.sent)
        yield Count(what="pings lost", number=journey.lost)
        yield Count(what="echoes over TCP", number=journey.echoes)
        yield Count(what="longest pause of a connection", number=journey.pause, unit="s")
        yield Count(what="connections that ended, and things left behind", number=0)

    def _check(self) -> None:
        """What was there works, and something new can be had."""
        assert http_get(self.peer.netns, self.site.host.address, WEB_PORT) == self.web
        for network, echo in zip(self.networks, self.echoes, strict=True):
            late = self.site.run("--network", network)
            assert self.site.pings(late, self.site.address(echo, network))
            self.site.remove(late)

    def _remove(self) -> list[str]:
        self.site.remove(self.web, *self.echoes, *self.neighbours)
        for network in self.networks:
            self.site.remove_network(network)
        ports = range(ECHO_PORT, ECHO_PORT + len(self.networks))
        return wait_clean(self.site.host, self.site.installed, self._before, ports)


def live_restore(ground: Ground, rounds: int) -> Iterator[Count]:
    """Restart dockerd, in an orderly way and by kill -9, and pynet after it, under traffic."""
    journey = Journey()
    scene = Scene(ground)
    with scene.travelling(journey):
        for number in range(rounds):
            ground.host.restart_docker((signal.SIGTERM, signal.SIGKILL)[number % 2])
            ground.installed.wait_ready()
            ground.installed.restart()
    yield Count(what="restarts of dockerd, and then of pynet", number=rounds)
    yield from scene.end(journey)


def crash_loop(ground: Ground, kills: int) -> Iterator[Count]:
    """Kill pynet so many times in a row under traffic."""
    journey = Journey()
    scene = Scene(ground)
    with scene.travelling(journey):
        for _ in range(kills):
            kill_pynet(ground.installed)
    wait_until(lambda: ground.installed.ask("/health")["status"] == "ok", "pynet's health")
    yield Count(what="kill -9 of pynet in a row", number=kills)
    yield from scene.end(journey)


def _prove_live_restore(scope: Scope) -> list[Count]:
    rounds = scope.amount(10, 2)
    ways = ways_of(scope)
    return on_all_engines(lambda ground: live_restore(ground, rounds), "--live-restore", ways=ways)


def _prove_crash_loop(scope: Scope) -> list[Count]:
    kills = scope.amount(20, 10)
    ways = ways_of(scope)
    return on_all_engines(lambda ground: crash_loop(ground, kills), ways=ways)


_TRAFFIC: Final = (
    "Traffic runs meanwhile: pings every 10 ms between containers, on a network with pynet's "
    "addresses, on one with Docker's and on a macvlan with `host_access`, where the host pings its "
    "container too; and TCP connections that are never idle, between containers and from another "
    "machine to published ports and to a macvlan container. No ping is lost and no connection "
    "ends. Then new containers can be had, and after `docker rm -f` and `docker network rm` "
    "nothing is left."
)

LIVE_RESTORE: Final = Proof(
    name="live-restore",
    title="Restarts of dockerd and pynet under running containers",
    method=(
        "dockerd, with `--live-restore`, is restarted in turn by SIGTERM and by kill -9, and "
        f"pynet after it. {_TRAFFIC}"
    ),
    prove=_prove_live_restore,
)

CRASH_LOOP: Final = Proof(
    name="crash-loop",
    title="pynet killed again and again under running containers",
    method=f"pynet is killed with -9 as soon as it is ready. {_TRAFFIC}",
    prove=_prove_crash_loop,
)
