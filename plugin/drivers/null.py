"""Null mode: a container has its loopback link and nothing else.

Docker's own network ``none`` is one of its kind; this one can be had under any name, in a
Compose file for instance, and others can be connected beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from plugin.drivers.options import Option
from plugin.model.ids import IfName, MacAddress
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    IPNetwork,
    Network,
    PortBinding,
    PortTarget,
)
from plugin.model.parents import HostLink, ParentUse
from plugin.model.plan import Plan


class NullDriver:
    """``-o mode=null``."""

    mode: ClassVar[str] = "null"
    options: ClassVar[tuple[Option[Any], ...]] = ()
    endpoint_options: ClassVar[tuple[Option[Any], ...]] = ()

    def check_options(self, network: Network) -> None:
        """There are none."""

    def check_endpoint(self, network: Network, endpoint: Endpoint) -> None:
        """Nothing is chosen that could be refused: there is no link."""

    def gateway_needs(self, network: Network) -> GatewayNeeds:
        return GatewayNeeds(skip_ipv4=True, skip_ipv6=True)

    def parent(self, network: Network) -> IfName | None:
        return None

    def parent_use(self, network: Network) -> ParentUse | None:
        return None

    def check_parent(self, network: Network, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
        return ()

    def host_subnets(self, network: Network) -> tuple[IPNetwork, ...]:
        return ()

    def shared_plan(self, network: Network, endpoints: Sequence[Endpoint]) -> Plan:
        return Plan()

    def network_plan(self, network: Network) -> Plan:
        return Plan()

    def mac_address(self, network: Network, endpoint: Endpoint) -> MacAddress:
        """There is no link to have one."""
        return MacAddress("")

    def endpoint_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        return Plan()

    def port_targets(
        self, network: Network, endpoint: Endpoint, binding: PortBinding
    ) -> tuple[PortTarget, ...]:
        return ()

    def ports_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        return Plan()

    def attachment(self, network: Network, endpoint: Endpoint) -> Attachment:
        """Nothing is handed over, and Docker adds no bridge of its own for want of a gateway."""
        return Attachment(src_name=None, disable_gateway_service=True)
