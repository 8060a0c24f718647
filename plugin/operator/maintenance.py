"""Check, repair and collect garbage for an administrator; answers are plain data.

A running plugin serves this on its admin socket; while none runs, the command uses it directly.
"""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ipam.allocator import Allocator
from ipam.check import find_faults
from ipam.lease import Kind, Lease, State
from ipam.pool import LOCAL, Pool
from plugin.addressing.base import bind_all
from plugin.addressing.ipam_use import IpamAddressUse
from plugin.log import Log
from plugin.model.ids import short
from plugin.model.network import Endpoint, Network, NetworkState
from plugin.model.ports import HostPort
from plugin.operator.base import Row
from plugin.service.locks import Locks
from plugin.service.networks import Networks
from plugin.service.teardown import Teardown
from plugin.store.base import Store
from plugin.upkeep.differences import Difference, Fault, Inspection
from plugin.upkeep.drift import Inspector
from plugin.upkeep.healing import Healer

_log: Final = Log("maintenance")
_POOL_SECONDS: Final = 60.0  # dockerd makes the network by then, also if it has to call again
_GARBAGE: Final = frozenset({Fault.SURPLUS, Fault.UNFINISHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMaintenance:
    """Maintenance of one state directory and one host."""

    directory: Path
    store: Store
    allocator: Allocator
    addresses: IpamAddressUse
    networks: Networks
    healer: Healer
    teardown: Teardown
    inspector: Inspector
    inspection: Inspection
    locks: Locks

    def unserved(self) -> frozenset[HostPort]:
        """Published ports that do not reach their container."""
        return self.inspector.unserved()

    def check(self) -> list[Row]:
        """Everything that is not as it should be; nothing is changed."""
        return _rows(
            [*self.inspection.differences(), *self._address_faults(), *self._damage()],
        )

    def repair(self) -> dict[str, list[Row]]:
        """Repair what can be repaired; ``left`` is what is wrong afterwards."""
        before = self.check()
        self.healer.heal()
        for network, endpoint in self._leaseless():
            bind_all(self.addresses, network, endpoint)
        left = self.check()
        return {"repaired": [row for row in before if row not in left], "left": left}

    def garbage(self) -> dict[str, Any]:
        """What ``collect`` would remove, and what Docker might have forgotten.

        ``networks`` and ``prefixes`` identify the engine that pynet serves.
        """
        found = [each for each in self.inspection.differences() if each.fault in _GARBAGE]
        found += [_endpoint_row(network, each) for network, each in self._stale()]
        return {
            "rows": _rows(found),
            "networks": [network.id for network in self.store.networks()],
            "prefixes": [str(pool.prefix) for pool in self.allocator.pools()],
            "idle": [network.id for network in self._idle()],
            "pools": [{"id": pool.id, "prefix": str(pool.prefix)} for pool in self._loose_pools()],
        }

    def collect(self, rows: Iterable[Row], forgotten: Iterable[str]) -> list[Row]:
        """Remove what ``rows`` name, if it is still garbage, and what Docker forgot."""
        seen = list(rows)
        ids = set(forgotten)
        gone = [network for network in self._idle() if network.id in ids]
        pools = [pool for pool in self._loose_pools() if pool.id in ids]
        for network in gone:
            self.networks.delete(network.id)
            _log.warning("network.collected", network=short(network.id), reason="Docker forgot it")
        for pool in pools:
            self.allocator.release_pool(pool.id)
            _log.warning("pool.collected", pool=pool.id, reason="Docker forgot it")
        for network, endpoint in self._stale():
            if _row(_endpoint_row(network, endpoint)) in seen:
                self._collect(network, endpoint)
        if any(row.get("fault") == Fault.SURPLUS.value for row in seen):
            self.store.settle()  # the caller has seen what will be removed
        self.healer.heal()
        left = self.garbage()["rows"]
        forgot = [_network_row(network) for network in gone] + [_pool_row(pool) for pool in pools]
        return [row for row in seen if row not in left] + _rows(forgot)

    def _collect(self, network: Network, endpoint: Endpoint) -> None:
        with self.locks.hold(network.id):
            if endpoint in self.inspector.abandoned(network):  # still, and as it was seen
                self.teardown.collect(network, endpoint, forgotten=True)
                _log.warning("endpoint.collected", endpoint=short(endpoint.id), reason="gc")

    def _active(self) -> list[Network]:
        return [each for each in self.store.networks() if each.state is NetworkState.ACTIVE]

    def _idle(self) -> list[Network]:
        """Networks that no container is on, as far as the host shows."""
        return [network for network in self._active() if not self.inspector.is_seen(network)]

    def _loose_pools(self) -> list[Pool]:
        """Pools of this host that no pynet network uses; Docker knows whether another driver's does."""
        young = time.time() - _POOL_SECONDS
        return [
            pool
            for pool in self.allocator.pools()
            if (pool.space, pool.network, pool.owner) == (LOCAL, None, None)
            and pool.requested < young
        ]

    def _stale(self) -> list[tuple[Network, Endpoint]]:
        """Endpoints that no sandbox has and that Docker will not mention again."""
        return [
            (network, each)
            for network in self._active()
            for each in self.inspector.abandoned(network)
        ]

    def _address_faults(self) -> list[Difference]:
        """Contradictions of the address side, with itself and with the network side."""
        found = [
            Difference(kind="address", which=fault, fault=Fault.DAMAGED)
            for fault in find_faults(self.allocator)
        ]
        for network, endpoint in self._leaseless():
            which = f"lease of {' and '.join(str(each.ip) for each in endpoint.interfaces)}"
            name = short(network.id)
            found.append(Difference(network=name, kind="address", which=which, fault=Fault.MISSING))
        known = {
            e.id for network in self.store.networks() for e in self.store.endpoints(network.id)
        }
        for lease in self._leases():
            if lease.state is State.BOUND and lease.endpoint and lease.endpoint not in known:
                which = f"{lease.address} of {lease.pool}, bound to {short(lease.endpoint)}"
                found.append(Difference(kind="address", which=which, fault=Fault.STALE))
        return found

    def _leaseless(self) -> list[tuple[Network, Endpoint]]:
        """Endpoints that have an address of our pools which the address side calls free."""
        held = {(lease.pool, lease.address) for lease in self._leases()}
        pools: defaultdict[str | None, list[Pool]] = defaultdict(list)
        for pool in self.allocator.pools():
            pools[pool.network].append(pool)
        return [
            (network, endpoint)
            for network in self._active()
            for endpoint in self.store.endpoints(network.id)
            if not endpoint.deleting
            and any(
                interface.ip in pool.prefix and (pool.id, interface.ip) not in held
                for pool in pools[network.id]
                for interface in endpoint.interfaces
            )
        ]

    def _leases(self) -> list[Lease]:
        return [
            lease
            for pool in self.allocator.pools()
            for lease in self.allocator.leases(pool.id)
            if lease.kind is Kind.ENDPOINT
        ]

    def _damage(self) -> list[Difference]:
        """What SQLite finds wrong with its files."""
        found = []
        for path in sorted(self.directory.glob("*.db")):
            complaint = integrity(path)
            if complaint:
                which = f"{path}: {complaint}"
                found.append(Difference(kind="state", which=which, fault=Fault.DAMAGED))
        return found


def integrity(path: Path) -> str:
    """What is wrong with a database, as SQLite reports it; empty if nothing is."""
    try:
        address = f"file:{quote(str(path))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=5)) as reader:
            (answer,) = reader.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return "" if answer == "ok" else " ".join(str(answer).split())


def _network_row(network: Network) -> Difference:
    name = short(network.id)
    return Difference(network=name, kind="network", which=name, fault=Fault.STALE)


def _pool_row(pool: Pool) -> Difference:
    return Difference(kind="pool", which=pool.id, fault=Fault.STALE)


def _endpoint_row(network: Network, endpoint: Endpoint) -> Difference:
    return Difference(
        network=short(network.id), kind="endpoint", which=short(endpoint.id), fault=Fault.STALE
    )


def _rows(differences: Iterable[Difference]) -> list[Row]:
    return [_row(each) for each in differences]


def _row(difference: Difference) -> Row:
    return {**asdict(difference), "fault": difference.fault.value}
