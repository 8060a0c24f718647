"""What can befall etcd, and the ways to it and between hosts; and what must go on meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import pytest

from tests.e2e.clustered import Clustered
from tests.lab.commands import CommandError, run, wait_until
from tests.lab.namespace import enter
from tests.lab.slow_calls import late
from tests.reliability.engines.travellers import Ping

OVERLAY: Final = ("-o", "mode=overlay", "--subnet=10.57.0.0/16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """How it begins, who notices by the health, who is cut off from the other, and whether pynet is restarted in it."""

    begin: Callable[[Clustered], None]
    without_etcd: tuple[int, ...] = ()
    divided: bool = False
    restart: bool = False


def cut(hosts: Clustered, host: int, *addresses: object) -> None:
    """Let nothing of a host go to these addresses."""
    netns = hosts.sites[host].host.netns
    targets = ", ".join(map(str, addresses))
    rules = f"type filter hook output priority -300; ip daddr {{ {targets} }} drop"
    chain = f"chain out {{ {rules}; }};"
    run(enter(netns, "nft", f"table ip cut {{ {chain} }}"))


def join_again(hosts: Clustered) -> None:
    """Let everything go where it should."""
    for site in hosts.sites:
        run(enter(site.host.netns, "nft", "table ip cut; delete table ip cut"))


def _from_each_other(hosts: Clustered) -> None:
    cut(hosts, 0, hosts.sites[1].host.address)


def _from_both(hosts: Clustered) -> None:
    cut(hosts, 0, hosts.etcd.address, hosts.sites[1].host.address)


OUTAGES: Final = {
    "a member stops": Outage(begin=lambda hosts: hosts.etcd.stop(hosts.etcd.leader())),
    "no quorum": Outage(begin=lambda hosts: hosts.etcd.stop(0, 1), without_etcd=(0, 1)),
    "etcd away": Outage(begin=lambda hosts: hosts.etcd.stop(0, 1, 2), without_etcd=(0, 1)),
    "etcd away at the start": Outage(
        begin=lambda hosts: hosts.etcd.stop(0, 1, 2), without_etcd=(0, 1), restart=True
    ),
    "a host without etcd": Outage(
        begin=lambda hosts: cut(hosts, 0, hosts.etcd.address), without_etcd=(0,)
    ),
    "hosts without each other": Outage(begin=_from_each_other, divided=True),
    "a host without both": Outage(begin=_from_both, without_etcd=(0,), divided=True),
}


class Town:
    """The same network on both hosts, and two containers on each of which one is pinged."""

    def __init__(self, hosts: Clustered) -> None:
        self.hosts = hosts
        self.networks = hosts.network(*OVERLAY)
        self.containers = hosts.run(self.networks, each=2)
        self.first = [own[0] for own in self.containers]
        wait_until(lambda: all(self.reached(*pair) for pair in ((0, 1), (1, 0))), "the other host")

    def address(self, host: int, container: str) -> object:
        return self.hosts.sites[host].address(container, self.networks[host])

    def reached(self, here: int, there: int) -> bool:
        """Whether the latest container here reaches the latest there."""
        target = self.address(there, self.containers[there][-1])
        return self.hosts.sites[here].pings(self.containers[here][-1], target)

    @contextmanager
    def unbroken(self, *, divided: bool) -> Iterator[list[Ping]]:
        """Pings on each host, and from each to the other unless there is no way."""
        sites = self.hosts.sites
        with ExitStack() as stack:
            pings = [
                Ping(site.netns(own[1]), site.address(own[0], network))
                for site, own, network in zip(sites, self.containers, self.networks, strict=True)
            ]
            if not divided:
                pings += [
                    Ping(
                        sites[here].netns(self.first[here]),
                        sites[there].address(self.first[there], self.networks[there]),
                    )
                    for here, there in ((0, 1), (1, 0))
                ]
            for ping in pings:
                stack.enter_context(ping)
            yield pings


def through(hosts: Clustered, outage: Outage) -> None:
    """See that all goes on which should, and what does not is refused with a reason, in time."""
    town = Town(hosts)
    with town.unbroken(divided=outage.divided) as pings:
        outage.begin(hosts)
        if outage.restart:
            for process in hosts.processes:
                process.restart()
        for host in outage.without_etcd:
            wait_until(partial(_notices, hosts, host), "the health")
            assert hosts.since(host)
        for site, own, network in zip(hosts.sites, town.containers, town.networks, strict=True):
            own.append(site.run("--network", network))
        for host in range(len(hosts.sites)):
            assert hosts.sites[host].pings(
                town.containers[host][-1], town.address(host, town.first[host])
            )
        if not outage.divided:
            assert town.reached(0, 1)
            assert town.reached(1, 0)
        for host in outage.without_etcd:
            _refused(hosts, host, town.networks[host])
        hosts.etcd.go_on()
        join_again(hosts)
        wait_until(lambda: town.reached(0, 1) and town.reached(1, 0), "the way back")
    wait_until(lambda: not any(map(hosts.conditions, (0, 1))), "the health")
    hosts.sites[0].network("--subnet=10.58.0.0/16")

    given = hosts.addresses(town.networks, town.containers)
    assert len(set(given)) == len(given), given
    lost = [ping.lost for ping in pings]
    assert not any(lost), lost
    slow = list(map(late, hosts.processes))
    assert not any(slow), slow


def _notices(hosts: Clustered, host: int) -> bool:
    return "cluster" in hosts.conditions(host)


def _refused(hosts: Clustered, host: int, network: str) -> None:
    """What needs others: a new network, and an address that the host does not have."""
    with pytest.raises(CommandError, match="etcd"):
        hosts.sites[host].network("--subnet=10.59.0.0/16")
    with pytest.raises(CommandError, match="etcd"):
        hosts.sites[host].run("--network", network, "--ip=10.57.77.7")
