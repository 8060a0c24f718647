"""This host's IPAM: its store, its settings, and the cluster that it may be in."""

# ruff: noqa: PLC0415 - what a cluster needs is imported where there is one

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ipam.allocator import Allocator
from ipam.errors import CorruptStoreError, InvalidSettingError
from ipam.errors import StoreError as IpamStoreError
from ipam.settings import Settings, parse_pools, with_defaults
from ipam.store.sqlite import SqliteStore
from plugin.bootstrap.identity import host_id
from plugin.config import Config
from plugin.errors import SettingError, StoreError
from plugin.health import Health
from plugin.kernel.linux import LinuxKernel
from plugin.model.ids import EndpointID, NetworkID, is_of_swarm
from plugin.model.network import NetworkState
from plugin.store.base import Store
from plugin.store.directory import ADDRESS_FILE

if TYPE_CHECKING:
    from plugin.bootstrap.cluster import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The allocator, and the cluster whose pools it gives out, if this host is in one."""

    allocator: Allocator
    cluster: "Cluster | None" = None


def open_addresses(
    config: Config,
    directory: Path,
    health: Health,
    kernel: LinuxKernel,
    networks: Store,
    opened: ExitStack,
) -> Addresses:
    """Open the store in the directory; ``opened`` closes it.  Raises SettingError, StoreError."""
    wanted = config.addresses
    try:
        pools = parse_pools(wanted.pools) if wanted.pools else ()
        store = _store(directory / ADDRESS_FILE, health)
        opened.callback(store.close)
    except InvalidSettingError as error:
        raise SettingError("PYNET_POOLS", wanted.pools, f"what the IPAM takes: {error}") from error
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
    if config.cluster is not None:
        from plugin.bootstrap.cluster import join

        cluster = join(
            config.cluster,
            store,
            settings,
            occupied=kernel.occupied,
            in_use=_in_use(networks),
            of_swarm=_of_swarm(networks),
        )
        opened.callback(cluster.close)
        return Addresses(allocator=cluster.allocator, cluster=cluster)
    allocator = Allocator(
        store, settings, facts=store, occupied=kernel.occupied, in_use=_in_use(networks)
    )
    return Addresses(allocator=allocator)


def _store(path: Path, health: Health) -> SqliteStore:
    try:
        return SqliteStore(path)
    except CorruptStoreError as error:
        # The damaged file lies aside; the new one is filled from the networks' own store.
        health.degrade(
            "addresses",
            str(error),
            "if networks of other drivers have addresses of pynet, restart Docker before you "
            "create networks; import your reservations again",
        )
        return SqliteStore(path)


def _in_use(networks: Store) -> Callable[[str], bool]:
    def in_use(endpoint_id: str) -> bool:
        endpoint = networks.endpoint(EndpointID(endpoint_id))
        return endpoint is not None and endpoint.joined and not endpoint.deleting

    return in_use


def _of_swarm(networks: Store) -> Callable[[], list[NetworkID]]:
    """Networks of a swarm that connect this host with others."""
    return lambda: [
        each.id
        for each in networks.networks()
        if is_of_swarm(each.id)
        and each.local is not None
        and each.state is not NetworkState.DELETING
    ]
