"""Networks of a swarm of three managers."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_interface

import pytest

from tests.lab.commands import CommandError, wait_until
from tests.lab.host import IMAGE, Host
from tests.lab.installed import MANAGED_NAME, ManagedPlugin
from tests.lab.lab import Lab

pytestmark = pytest.mark.nightly

PATIENCE = 90.0


@dataclass
class Swarm:
    """Three managers, the first of which led first."""

    hosts: list[Host]
    plugins: list[ManagedPlugin]

    def docker(self, *arguments: str) -> str:
        return self.hosts[0].docker(*arguments)

    def network(self, name: str, *options: str) -> None:
        self.docker(
            *("network", "create", "-d", MANAGED_NAME, "--ipam-driver", MANAGED_NAME),
            *options,
            name,
        )

    def service(self, name: str, network: str, replicas: int) -> None:
        self.create(name, network, "--replicas", str(replicas))

    def create(self, name: str, network: str, *options: str) -> None:
        """Have the swarm run tasks that wait."""
        self.docker(
            *("service", "create", "--detach", "--name", name, "--network", network, *options),
            *("--endpoint-mode", "dnsrr", "--restart-delay", "1s"),
            *("--update-parallelism", "0"),
            *("--stop-grace-period", "0s", "--no-resolve-image", IMAGE, "sleep", "3600"),
        )

    def tasks(self, service: str, *options: str) -> list[str]:
        """The states of a service's tasks; none while there is no leader."""
        asked = ("service", "ps", *options, "--format", "{{.CurrentState}}", service)
        try:
            return [line.split()[0] for line in self.docker(*asked).splitlines()]
        except CommandError:
            return []

    def running(self, service: str, replicas: int) -> None:
        """Wait until as many tasks run."""

        def all_run() -> bool:
            tasks = self.tasks(service, "-f", "desired-state=running")
            return tasks == ["Running"] * replicas

        wait_until(all_run, f"{replicas} tasks of {service}", deadline=PATIENCE)

    def nodes(self) -> list[str]:
        """The states of all nodes; none while there is no leader."""
        try:
            return self.docker("node", "ls", "--format", "{{.Status}}").split()
        except CommandError:
            return []

    def ready(self) -> None:
        """Wait until every node is."""
        wait_until(lambda: self.nodes() == ["Ready"] * 3, "all nodes", deadline=PATIENCE)

    def without_node(self) -> bool:
        return self.nodes().count("Ready") == 2

    def removed(self, network: str) -> bool:
        """Remove it, once no task has it any more."""
        try:
            self.docker("network", "rm", network)
        except CommandError:
            return False
        return True

    def addresses(self, network: str) -> Counter[str]:
        """Every address that a running task has, on all hosts."""
        found: Counter[str] = Counter()
        for host in self.hosts:
            for container in host.docker("ps", "-q").split():
                settings = json.loads(
                    host.docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", container)
                )
                if network in settings:
                    of = settings[network]
                    found.update(
                        address for address in (of["IPAddress"], of["GlobalIPv6Address"]) if address
                    )
        return found


@pytest.fixture(scope="module")
def swarm() -> Iterator[Swarm]:
    with Lab() as lab:
        hosts = [lab.host("28") for _ in range(3)]
        plugins = [ManagedPlugin(host) for host in hosts]
        for plugin in plugins:
            plugin.install()
            plugin.disable()
            plugin.set("SCOPE=global")
            plugin.enable()
        hosts[0].docker("swarm", "init", "--advertise-addr", str(hosts[0].address))
        token = hosts[0].docker("swarm", "join-token", "-q", "manager")
        for host in hosts[1:]:
            address = ("--advertise-addr", str(host.address))
            host.docker("swarm", "join", "--token", token, *address, f"{hosts[0].address}:2377")
        yield Swarm(hosts, plugins)


def test_two_families_have_no_address_twice(swarm: Swarm) -> None:
    """On three nodes that choose IPv6 by themselves."""
    swarm.network("dual", "--ipv6", "--subnet", "10.66.0.0/24", "--subnet", "fd00:66::/64")
    swarm.service("six", "dual", 6)
    swarm.running("six", 6)
    found = swarm.addresses("dual")

    assert sorted(Counter(ip_interface(each).version for each in found).items()) == [(4, 6), (6, 6)]
    assert max(found.values()) == 1


def test_a_second_network_takes_nothing_of_the_first(swarm: Swarm) -> None:
    """A typing error in the subnet: the first one's tasks come and go as before."""
    swarm.network("dual2", "--subnet", "10.66.0.0/24")
    swarm.service("none", "dual2", 1)
    swarm.docker("service", "scale", "--detach", "six=8")
    swarm.running("six", 8)
    found = swarm.addresses("dual")

    assert max(found.values()) == 1
    assert "10.66.0.1" not in found
    swarm.docker("service", "rm", "none")
    swarm.docker("network", "rm", "dual2")


def test_an_engine_that_was_killed_has_its_networks_again(swarm: Swarm) -> None:
    """And the plugin holds nothing of the engine's former life: of this network, nor of the dual one."""
    _end_each(swarm, "killed", signal.SIGKILL)

    assert [plugin.tail(2000).count("network.outlived") for plugin in swarm.plugins] == [2, 2, 2]


def test_an_engine_that_stopped_has_its_networks_again(swarm: Swarm) -> None:
    """It has deleted them in an orderly way."""
    _end_each(swarm, "stopped", signal.SIGTERM)


def _end_each(swarm: Swarm, name: str, number: signal.Signals) -> None:
    """Every node's engine in turn, the leader's first; all tasks run again and none is rejected."""
    swarm.network(name, "--subnet", "10.68.0.0/24")
    swarm.create(name, name, "--mode", "global")
    swarm.running(name, 3)
    for host, plugin in zip(swarm.hosts, swarm.plugins, strict=True):
        host.restart_docker(number)
        plugin.wait_ready()
        swarm.ready()
        swarm.running(name, 3)

    assert "Rejected" not in swarm.tasks(name)
    assert max(swarm.addresses(name).values()) == 1
    swarm.docker("service", "rm", name)
    wait_until(lambda: swarm.removed(name), f"{name} to go", deadline=PATIENCE)


def test_another_network_may_have_the_subnet_of_one_that_is_gone(swarm: Swarm) -> None:
    """Removed while a node was down, that node never hears of it."""
    swarm.network("old", "--subnet", "10.69.0.0/24")
    swarm.create("old", "old", "--mode", "global")
    swarm.running("old", 3)
    away = swarm.hosts[2]
    away.dockerd.end(signal.SIGKILL)
    wait_until(swarm.without_node, "two nodes", deadline=PATIENCE)
    swarm.docker("service", "rm", "old")
    wait_until(lambda: swarm.removed("old"), "the network to go", deadline=PATIENCE)
    swarm.network("new", "--subnet", "10.69.0.0/24")
    swarm.create("new", "new", "--mode", "global")
    away.dockerd.start(away.leader)
    swarm.plugins[2].wait_ready()
    swarm.ready()
    swarm.running("new", 3)

    assert max(swarm.addresses("new").values()) == 1
    swarm.docker("service", "rm", "new")
    swarm.docker("network", "rm", "new")
