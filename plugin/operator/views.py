"""What people and programs may look at: networks, endpoints, ports and health, as plain data."""

import time
from collections.abc import Container, Iterable
from typing import Any

from plugin import __version__
from plugin.health import Health
from plugin.log import Event
from plugin.model.network import Endpoint, Network, PublishedPort
from plugin.model.ports import HostPort
from plugin.store.base import Store


def health_view(health: Health) -> dict[str, Any]:
    """Status, its time, the version, all conditions, and hints."""
    return {
        "status": health.status.value,
        "since": stamp(health.since),
        "version": __version__,
        "degraded": [
            {"what": c.what, "why": c.why, "remedy": c.remedy, "since": stamp(c.since)}
            for c in health.conditions
        ],
        "hints": list(health.hints),
    }


def events_view(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Events, oldest first."""
    return [
        {
            "number": each.number,
            "at": stamp(each.at),
            "level": each.level,
            "event": each.name,
            "fields": each.fields,
        }
        for each in events
    ]


def networks_view(store: Store) -> list[dict[str, Any]]:
    """Every network with its endpoints."""
    return [_network(network, store.endpoints(network.id)) for network in store.networks()]


def ports_view(store: Store, unserved: Container[HostPort]) -> list[dict[str, Any]]:
    """Every published port, and whether it is served; dockerd shows none of a remote driver."""
    return [
        {
            "network": network.id,
            "endpoint": endpoint.id,
            "protocol": port.protocol.text,
            "host": str(port.host_ip) if port.host_ip else "",
            "host_port": port.host_port,
            "container": str(port.container_ip),
            "container_port": port.container_port,
            "served": _held(port) not in unserved,
        }
        for network in store.networks()
        for endpoint in store.endpoints(network.id)
        for port in endpoint.published
    ]


def _held(port: PublishedPort) -> HostPort | None:
    """What the host holds for it; nothing, if the container's own port is opened."""
    if port.host_ip is None:
        return None
    return HostPort(protocol=port.protocol, address=port.host_ip, port=port.host_port)


def _network(network: Network, endpoints: tuple[Endpoint, ...]) -> dict[str, Any]:
    return {
        "id": network.id,
        "mode": network.mode,
        "state": network.state.value,
        "internal": network.internal,
        "options": network.options,
        "subnets": [str(pool.prefix) for pool in network.pools],
        "endpoints": [_endpoint(endpoint) for endpoint in endpoints],
    }


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "mac_address": endpoint.mac_address,
        "addresses": [str(interface) for interface in endpoint.interfaces],
        "sandbox": endpoint.sandbox_key,
        "ports": published_count(endpoint),
    }


def published_count(endpoint: Endpoint) -> int:
    """How many ports are published: one of both families counts once."""
    return len({(p.protocol, p.host_port, p.container_port) for p in endpoint.published})


def stamp(seconds: float) -> str:
    """A Unix time as people and programs read it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
