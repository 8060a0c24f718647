"""How the plugin and its host are, in a few lines: what ``pynet status`` shows."""

import os
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ipam.errors import IpamError
from plugin import telemetry
from plugin.errors import HostError
from plugin.firewall.base import Firewall
from plugin.health import Health, Status
from plugin.log import Log
from plugin.model.network import Endpoint
from plugin.operator.base import Reservations
from plugin.operator.comparison import Compared, Comparison
from plugin.operator.views import health_view, published_count, stamp
from plugin.store.base import Store

_log: Final = Log("status")
_PATIENCE_SECONDS: Final = 0.3  # for a comparison: a status is to take half a second at most
_NEARLY_FULL: Final = 0.1  # of a pool's addresses are left
_STATM: Final = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything that one look shows."""

    health: Health
    store: Store
    reservations: Reservations
    comparison: Comparison
    directory: Path
    firewall: Firewall

    def view(self) -> dict[str, Any]:
        """The health, with what the comparison found, and counts."""
        compared = self.comparison.latest(_PATIENCE_SECONDS)
        endpoints = self._endpoints()
        networks = self.store.networks()
        return {
            **_with_differences(health_view(self.health), compared, self.health.status),
            "process": {
                "pid": os.getpid(),
                "memory_bytes": _resident(),
                "state": str(self.directory),
                "state_bytes": _size(self.directory.glob("*.db*")),
            },
            "engine": {
                "last_call": _moment(telemetry.total("pynet_last_call_timestamp_seconds")),
                "calls": telemetry.total("pynet_rpc_seconds_count"),
                "failed": telemetry.total("pynet_rpc_seconds_count", result="failed")
                + telemetry.total("pynet_rpc_seconds_count", result="fault"),
            },
            "firewall": self.firewall.name,
            "networks": dict(sorted(Counter(each.mode for each in networks).items())),
            "endpoints": sum(each.joined for each in endpoints),
            "ports": sum(map(published_count, endpoints)),
            "pools": self._pools(),
            "compared": _compared_view(compared),
            "repaired": {
                "count": telemetry.total("pynet_drift_total"),
                "last": _moment(telemetry.total("pynet_last_drift_timestamp_seconds")),
                "rules_last_hour": telemetry.RULES_REPAIRED.count,
            },
            "dropped": {
                reason: packets for reason, packets in telemetry.DROPPED.read().items() if packets
            },
        }

    def differences(self) -> dict[str, Any]:
        """What a comparison of at most some seconds ago found; without ``at`` before the first."""
        compared = self.comparison.latest(_PATIENCE_SECONDS)
        if compared is None:
            return {"at": None, "failure": "", "rows": []}
        return {
            "at": stamp(compared.at),
            "failure": compared.failure,
            "rows": list(compared.rows),
        }

    def _pools(self) -> dict[str, Any] | None:
        """None if addresses cannot be read: etcd is away, or another operation takes long."""
        try:
            return _pools(self.reservations.pools())
        except (IpamError, HostError) as error:
            _log.warning("pools.not_read", reason=error)
            return None

    def _endpoints(self) -> list[Endpoint]:
        return [
            endpoint
            for network in self.store.networks()
            for endpoint in self.store.endpoints(network.id)
            if not endpoint.deleting
        ]


def _with_differences(
    health: dict[str, Any], compared: Compared | None, status: Status
) -> dict[str, Any]:
    """The health; not ok while the host differs from what it should hold."""
    if compared is None or not (compared.rows or compared.failure):
        return health
    number = len(compared.rows)
    why = compared.failure or (
        "the host differs from what it should hold in one thing"
        if number == 1
        else f"the host differs from what it should hold in {number} things"
    )
    remedy = "'pynet check' lists them, 'pynet repair' fixes them now"
    found = {"what": "comparison", "why": why, "remedy": remedy, "since": stamp(compared.at)}
    more: dict[str, Any] = {"degraded": [*health["degraded"], found]}
    if status is Status.OK:
        more |= {"status": Status.DEGRADED.value, "since": found["since"]}
    return health | more


def _compared_view(compared: Compared | None) -> dict[str, Any] | None:
    if compared is None:
        return None
    return {
        "at": stamp(compared.at),
        "age_seconds": round(max(0.0, time.time() - compared.at), 1),
        "differences": len(compared.rows),
        "failure": compared.failure,
    }


def _pools(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many there are, and those with few addresses left."""
    full = [
        {key: row[key] for key in ("prefix", "network", "free", "size")}
        for row in rows
        if row["size"] and row["free"] <= _NEARLY_FULL * row["size"]
    ]
    used = sum(sum(row["addresses"].values()) for row in rows)
    return {"count": len(rows), "used": used, "nearly_full": full}


def _resident() -> int:
    """Bytes of memory; proc(5), statm: the second field is in pages."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _size(paths: Iterable[Path]) -> int:
    """Bytes of the files; SQLite deletes a journal at any moment."""
    size = 0
    for path in paths:
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def _moment(seconds: float) -> str | None:
    return stamp(seconds) if seconds else None
