"""No address is given twice on three engines and three members of etcd, whatever is cut off, stopped or killed."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from ipaddress import IPv4Address
from typing import Final

from tests.lab.commands import wait_until
from tests.lab.etcd import Etcd
from tests.lab.host import IMAGE, Host
from tests.lab.lab import Lab
from tests.reliability.cluster.grounds import CREATE, VERSIONS, faults_of, is_well, joined
from tests.reliability.cluster.hammers import SUBNET, Hammer, Log
from tests.reliability.cluster.troubles import Troubles
from tests.reliability.engines.grounds import FAILURES, chance
from tests.reliability.engines.travellers import Ping
from tests.reliability.proof import Count, Proof, ProofError, Scope, say

SECONDS: Final = (300, 45)


def prove(scope: Scope) -> Iterator[Count]:
    """Hammer on all hosts for a while; no two containers may have had one address at a time."""
    seconds = scope.seconds or scope.amount(*SECONDS)
    try:
        with ExitStack() as stack:
            yield from _proved(stack, scope.seed, seconds)
    except FAILURES as error:
        raise ProofError(str(error)) from error


def _proved(stack: ExitStack, seed: int, seconds: float) -> Iterator[Count]:
    lab = stack.enter_context(Lab())
    etcd = Etcd(lab.run, lab.peer())
    stack.callback(etcd.end)
    hosts = [lab.host(version) for version in VERSIONS]
    plugins = [joined(host, etcd) for host in hosts]
    for plugin in plugins:
        stack.callback(plugin.end)
    for host in hosts:
        host.docker(*CREATE, f"--subnet={SUBNET}", "app")
    log = Log()
    with _resting(hosts[0]) as ping:
        troubles = Troubles(hosts, etcd, chance(seed, "troubles"))
        hammers = [
            Hammer(log, host, number, chance(seed, f"hammer {number} {passing}"), passing=passing)
            for number, host in enumerate(hosts)
            for passing in (False, True)
        ]
        _wait(seconds, log)
        troubles.end()
        for hammer in hammers:
            hammer.end()
    for plugin in plugins:
        wait_until(partial(is_well, plugin), "the health")
    doubles = log.doubles()
    assert not doubles, f"one address on two at a time: {doubles[:3]}"
    assert not log.examples, f"refused for no known reason: {log.examples[:3]}"
    assert ping.lost == 0, f"{ping.lost} of {ping.sent} pings lost"
    faults = [line for each in plugins for line in faults_of(each)]
    assert not faults, f"pynet had faults of its own: {faults[:3]}"
    yield Count(what="containers", number=len(log.stays))
    yield Count(what="addresses that they had", number=len({each.address for each in log.stays}))
    yield Count(what="addresses that moved to another host", number=_moved(log))
    for name, number in sorted(troubles.seen.items()):
        yield Count(what=name, number=number)
    for cause, number in sorted(log.refused.items()):
        yield Count(what=f"refused: … {cause} …", number=number)
    yield Count(what="pings between containers that ran all the time", number=ping.sent)
    yield Count(what="pings lost, and addresses given twice", number=0)


def _resting(host: Host) -> Ping:
    """A ping between two containers of one host that no trouble may disturb."""
    found = []
    for name in ("resting1", "resting2"):
        host.docker("run", "-d", "--name", name, "--network", "app", IMAGE, "sleep", "86400")
        seen = host.client.api.inspect_container(name)["NetworkSettings"]
        found.append(seen)
    netns = host.path(found[0]["SandboxKey"].removeprefix("/var"))
    return Ping(netns, IPv4Address(found[1]["Networks"]["app"]["IPAddress"]))


def _wait(seconds: float, log: Log) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(10.0, left))
        say(f"{len(log.stays)} containers, {log.refused.total()} refusals")


def _moved(log: Log) -> int:
    hosts: dict[str, set[int]] = {}
    for stay in log.stays:
        hosts.setdefault(stay.address, set()).add(stay.host)
    return sum(len(each) > 1 for each in hosts.values())


CLUSTER_HAMMER: Final = Proof(
    name="cluster-hammer",
    title="No address twice in a cluster in trouble",
    method="Three hosts (engines 28, 20.10 and 28) share subnets by three members of etcd. On each, one thread starts and "
    "removes containers on a common overlay network of four blocks, a fifth of them with an address of its choice, and another one "
    "creates and removes a network of one subnet with a container. Meanwhile hosts are cut off from etcd and from "
    "each other, members from each other, members are stopped and killed, and all of etcd is stopped for up to 20 s. The logs of "
    "all hosts together must have no address on two containers at a time, every refusal a known reason, and "
    "containers that run all the time lose no packet.",
    prove=prove,
)
