"""Everything behind the doors, built in one go once it can be."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ipam.allocator import Allocator
from plugin import telemetry
from plugin.addressing.ipam_use import IpamAddressUse, as_pynet_errors
from plugin.addressing.rebuild import hold, restore
from plugin.bootstrap.addresses import open_addresses
from plugin.bootstrap.assembly import Backends, Parts, assemble
from plugin.cluster.alone import Alone
from plugin.cluster.swarm import Agents, NodeDiscovery
from plugin.cluster.swarm_nodes import NodesFile
from plugin.config import Config, Role, Scope
from plugin.dhcp.loop import Loop
from plugin.dhcp.packet_socket import PacketSocket
from plugin.errors import FirewallError, PynetError, RefusedError, StoreError
from plugin.firewall import skeleton
from plugin.firewall.base import Firewall
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.firewalld import Firewalld
from plugin.firewall.nftables import NftablesFirewall
from plugin.firewall.none import NoFirewall
from plugin.health import Health
from plugin.kernel.instance_lock import claim
from plugin.kernel.linux import LinuxKernel
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.kernel.wireguard.keys import Keys
from plugin.kernel.wireguard.own_key import OwnKey
from plugin.log import Log
from plugin.model.network import IPAddress
from plugin.model.speakers import SpeaksFrom
from plugin.operator.archive import finish_restore
from plugin.operator.base import Cluster
from plugin.operator.comparison import Comparison
from plugin.operator.drops import Drops
from plugin.operator.explain.explanations import Explanations
from plugin.operator.leases import DhcpLeases
from plugin.operator.maintenance import HostMaintenance
from plugin.operator.overview import Overview
from plugin.operator.reservations import IpamReservations
from plugin.server.app import Handler
from plugin.server.ipam_driver import IpamMethods
from plugin.server.network_driver import NetworkMethods
from plugin.service.allocations import Allocations
from plugin.store.directory import STATE_FILE, state_directory
from plugin.store.sqlite import SqliteStore
from plugin.upkeep.firewalld_sync import FirewalldZones
from plugin.upkeep.loop import Upkeep

_log: Final = Log("services")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts that doors lead to."""

    parts: Parts
    store: SqliteStore
    kernel: LinuxKernel
    allocator: Allocator
    addresses: IpamAddressUse
    maintenance: HostMaintenance
    reservations: IpamReservations
    shared: Cluster | None
    nodes: NodeDiscovery
    explanations: Explanations
    overview: Overview
    drops: Drops
    leases: DhcpLeases
    upkeep: Upkeep

    def methods(self, config: Config, scope: Scope) -> dict[str, Handler]:
        """What one plugin socket serves."""
        served: dict[str, Handler] = {}
        if Role.NETWORK in config.roles:
            parts = self.parts
            served |= NetworkMethods(
                parts.networks, parts.endpoints, parts.gateways, parts.allocations, self.nodes
            ).table()
        if Role.IPAM in config.roles:
            requires_mac = config.addresses.requires_mac
            # Without swarm, an engine that asks again for the capabilities has started again.
            is_in_swarm = scope is Scope.GLOBAL
            served |= IpamMethods(
                self.allocator,
                self.parts.pools,
                requires_mac=requires_mac,
                engine_sockets=self.kernel.engine_sockets if is_in_swarm else frozenset,
                engine_started=self.parts.networks.forget_ended_engine,
            ).table()
        return served


