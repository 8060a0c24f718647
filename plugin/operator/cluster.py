"""The cluster for people: its hosts and networks, and how a host that is gone for good is forgotten."""

from collections.abc import Callable
from typing import Any

from ipam.blocks.admission import forget
from ipam.blocks.base import Registry
from ipam.blocks.census import HostRecord, PoolRecord, read_hosts, read_pools
from plugin.errors import RefusedError


class SharedPools:
    """What hosts share, by a registry for each operation; ``own`` is this host."""

    def __init__(self, registry: Callable[[], Registry], own: str) -> None:
        self._registry = registry
        self._own = own

    def view(self) -> dict[str, Any]:
        """Every host and network of the cluster."""
        registry = self._registry()
        hosts = read_hosts(registry)
        names = {each.host: _name(each) for each in hosts}
        return {
            "hosts": [_host(each, own=each.host == self._own) for each in hosts],
            "networks": [_pool(each, names) for each in read_pools(registry)],
        }

    def forget(self, host: str) -> dict[str, Any]:
        """Free what a host has that is gone, by its name, its id, or the beginning of that.

        Raises RefusedError if it is not one host, or runs.
        """
        registry = self._registry()
        known = read_hosts(registry)
        found = [each for each in known if host in (_name(each), each.host)] or [
            each for each in known if host and each.host.startswith(host)
        ]
        if len(found) != 1:
            names = ", ".join(f"{_name(each)} ({each.host[:12]})" for each in known) or "none"
            raise RefusedError(
                f"host is {host!r}, which is {'several' if found else 'none'} of the cluster's; give the id of "
                f"one: {names}"
            )
        return {
            "id": found[0].host,
            "name": _name(found[0]),
            "blocks": forget(registry, found[0].host),
        }


def _name(host: HostRecord) -> str:
    return host.about.partition(" ")[0] or host.host[:12]


def _host(host: HostRecord, *, own: bool) -> dict[str, Any]:
    return {
        "id": host.host,
        "name": _name(host),
        "own": own,
        "running": host.is_heard,
        "blocks": {str(prefix): count for prefix, count in host.blocks.items()},
    }


def _pool(pool: PoolRecord, names: dict[str, str]) -> dict[str, Any]:
    return {
        "subnet": str(pool.prefix),
        "cluster": pool.agreed.cluster,
        "exclude": pool.agreed.exclusions,
        "gateway": str(pool.agreed.gateway or ""),
        "hosts": [names.get(host, host[:12]) for host in pool.hosts],
    }
