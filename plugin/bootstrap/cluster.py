"""The cluster that this host is in, by etcd; imported only where one is configured."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from socket import gethostname
from typing import Final
from uuid import uuid4

from etcdgw import Client, Credentials, EtcdError, Tls, Watch, parse_members
from etcdgw import Settings as EtcdSettings
from ipam.blocks.base import UnavailableError, UnknownOutcomeError
from ipam.blocks.keys import PLACES, places_of
from ipam.cluster_allocator import ClusterAllocator
from ipam.cluster_pools import ClusterPools, ThisHost
from ipam.errors import InvalidSettingError
from ipam.prefixes import Prefix
from ipam.settings import Settings, parse_ranges
from ipam.store.sqlite import SqliteStore
from plugin import __version__
from plugin.addressing.etcd_registry import PREFIX, EtcdRegistry
from plugin.addressing.ipam_use import as_pynet_errors
from plugin.cluster.etcd import Etcd
from plugin.cluster.swarm_members import SwarmMembers
from plugin.config import ClusterSettings
from plugin.errors import ClusterAwayError, SettingError
from plugin.model.ids import NetworkID
from plugin.model.network import IPAddress, is_of_one_host
from plugin.model.tunnels import Terms
from plugin.operator.cluster import SharedPools

# Seconds that a call waits for etcd; with the wait for another call before it, dockerd has its answer within 3.
CALL_SECONDS: Final = 1.9
_COMMAND_SECONDS: Final = 10.0
_SWARM: Final = "swarm/"  # the nodes of swarms; what else is there has names of ipam's
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")  # random(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """An allocator of pools that hosts share, and the etcd behind it."""

    allocator: ClusterAllocator
    etcd: Client
    hosts: SharedPools
    peers: Etcd
    members: SwarmMembers

    def attend(self) -> None:
        with _away():
            self.allocator.attend()

    def report_to(self, changed: Callable[[], None]) -> None:
        self.allocator.report_to(changed)

    def close(self) -> None:
        """Close the connections."""
        self.peers.close()
        self.members.close()
        self.etcd.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where hosts are reached, for the source of peers."""

    pools: ClusterPools
    etcd: Client

    def agree(self, subnets: Sequence[Prefix], terms: Terms, place: str | None) -> int:
        with _away():
            return self.pools.agree_on_terms(
                _in_order(subnets), terms.options, vni=terms.vni, place=place
            )

    def move(self, subnets: Sequence[Prefix], place: str) -> None:
        with _away():
            self.pools.move(_in_order(subnets)[0], place)

    def watch(self) -> Watch:
        return self.etcd.watch(f"{PREFIX}{PLACES}".encode())

    def under(self, subnets: Sequence[Prefix]) -> bytes:
        return f"{PREFIX}{places_of(_in_order(subnets)[0])}".encode()


def _in_order(subnets: Sequence[Prefix]) -> list[Prefix]:
    """The same on all hosts."""
    return sorted(subnets, key=lambda each: (each.version, int(each.network_address)))


@contextmanager
def _away() -> Iterator[None]:
    with as_pynet_errors():
        try:
            yield
        except (UnavailableError, UnknownOutcomeError) as error:
            raise ClusterAwayError(str(error)) from error


def join(
    config: ClusterSettings,
    store: SqliteStore,
    settings: Settings,
    *,
    occupied: Callable[[], Iterable[Prefix]],
    in_use: Callable[[str], bool],
    of_swarm: Callable[[], Iterable[NetworkID]],
) -> Cluster:
    """The cluster, which is not asked for anything yet; ``of_swarm`` are a swarm's networks on this host.

    Raises SettingError.
    """
    try:
        shared = replace(settings, cluster=parse_ranges(config.ranges))
    except InvalidSettingError as error:
        raise SettingError(
            "PYNET_CLUSTER", config.ranges, f"what the IPAM takes: {error}"
        ) from error
    etcd = _client(config)
    registry = EtcdRegistry(etcd)
    pools = ClusterPools(
        lambda: registry.within(CALL_SECONDS),
        store.ledger,
        store,
        ThisHost(
            name=settings.host_id,
            boot=_BOOT.read_text().strip(),
            instance=lambda: uuid4().hex,
            about=lambda: f"{gethostname()} {__version__}",
        ),
    )
    allocator = ClusterAllocator(store, shared, pools, occupied=occupied, in_use=in_use)
    hosts = SharedPools(lambda: registry.within(_COMMAND_SECONDS), settings.host_id)
    address = _address(config.address)
    peers = Etcd(
        _Places(pools=pools, etcd=etcd),
        settings.host_id,
        lambda: address or (ip_address(etcd.local_address) if etcd.local_address else None),
    )
    members = SwarmMembers(etcd, f"{PREFIX}{_SWARM}", settings.host_id, of_swarm)
    return Cluster(allocator=allocator, etcd=etcd, hosts=hosts, peers=peers, members=members)


def _address(text: str) -> IPAddress | None:
    try:
        address = ip_address(text) if text else None
    except ValueError:
        address = ip_address("::")
    if address and not is_of_one_host(address):
        raise SettingError("PYNET_HOST_ADDRESS", text, "an address that other hosts reach")
    return address


def _client(config: ClusterSettings) -> Client:
    tls = Tls(ca=config.ca, certificate=config.certificate, key=config.key)
    if tls != Tls() and "http://" in config.etcd:
        expected = "https:// for every member, because certificates are given"
        raise SettingError("PYNET_ETCD", config.etcd, expected)
    try:
        members = parse_members(config.etcd)
        user = Credentials(user=config.user, password=config.password) if config.user else None
        return Client(EtcdSettings(members=members, tls=tls, credentials=user))
    except EtcdError as error:
        raise SettingError("PYNET_ETCD", config.etcd, f"an etcd to ask: {error}") from error
