"""Networks, endpoints and ports with everything filled in that a test does not care about."""

from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network
from typing import Any

from plugin.model.ids import EndpointID, MacAddress, NetworkID
from plugin.model.network import (
    Endpoint,
    IPNetwork,
    Network,
    PoolData,
    PortBinding,
    Protocol,
    PublishedPort,
)

SANDBOX = "/var/run/docker/netns/0123456789ab"


def an_id(name: str) -> str:
    """An id as long as the engine's, that tells what it stands for."""
    return name.encode().hex().ljust(64, "0")


def a_pool(subnet: str, gateway: str | None = "first", **changes: Any) -> PoolData:
    """A subnet whose gateway is its first address, another one, or none."""
    prefix: IPNetwork = ip_network(subnet)
    address = f"{prefix[1]}/{prefix.prefixlen}" if gateway == "first" else gateway
    return PoolData(
        space="LocalDefault",
        prefix=prefix,
        gateway=ip_interface(address) if address else None,
        **changes,
    )


def a_network(name: str = "blue", *subnets: str, **changes: Any) -> Network:
    """A bridge network, of 10.1.0.0/24 unless subnets are given."""
    pools = tuple(a_pool(subnet) for subnet in subnets or ("10.1.0.0/24",))
    given: dict[str, Any] = {
        "mode": "bridge",
        "pools": pools,
        "ipv6": any(pool.prefix.version == 6 for pool in pools),
        **changes,
    }
    return Network(id=NetworkID(an_id(name)), **given)


def an_endpoint(
    network: Network, number: int = 2, name: str | None = None, **changes: Any
) -> Endpoint:
    """The endpoint with the ``number``-th address of every family that the network has."""
    given: dict[str, Any] = {"mac_address": MacAddress(f"02:00:00:00:00:{number:02x}")}
    for pool in network.pools:
        interface = ip_interface(f"{pool.prefix[number]}/{pool.prefix.prefixlen}")
        if isinstance(interface, IPv4Interface):
            given.setdefault("ipv4", interface)
        elif isinstance(interface, IPv6Interface):
            given.setdefault("ipv6", interface)
    ident = EndpointID(an_id(name or f"web-{number}")[:32] + network.id[:32])
    return Endpoint(**{"id": ident, "network_id": network.id, **given, **changes})


def a_binding(port: int = 80, host_port: int = 8080, **changes: Any) -> PortBinding:
    """``-p host_port:port``."""
    given: dict[str, Any] = {"protocol": Protocol.TCP, "host_port_end": host_port, **changes}
    if isinstance(given.get("host_ip"), str):
        given["host_ip"] = ip_address(given["host_ip"])
    return PortBinding(container_port=port, host_port=host_port, **given)


def a_published_port(
    host_ip: str = "0.0.0.0", host_port: int = 8080, container_ip: str = "10.1.0.2", port: int = 80
) -> PublishedPort:
    """What ``-p 8080:80`` becomes."""
    return PublishedPort(
        protocol=Protocol.TCP,
        host_ip=ip_address(host_ip),
        host_port=host_port,
        container_ip=ip_address(container_ip),
        container_port=port,
    )
