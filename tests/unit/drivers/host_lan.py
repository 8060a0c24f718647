"""A network on a parent with the host in it, and what such a network needs."""

from ipaddress import ip_address, ip_interface
from typing import Any

from plugin.drivers.registry import bind
from plugin.model.ids import MacAddress
from plugin.model.network import Endpoint, Network
from plugin.model.resources import Resource
from tests.fakes.values import a_network

DUAL = ("10.1.0.0/24", "fd00:1::/64")
HOST4, HOST6 = ip_address("10.1.0.9"), ip_address("fd00:1::9")
FOREIGN = ip_interface("172.16.0.9/24")
PARENT_MAC = MacAddress("02:00:00:00:00:ee")


def a_lan(*subnets: str, changes: dict[str, Any] | None = None, **options: str) -> Network:
    """A network with the host in it, which has an address of each family on eth0."""
    own = {"mode": "macvlan", "parent": "eth0", "host_access": "true", **options}
    return a_network(
        "lan",
        *(subnets or DUAL),
        **{
            "mode": "macvlan",
            "options": {name: value for name, value in own.items() if value},
            "host_addresses": (FOREIGN, ip_interface("10.1.0.9/24"), ip_interface("fd00:1::9/64")),
            "parent_mac": PARENT_MAC,
            **(changes or {}),
        },
    )


def of(kind: type[Resource], network: Network, endpoint: Endpoint | None = None) -> set[Resource]:
    """What the network needs, or one of its endpoints, of one kind."""
    plan = bind(network).endpoint_plan(endpoint) if endpoint else bind(network).network_plan()
    return {each for each in plan.resources if isinstance(each, kind)}