class Builder:
    """Builds the services; what could be built is kept for the next try.

    ``running`` is false for a command that works in the place of a plugin that does not run.
    """

    def __init__(
        self, config: Config, health: Health, agents: Agents, *, running: bool = True
    ) -> None:
        self._config = config
        self._agents = agents
        self._health = health
        self._running = running
        self._claim: socket.socket | None = None
        self._kernel: LinuxKernel | None = None
        self._open = ExitStack()

    def build(self) -> Services:
        """Everything, or PynetError for the first part that cannot be had.

        Raises PynetError for the first part that cannot start.
        """
        if self._config.fault:
            raise RefusedError(self._config.fault)
        self._claim = self._claim or claim()
        directory = state_directory(self._config.state)
        _finish_restore(directory)
        kernel = self._kernel = self._kernel or LinuxKernel(
            self._config.sysctls,
            # Without etcd no other host would be told the key.
            keys=Keys(self._config.secret, OwnKey(directory) if self._config.cluster else None),
        )
        with ExitStack() as opened:
            services = self._build(directory, kernel, opened)
            self._open = opened.pop_all()
        return services

    def _build(self, directory: Path, kernel: LinuxKernel, opened: ExitStack) -> Services:
        """What is opened here is closed again if the next part cannot be had."""
        store = SqliteStore(directory / STATE_FILE)
        opened.callback(store.close)
        found = open_addresses(self._config, directory, self._health, kernel, store, opened)
        allocator, cluster = found.allocator, found.cluster
        firewall = self._firewall()
        opened.callback(firewall.close)
        addresses = IpamAddressUse(allocator)
        restore(allocator, [(each, store.endpoints(each.id)) for each in store.networks()])
        addresses.recall(store.networks)
        if not store.settled():
            hold(allocator, store.networks(), _speaking(firewall, kernel))
        others = Alone() if cluster is None else cluster.peers
        nodes = NodeDiscovery(
            NodesFile(directory),
            self._agents,
            self._health,
            others,
            None if cluster is None else cluster.members,
        )
        backends = Backends(
            store=store,
            kernel=kernel,
            firewall=firewall,
            addresses=addresses,
            cluster=nodes,
            clients=partial(Loop, PacketSocket),
        )
        telemetry.DROPPED.read = lambda: _dropped(firewall)
        parts = assemble(backends, self._health, running=self._running)
        leases = DhcpLeases(
            store=store, bound=parts.bound, leases=parts.teardown.leases, locks=parts.locks
        )
        telemetry.LEASES.read = leases.states
        requires_mac = self._config.addresses.requires_mac
        reservations = IpamReservations(allocator, self._health, requires_mac=requires_mac)
        maintenance = HostMaintenance(
            directory=directory,
            store=store,
            allocator=allocator,
            addresses=addresses,
            networks=parts.networks,
            healer=parts.healer,
            teardown=parts.teardown,
            inspector=parts.inspector,
            inspection=parts.inspection,
            locks=parts.locks,
        )
        return Services(
            parts=parts,
            store=store,
            kernel=kernel,
            allocator=allocator,
            addresses=addresses,
            maintenance=maintenance,
            reservations=reservations,
            shared=None if cluster is None else cluster.hosts,
            nodes=nodes,
            overview=Overview(
                health=self._health,
                store=store,
                reservations=reservations,
                comparison=Comparison(maintenance.check),
                directory=directory,
                firewall=firewall,
            ),
            drops=Drops(store=store, firewall=firewall),
            leases=leases,
            explanations=Explanations(
                store=store,
                bound=parts.bound,
                rules=skeleton.script(self._config.mark, self._config.accepted),
            ),
            upkeep=Upkeep(
                store=store,
                bound=parts.bound,
                healer=parts.healer,
                parents=parts.parents,
                host_addresses=parts.host_addresses,
                peers=parts.peers,
                leases=parts.leases,
                zones=FirewalldZones(store, kernel, parts.bound, self._health, Firewalld()),
                probe=store.probe,
                recall=lambda: _recall(addresses, store),
                collect=lambda: _collect(allocator, reservations, parts.allocations),
                rest=kernel.rest,
                shared=cluster,
            ),
        )

    def close(self) -> None:
        """Close what the process holds open."""
        if self._kernel is not None:
            self._kernel.close()
        self._open.close()
        if self._claim is not None:
            self._claim.close()

    def _firewall(self) -> Firewall:
        mark = self._config.mark
        try:
            return NftablesFirewall(DockerUser(mark), mark, NfTables(), self._config.accepted)
        except FirewallError as error:
            self._health.degrade(
                "nftables",
                f"{error}; networks and containers that need rules are refused",
                "use networks of mode macvlan, ipvlan or null, or run pynet on another machine",
            )
            return NoFirewall(str(error))


def _finish_restore(directory: Path) -> None:
    try:
        finish_restore(directory)
    except OSError as error:
        raise StoreError(
            f"a restore of {directory} was interrupted and cannot be finished: {error}"
        ) from error


def _dropped(firewall: Firewall) -> Mapping[str, int]:
    """By reason; nothing while it cannot be read."""
    try:
        return firewall.dropped()
    except FirewallError as error:
        _log.error("drops.not_read", reason=error)
        return {}


def _speaking(firewall: Firewall, kernel: LinuxKernel) -> Iterator[IPAddress]:
    """Addresses of containers that run, as far as a firewall that is there already tells."""
    try:
        facts = [each for each in firewall.read() if isinstance(each, SpeaksFrom)]
        links = kernel.host_links({fact.link for fact in facts})
    except PynetError as error:
        _log.error("addresses.not_read", reason=error)
        return
    for fact in facts:
        link = links.get(fact.link)
        if link is not None and link.carrier:  # else its container has stopped
            yield fact.address


def _recall(addresses: IpamAddressUse, store: SqliteStore) -> None:
    """Report to the IPAM what a killed process may not have reported."""
    with as_pynet_errors():
        addresses.recall(store.networks)
        addresses.unbind_gone(store.endpoint)


def _collect(
    allocator: Allocator, reservations: IpamReservations, allocations: Allocations
) -> None:
    allocations.forget_old()
    with as_pynet_errors():
        allocator.collect()
        reservations.advise()
