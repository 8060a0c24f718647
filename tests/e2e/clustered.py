"""Hosts that share networks by etcd, without a swarm."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from uuid import uuid4

from tests.e2e.conftest import Place, tidy
from tests.lab.commands import wait_until
from tests.lab.etcd import Etcd
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.site import Site

RANGES: Final = "10.48.0.0/12,fd00:48::/48"
SECRET: Final = "a secret that these hosts have in common"


class Clustered:
    """The hosts and their etcd."""

    def __init__(self, etcd: Etcd, sites: list[Site], processes: list[PluginProcess]) -> None:
        self.etcd = etcd
        self.sites = sites
        self.processes = processes

    def network(self, *options: str, driver: str = "") -> list[str]:
        """The same ``docker network create`` on each."""
        return [site.network(*options, driver=driver) for site in self.sites]

    def run(self, networks: list[str], *options: str, each: int = 1) -> list[list[str]]:
        """Containers on each host."""
        return [
            [site.run("--network", network, *options) for _ in range(each)]
            for site, network in zip(self.sites, networks, strict=True)
        ]

    def addresses(self, networks: list[str], containers: list[list[str]]) -> list[str]:
        """Return the IPv4 address of every container."""
        return [
            str(site.address(container, network))
            for site, network, own in zip(self.sites, networks, containers, strict=True)
            for container in own
        ]

    def clear(self) -> None:
        """Remove everything from all hosts."""
        for site in self.sites:
            site.clear()
            site.forget()

    def conditions(self, host: int) -> dict[str, str]:
        """What the host's pynet says is wrong."""
        return {each["what"]: each["why"] for each in self._degraded(host)}

    def since(self, host: int) -> str:
        """Since when its part of the cluster is not as it should be."""
        (since,) = [each["since"] for each in self._degraded(host) if each["what"] == "cluster"]
        return str(since)

    def _degraded(self, host: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.processes[host].ask("/health")["degraded"]
        return found


@contextmanager
def clustered(lab: Lab, *versions: str, secret: str = SECRET) -> Iterator[Clustered]:
    """Boot hosts with these engines, in one cluster; what is made there must leave no trace."""
    with ExitStack() as stack:
        etcd = Etcd(lab.run, lab.peer())
        stack.callback(etcd.end)
        processes = []
        for version in versions:
            host = lab.host(version)
            stack.callback(host.halt)
            process = PluginProcess(
                host, PYNET_ETCD=etcd.setting, PYNET_CLUSTER=RANGES, PYNET_SECRET=secret
            )
            stack.callback(process.end)
            # Hosts of the lab are one machine, and have one machine-id.
            process.state.mkdir(mode=0o700)
            (process.state / "host-id").write_text(f"{uuid4().hex}\n")
            process.start()
            processes.append((host, process))
        wait_until(lambda: len(etcd.keys("nodes/")) == len(versions), "the sessions of the hosts")
        sites = [stack.enter_context(tidy(Place(host, process))) for host, process in processes]
        yield Clustered(etcd, sites, [process for _, process in processes])
