"""All of etcd is away for an hour, under three engines: what runs goes on, and what starts from owned blocks starts."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations
from typing import Final

from tests.lab.commands import wait_until
from tests.lab.etcd import MEMBERS, Etcd
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.slow_calls import calls
from tests.reliability.cluster.grounds import CREATE, VERSIONS, faults_of, is_well, joined
from tests.reliability.cluster.hammers import Log
from tests.reliability.cluster.residents import Residents
from tests.reliability.engines.grounds import FAILURES
from tests.reliability.engines.travellers import Ping
from tests.reliability.proof import Count, Proof, ProofError, Scope, say

SUBNET: Final = "10.61.0.0/22"  # blocks of 64 addresses, more than the hosts ever own
NEW: Final = "10.63.{}.0/24"
ELSEWHERE: Final = "10.61.3.77"  # in no host's block
SECONDS: Final = (3600, 90)
PAUSE: Final = 15.0  # seconds between two containers of a host
AFTERWARDS: Final = 8  # containers of a host, when etcd is there again
NETWORK: Final = "app"


@dataclass(slots=True)
class Figures:
    """What was counted in the outage."""

    refused: int = 0
    longest_refusal: float = 0.0
    asked: int = 0
    late: list[str] = field(default_factory=list)

    def note(self, plugin: PluginProcess) -> None:
        """Take over the calls of a process that is about to end."""
        for method, (number, slow) in calls(plugin).items():
            self.asked += number
            self.late += [method] * slow


class Hosts:
    """Three hosts of a cluster with containers on a network that all have, and a ping a second between them."""

    def __init__(self, stack: ExitStack) -> None:
        lab = stack.enter_context(Lab())
        self.etcd = Etcd(lab.run, lab.peer())
        stack.callback(self.etcd.end)
        hosts = [lab.host(version, "--live-restore") for version in VERSIONS]
        self.plugins = [joined(host, self.etcd) for host in hosts]
        for plugin in self.plugins:
            stack.callback(plugin.end)
        for host in hosts:
            host.docker(*CREATE, f"--subnet={SUBNET}", NETWORK)
        self.residents = [Residents(host, number, NETWORK) for number, host in enumerate(hosts)]

    @contextmanager
    def pinging(self) -> Iterator[list[Ping]]:
        """Each host's first container pings its second one, and the first ones of the other hosts."""
        first = [each.resting[0] for each in self.residents]
        wanted = [(here, here.resting[1][1]) for here in self.residents]
        wanted += [
            (self.residents[here], first[there][1])
            for here, there in permutations(range(len(first)), 2)
        ]
        with ExitStack() as stack:
            yield [
                stack.enter_context(Ping(here.netns(here.resting[0][0]), target, interval=1.0))
                for here, target in wanted
            ]

    def come(self) -> None:
        """A container on each host, which reaches one of its host and one of the next host."""
        for number, each in enumerate(self.residents):
            following = self.residents[(number + 1) % len(self.residents)]
            each.come(each.resting[0][1], following.resting[0][1])

    def since(self, number: int) -> str:
        """Since when a host's part of the cluster is missing."""
        degraded = self.plugins[number].ask("/health")["degraded"]
        return next((str(each["since"]) for each in degraded if each["what"] == "cluster"), "")


def prove(scope: Scope) -> Iterator[Count]:
    """Take etcd away, and bring it back."""
    seconds = scope.seconds or scope.amount(*SECONDS)
    try:
        with ExitStack() as stack:
            yield from _proved(Hosts(stack), seconds)
    except FAILURES as error:
        raise ProofError(str(error)) from error


