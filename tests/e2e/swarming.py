"""Hosts in a swarm, each with the managed plugin."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final
from uuid import uuid4

from plugin.model.ids import NetworkID, vxlan_name
from tests.lab.commands import CommandError, DeadlineError, run, wait_until
from tests.lab.dockerd import SOCKET
from tests.lab.etcd import Etcd
from tests.lab.host import IMAGE, Host
from tests.lab.lab import Lab
from tests.lab.managed import MANAGED_NAME, ManagedPlugin
from tests.lab.namespace import enter
from tests.lab.unix_http import get_json

PATIENCE: Final = 120.0
SLEEP: Final = ("sleep", "3600")


@dataclass
class Node:
    """A host of the swarm."""

    host: Host
    plugin: ManagedPlugin

    def docker(self, *arguments: str) -> str:
        return self.host.docker(*arguments)

    @property
    def running(self) -> bool:
        return self.host.dockerd.running

    def said(self) -> str:
        """The end of what its engine and its plugin logged."""
        return f"{self.host.dockerd.tail()}\n{self.plugin.tail(40)}"

    def conditions(self) -> dict[str, str]:
        """What the plugin's health reports, with the remedies."""
        return {each["what"]: each["remedy"] for each in self.plugin.ask("/health")["degraded"]}

    def containers(self, network: str) -> dict[str, list[str]]:
        """The addresses that each running container has in a network."""
        found = {}
        for each in self._ask("/containers/json"):
            settings = each["NetworkSettings"]["Networks"].get(network)
            if settings is not None:
                both = settings["IPAddress"], settings["GlobalIPv6Address"]
                found[each["Id"]] = [address for address in both if address]
        return found

    def reaches(self, container: str, target: str) -> bool:
        """Whether an address answers a container; asked for from outside, as it is faster."""
        seen = self._ask(f"/containers/{container}/json")
        netns = self.host.path(seen["NetworkSettings"]["SandboxKey"].removeprefix("/var"))
        ping = "ping6" if ip_address(target).version == 6 else "ping"
        try:
            run(enter(netns, "busybox", ping, "-c", "1", "-W", "1", target))
        except CommandError:
            return False
        return True

    def _ask(self, uri: str) -> Any:
        """Ask the engine by a connection of its own: engines are killed here."""
        return get_json(self.host.path(SOCKET), uri)


@dataclass
class Swarm:
    """The nodes; the first is a manager, and led first."""

    lab: Lab
    nodes: list[Node] = field(default_factory=list)
    etcd: Etcd | None = None

    def docker(self, *arguments: str) -> str:
        """Run a command on a manager; the first that takes it."""
        errors = []
        for node in self.nodes:
            if node.running:
                try:
                    return node.docker(*arguments)
                except CommandError as error:
                    errors.append(error)
        raise errors[0]

    def leader(self) -> Node | None:
        """The node whose manager leads; None while there is none."""
        try:
            rows = self.docker("node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}")
        except CommandError:
            return None
        names = [row.split()[0] for row in rows.splitlines() if row.endswith(" Leader")]
        return next((each for each in self.nodes if each.host.name in names), None)

    def network(self, name: str, *options: str, driver: str = MANAGED_NAME) -> None:
        """Create a network with addresses of pynet's."""
        ipam = ("--ipam-driver", MANAGED_NAME)
        self.docker("network", "create", "-d", driver, *ipam, *options, name)

    def service(
        self, name: str, network: str, *options: str, command: tuple[str, ...] = SLEEP
    ) -> None:
        """Have the swarm run tasks."""
        self.docker(
            *("service", "create", "--detach", "--name", name, "--network", network, *options),
            *("--endpoint-mode", "dnsrr", "--restart-delay", "1s", "--update-parallelism", "0"),
            *("--stop-grace-period", "0s", "--no-resolve-image", IMAGE, *command),
        )

    def states(self, service: str, *options: str) -> list[str]:
        """The states of a service's tasks; none while there is no leader."""
        asked = ("service", "ps", *options, "--format", "{{.CurrentState}}", service)
        try:
            return [line.split()[0] for line in self.docker(*asked).splitlines()]
        except CommandError:
            return []

    def running(self, service: str, replicas: int) -> None:
        """Wait until as many tasks run."""

        def all_run() -> bool:
            return self.states(service, "-f", "desired-state=running") == ["Running"] * replicas

        try:
            wait_until(all_run, f"{replicas} tasks of {service}", deadline=PATIENCE)
        except DeadlineError as error:
            raise AssertionError(f"{error}\n{self._tasks(service)}") from error

    def rejected(self, service: str) -> list[str]:
        """The tasks that a node rejected for a plugin: an engine that starts rejects some for itself."""
        lines = self._tasks(service).splitlines()
        return [line for line in lines if "Rejected" in line and "remote:" in line]

    def states_of_nodes(self) -> list[str]:
        """Of all nodes; none while there is no leader."""
        try:
            return self.docker("node", "ls", "--format", "{{.Status}}").split()
        except CommandError:
            return []

    def ready(self, number: int = 0) -> None:
        """Wait until as many nodes are, or all."""
        wanted = number or len(self.nodes)
        wait_until(
            lambda: self.states_of_nodes().count("Ready") == wanted,
            f"{wanted} nodes",
            deadline=PATIENCE,
        )

    def remove(self, network: str, *services: str) -> None:
        """Remove services and their network, once no task has it any more."""
        if services:
            self.docker("service", "rm", *services)

        def removed() -> bool:
            try:
                self.docker("network", "rm", network)
            except CommandError:
                return False
            return True

        wait_until(removed, f"{network} to go", deadline=PATIENCE)

    def addresses(self, network: str) -> Counter[str]:
        """Every address that a running container has, on all hosts whose engine answers."""
        found: Counter[str] = Counter()
        for node in self.nodes:
            try:
                for addresses in node.containers(network).values():
                    found.update(addresses)
            except OSError:
                continue  # the engine does not run
        return found

    def unreached(self, network: str) -> list[tuple[str, str]]:
        """Every pair of a container and an address that does not answer it."""
        everyone = {
            (number, container): addresses
            for number, node in enumerate(self.nodes)
            for container, addresses in node.containers(network).items()
        }
        return [
            (container, address)
            for number, container in everyone
            for addresses in everyone.values()
            for address in addresses
            if not self.nodes[number].reaches(container, address)
        ]

    def _tasks(self, service: str) -> str:
        try:
            return self.docker("service", "ps", "--no-trunc", service)
        except CommandError as error:
            return str(error)


