"""A network whose addresses a LAN's server gives, and containers that start on it."""

from dataclasses import replace
from typing import Final

from plugin.model.ids import EndpointID, IfName, MacAddress
from plugin.model.network import Endpoint, Network
from tests.fakes.rig import Rig
from tests.fakes.values import a_network, a_pool

PARENT: Final = IfName("eth0")
MAC: Final = MacAddress("02:11:22:33:44:55")
LAN: Network = replace(
    a_network("lan", mode="macvlan", options={"mode": "macvlan", "parent": "eth0", "dhcp": "true"}),
    pools=(a_pool("0.0.0.0/0", gateway=None),),
)


def wanted(name: str, mac: MacAddress | None = None) -> Endpoint:
    return Endpoint(
        id=EndpointID(name * 8),
        network_id=LAN.id,
        mac_address=mac or MacAddress(""),
        mac_chosen=mac is not None,
    )


def start(rig: Rig, name: str, mac: MacAddress | None = None) -> Endpoint:
    return rig.endpoints.create(wanted(name, mac))
