"""Everything behind the doors, built in one go once it can be."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ipam.allocator import Allocator
from ipam.errors import CorruptStoreError, InvalidSettingError
from ipam.errors import StoreError as IpamStoreError
from ipam.settings import Settings, parse_pools, with_defaults
from ipam.store.sqlite import SqliteStore as AddressStore
from plugin.addressing.ipam_use import IpamAddressUse, as_pynet_errors
from plugin.addressing.rebuild import hold, restore
from plugin.bootstrap.assembly import Backends, Parts, assemble
from plugin.bootstrap.identity import host_id
from plugin.cluster.alone import Alone
from plugin.config import Config, Role, Scope
from plugin.dhcp.loop import Loop
from plugin.dhcp.packet_socket import PacketSocket
from plugin.errors import FirewallError, PynetError, RefusedError, SettingError, StoreError
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
from plugin.log import Log
from plugin.model.ids import EndpointID
from plugin.model.network import IPAddress
from plugin.model.speakers import SpeaksFrom
from plugin.operator.archive import finish_restore
from plugin.operator.maintenance import HostMaintenance
from plugin.operator.reservations import IpamReservations
from plugin.server.app import Handler
from plugin.server.ipam_driver import IpamMethods
from plugin.server.network_driver import NetworkMethods
from plugin.store.directory import ADDRESS_FILE, STATE_FILE, state_directory
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
    upkeep: Upkeep

    def methods(self, config: Config, scope: Scope) -> dict[str, Handler]:
        """What one plugin socket serves."""
        served: dict[str, Handler] = {}
        if Role.NETWORK in config.roles:
            served |= NetworkMethods(self.parts.networks, self.parts.endpoints, scope).table()
        if Role.IPAM in config.roles:
            requires_mac = config.addresses.requires_mac
            # Without swarm, an engine that asks again for the capabilities has started again.
            is_in_swarm = scope is Scope.GLOBAL
            served |= IpamMethods(
                self.allocator,
                requires_mac=requires_mac,
                engine_sockets=self.kernel.engine_sockets if is_in_swarm else frozenset,
                engine_started=self.parts.networks.forget_ended_engine,
            ).table()
        return served


class Builder:
    """Builds the services; what could be built is kept for the next try.

    ``running`` is false for a command that works in the place of a plugin that does not run.
    """

    def __init__(self, config: Config, health: Health, *, running: bool = True) -> None:
        self._config = config
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
            self._config.sysctls, keys=Keys(self._config.secret)
        )
        with ExitStack() as opened:
            services = self._build(directory, kernel, opened)
            self._open = opened.pop_all()
        return services

    def _build(self, directory: Path, kernel: LinuxKernel, opened: ExitStack) -> Services:
        """What is opened here is closed again if the next part cannot be had."""
        store = SqliteStore(directory / STATE_FILE)
        opened.callback(store.close)
        allocator = self._allocator(directory, kernel, store, opened)
        firewall = self._firewall()
        opened.callback(firewall.close)
        addresses = IpamAddressUse(allocator)
        restore(allocator, [(each, store.endpoints(each.id)) for each in store.networks()])
        addresses.recall(store.networks)
        if not store.settled():
            hold(allocator, store.networks(), _speaking(firewall, kernel))
        backends = Backends(
            store=store,
            kernel=kernel,
            firewall=firewall,
            addresses=addresses,
            cluster=Alone(),
            clients=partial(Loop, PacketSocket),
        )
        parts = assemble(backends, self._health, running=self._running)
        requires_mac = self._config.addresses.requires_mac
        reservations = IpamReservations(allocator, self._health, requires_mac=requires_mac)
        return Services(
            parts=parts,
            store=store,
            kernel=kernel,
            allocator=allocator,
            addresses=addresses,
            maintenance=HostMaintenance(
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
            ),
            reservations=reservations,
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
                collect=lambda: _collect(allocator, reservations),
            ),
        )

    def close(self) -> None:
        """Close what the process holds open."""
        if self._kernel is not None:
            self._kernel.close()
        self._open.close()
        if self._claim is not None:
            self._claim.close()

    def _allocator(
        self, directory: Path, kernel: LinuxKernel, networks: SqliteStore, opened: ExitStack
    ) -> Allocator:
        wanted = self._config.addresses
        try:
            pools = parse_pools(wanted.pools) if wanted.pools else ()
            store = self._address_store(directory / ADDRESS_FILE)
            opened.callback(store.close)
        except InvalidSettingError as error:
            raise SettingError(
                "PYNET_POOLS", wanted.pools, f"what the IPAM takes: {error}"
            ) from error
        except IpamStoreError as error:
            raise StoreError(str(error)) from error
        identity = host_id(directory)
        settings = Settings(
            pools=with_defaults(pools, identity),
            host_id=identity,
            quarantine=wanted.quarantine,
            sticky=wanted.sticky,
            reserve_timeout=wanted.reserve_timeout,
        )

        def in_use(endpoint_id: str) -> bool:
            endpoint = networks.endpoint(EndpointID(endpoint_id))
            return endpoint is not None and endpoint.joined and not endpoint.deleting

        return Allocator(store, settings, facts=store, occupied=kernel.occupied, in_use=in_use)

    def _address_store(self, path: Path) -> AddressStore:
        try:
            return AddressStore(path)
        except CorruptStoreError as error:
            # The damaged file lies aside; the new one is filled from the networks' own store.
            self._health.degrade(
                "addresses",
                str(error),
                "if networks of other drivers have addresses of pynet, restart Docker before you "
                "create networks; import your reservations again",
            )
            return AddressStore(path)

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


def _collect(allocator: Allocator, reservations: IpamReservations) -> None:
    with as_pynet_errors():
        allocator.collect()
        reservations.advise()
