"""A network whose addresses the engine asks of pynet's IPAM, and a LAN's server gives."""

from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any, Final

from ipam.pool import LOCAL
from plugin.model.ids import EndpointID, MacAddress
from plugin.model.network import Endpoint, Network
from plugin.service.lease_seats import Asker
from tests.fakes.rig import Rig
from tests.fakes.values import a_network, a_pool

POOL: Final = "dhcp/eth0"
LAN: Network = replace(
    a_network("lan", mode="macvlan", options={"mode": "macvlan", "parent": "eth0", "dhcp": "true"}),
    pools=(replace(a_pool("0.0.0.0/0", gateway="0.0.0.0/0"), space=LOCAL),),
)
FIRST: Final = IPv4Interface("192.168.50.100/24")


def request(rig: Rig, subnet: str | None = None, *, parent: str = "eth0") -> None:
    prefix = IPv4Interface(subnet).network if subnet else None
    rig.pools.request({"dhcp": parent}, prefix=prefix, subpool=None, v6=False)


def ask(rig: Rig, pool: str = POOL, **asked: Any) -> IPv4Interface:
    return rig.pools.address(pool, **{"wanted": None, "name": None, "mac": None, **asked})


def start(rig: Rig, endpoint: str, **asked: Any) -> Endpoint:
    """As an engine does, which tells of the endpoint when it has its address."""
    return create(rig, endpoint, ask(rig, **asked))


def create(rig: Rig, name: str, address: IPv4Interface, mac: str = "") -> Endpoint:
    return rig.endpoints.create(
        Endpoint(
            id=EndpointID(name * 8), network_id=LAN.id, mac_address=MacAddress(mac), ipv4=address
        )
    )


def stop(rig: Rig, endpoint: Endpoint) -> None:
    rig.endpoints.delete(LAN.id, endpoint.id)
    assert endpoint.ipv4
    rig.pools.release(POOL, endpoint.ipv4.ip)


def asker() -> Asker:
    """Whom the engine asks for, which says no name."""
    return Asker(network_id=LAN.id)