def tunnel(swarm: Swarm, network: str) -> str:
    """The name of its device, the same on every node."""
    shown = swarm.docker("network", "inspect", "-f", "{{.ID}}", network)
    return vxlan_name(NetworkID(shown))


def peers(node: Node, device: str) -> set[str]:
    """Whom the device floods."""
    lines = run(enter(node.host.netns, "bridge", "fdb", "show", "dev", device)).splitlines()
    words = [line.split() for line in lines if line.startswith("00:00:00:00:00:00")]
    return {each[each.index("dst") + 1] for each in words}


def others(swarm: Swarm, node: Node) -> set[str]:
    """The addresses of the other nodes."""
    return {str(each.host.address) for each in swarm.nodes if each is not node}


def without_registry(host: Host) -> None:
    """Have each start of a task know at once that no registry has its image: names take 10 s to fail."""
    with host.path("/etc/hosts").open("a") as hosts:
        hosts.write("127.0.0.1 registry-1.docker.io\n")


def managed(host: Host, **settings: str) -> ManagedPlugin:
    """Install the plugin for networks of a swarm."""
    without_registry(host)
    plugin = ManagedPlugin(host)
    plugin.install()
    plugin.disable()
    # Hosts of the lab are one machine, and have one machine-id.
    (plugin.state / "host-id").write_text(f"{uuid4().hex}\n")
    plugin.set("SCOPE=global", *(f"{name}={value}" for name, value in settings.items()))
    plugin.enable()
    return plugin


def join(swarm: Swarm, host: Host, role: str) -> None:
    """Have a host join, or begin."""
    own = ("--advertise-addr", str(host.address))
    if not swarm.nodes:
        host.docker("swarm", "init", *own)
        return
    token = swarm.docker("swarm", "join-token", "-q", role)
    host.docker("swarm", "join", "--token", token, *own, f"{swarm.nodes[0].host.address}:2377")


@contextmanager
def raised(version: str, *roles: str, etcd: bool = False) -> Iterator[Swarm]:
    """A swarm of hosts with these roles, whose engines have this version."""
    with Lab() as lab, ExitStack() as stack:
        hosts = [lab.host(version) for _ in roles]
        settings = {}
        members = None
        if etcd:
            members = Etcd(lab.run, lab.peer())
            stack.callback(members.end)
            settings = {"PYNET_ETCD": members.setting}
        with ThreadPoolExecutor() as pool:
            plugins = list(pool.map(lambda host: managed(host, **settings), hosts))
        swarm = Swarm(lab, etcd=members)
        for host, plugin, role in zip(hosts, plugins, roles, strict=True):
            join(swarm, host, role)
            swarm.nodes.append(Node(host, plugin))
        yield swarm


def restart(node: Node, number: signal.Signals) -> None:
    """End the engine by a signal, and start it again."""
    node.host.restart_docker(number)
    node.plugin.wait_ready()


def shown(node: Node, *arguments: str) -> dict[str, Any]:
    """What ``docker inspect`` shows of one thing."""
    found: list[dict[str, Any]] = json.loads(node.docker(*arguments))
    return found[0]