def _proved(hosts: Hosts, seconds: float) -> Iterator[Count]:
    figures = Figures()
    with hosts.pinging() as pings:
        hosts.come()
        hosts.etcd.stop(*range(MEMBERS))
        began = time.monotonic()
        _endure(hosts, figures, seconds)
        away = time.monotonic() - began
        for number in range(MEMBERS):
            hosts.etcd.start(number)
        hosts.etcd.wait_until_well()
        for plugin in hosts.plugins:
            wait_until(partial(is_well, plugin), "the health")
        healed = time.monotonic() - began - away
        for number, each in enumerate(hosts.residents):
            each.host.docker(*CREATE, f"--subnet={NEW.format(number)}", "new")
        for _ in range(AFTERWARDS):
            hosts.come()
    for plugin in hosts.plugins:
        figures.note(plugin)
    log = Log(stays=[stay for each in hosts.residents for stay in each.stays()])
    doubles = log.doubles()
    assert not doubles, f"one address on two at a time: {doubles[:3]}"
    assert not figures.late, f"the engine waited longer than 3 s: {figures.late[:9]}"
    faults = [line for each in hosts.plugins for line in faults_of(each)]
    assert not faults, f"pynet had faults of its own: {faults[:3]}"
    lost = [ping.lost for ping in pings]
    assert not any(lost), f"pings lost: {lost}"
    yield Count(what="etcd was away", number=round(away), unit="s")
    yield Count(what="containers that started", number=sum(e.started for e in hosts.residents))
    yield Count(what="addresses that they had", number=len({each.address for each in log.stays}))
    yield Count(what="networks, and addresses of no own block, refused", number=figures.refused)
    yield Count(what="longest such command", number=figures.longest_refusal, unit="s")
    yield Count(what="calls of the engines", number=figures.asked)
    yield Count(what="calls that took longer than 3 s", number=len(figures.late))
    yield Count(what="all well after etcd's return", number=healed, unit="s")
    yield Count(what="pings", number=sum(ping.sent for ping in pings))
    yield Count(what="pings lost, and addresses given twice", number=0)


def _endure(hosts: Hosts, figures: Figures, seconds: float) -> None:
    """Let containers come and go, while pynet, the members and dockerd are killed in turn."""
    begin = time.monotonic()
    befalls = [
        (seconds / 4, lambda: _kill_pynet(hosts.plugins[1], figures)),
        (seconds / 2, lambda: _kill_members(hosts.etcd)),
        (seconds * 3 / 4, lambda: _restart_docker(hosts, 2)),
    ]
    since = wait_until(lambda: hosts.since(0), "the health")
    number = 0
    while (gone := time.monotonic() - begin) < seconds:
        if befalls and gone > befalls[0][0]:
            befalls.pop(0)[1]()
        hosts.come()
        here = hosts.residents[number % len(hosts.residents)]
        for arguments in (
            (*CREATE, f"--subnet={NEW.format(200)}", "refused"),
            ("run", "--rm", "--network", NETWORK, f"--ip={ELSEWHERE}", "busybox:local", "true"),
        ):
            took = here.refused(*arguments, because="etcd")
            figures.refused += 1
            figures.longest_refusal = max(figures.longest_refusal, took)
        assert hosts.since(0) == since, f"not since {since}, but {hosts.since(0)}"
        assert all(map(hosts.since, range(len(hosts.plugins)))), "a host is said to be well"
        number += 1
        if not number % 20:
            say(f"{gone:,.0f} of {seconds:,.0f} s, {figures.refused} refused")
        time.sleep(max(0.0, min(PAUSE, seconds - gone)))
    assert not befalls, f"{len(befalls)} restarts did not come about"


def _kill_pynet(plugin: PluginProcess, figures: Figures) -> None:
    figures.note(plugin)
    plugin.end(signal.SIGKILL)
    plugin.start()
    wait_until(lambda: not is_well(plugin), "the health")


def _kill_members(etcd: Etcd) -> None:
    """They were silent so far, and refuse connections from now on."""
    for number in range(MEMBERS):
        etcd.kill(number)


def _restart_docker(hosts: Hosts, number: int) -> None:
    hosts.residents[number].host.restart_docker(signal.SIGKILL)


CLUSTER_OUTAGE: Final = Proof(
    name="cluster-outage",
    title="An hour without etcd",
    method="Three hosts (engines 28, 20.10 and 28) share an overlay network by three members of etcd. Then the members are stopped, "
    "and after half of the time killed, and come back in the end. Meanwhile a container is started on each host every 15 s, and must reach one of its host and "
    "one of another; a new network, and an address outside of the host's blocks, must be refused with the reason; pynet is killed and started "
    "again on one host, and dockerd (`--live-restore`) on another. Containers that run all the time are pinged once a second, on their host and between "
    "all hosts, and no packet may be lost; no call of an engine may take longer than 3 s; `/health` must say on every host that etcd is missing, and "
    "on one where pynet runs on always since the same time. When etcd is back, each host gets a new network and more containers, and no address may have been on two at a time.",
    prove=prove,
)
