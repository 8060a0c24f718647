"""Networks of a swarm of three managers."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_interface

import pytest

from tests.lab.commands import wait_until
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
        self.docker(
            *("service", "create", "--detach", "--name", name, "--network", network),
            *("--endpoint-mode", "dnsrr", "--replicas", str(replicas), "--restart-delay", "1s"),
            *("--update-parallelism", "0"),
            *("--stop-grace-period", "0s", "--no-resolve-image", IMAGE, "sleep", "3600"),
        )

    def running(self, service: str, replicas: int) -> None:
        """Wait until as many tasks run."""

        def all_run() -> bool:
            shown = self.docker(
                *("service", "ps", "-f", "desired-state=running"),
                *("--format", "{{.CurrentState}}", service),
            )
            return [line.split()[0] for line in shown.splitlines()] == ["Running"] * replicas

        wait_until(all_run, f"{replicas} tasks of {service}", deadline=PATIENCE)

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
