"""Null mode: a container has its loopback link and nothing else.

Docker's network ``none`` is the same.  This one can have any name, in a Compose file for instance,
and a container on it can be connected to other networks, too.
"""

from typing import Final

from plugin.drivers.base import BoundNetwork, Driver
from plugin.model.ids import MacAddress
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    IPNetwork,
    PortBinding,
    PortTarget,
)
from plugin.model.plan import Plan


class NullNetwork(BoundNetwork):
    """Nothing on the host, and no link in a container."""

    def check_endpoint(self, endpoint: Endpoint) -> None:
        """Nothing is chosen that could be refused: there is no link."""

    def gateway_needs(self) -> GatewayNeeds:
        return GatewayNeeds(skip_ipv4=True, skip_ipv6=True)

    def host_subnets(self) -> tuple[IPNetwork, ...]:
        return ()

    def network_plan(self) -> Plan:
        return Plan()

    def mac_address(self, endpoint: Endpoint) -> MacAddress:
        """There is no link to have one."""
        return MacAddress("")

    def endpoint_plan(self, endpoint: Endpoint) -> Plan:
        return Plan()

    def port_targets(self, endpoint: Endpoint, binding: PortBinding) -> tuple[PortTarget, ...]:
        return ()

    def attachment(self, endpoint: Endpoint) -> Attachment:
        """Hand nothing over; Docker adds no docker_gwbridge although there is no gateway."""
        return Attachment(src_name=None, disable_gateway_service=True)


NULL: Final = Driver(mode="null", bind=NullNetwork)
