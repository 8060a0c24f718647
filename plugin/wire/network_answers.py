"""What NetworkDriver answers (moby, libnetwork/drivers/remote/api/api.go)."""

from collections.abc import Mapping
from typing import Final

from plugin.config import Scope
from plugin.model.network import Attachment, Endpoint, GatewayNeeds, StaticRoute
from plugin.wire import labels
from plugin.wire.network_driver import CreateEndpointRequest

_NEXT_HOP: Final = 0  # libnetwork/types: NEXTHOP and CONNECTED
_CONNECTED: Final = 1


def capabilities(scope: Scope) -> dict[str, object]:
    """GetCapabilities; the texts must be exactly these or the driver is not registered."""
    return {"Scope": scope.value, "ConnectivityScope": scope.value, "GwAllocChecker": True}


def gateway_answer(needs: GatewayNeeds) -> dict[str, object]:
    """GwAllocCheck."""
    return {"SkipIPv4": needs.skip_ipv4, "SkipIPv6": needs.skip_ipv6}


def endpoint_answer(request: CreateEndpointRequest, endpoint: Endpoint) -> dict[str, object]:
    """CreateEndpoint: only what the request left open, anything else is refused by dockerd."""
    chosen: dict[str, str] = {} if request.chose_mac else {"MacAddress": endpoint.mac_address}
    if endpoint.facts is not None and not request.has_address:
        chosen["Address"] = str(endpoint.ipv4)
    if endpoint.ipv6 is not None and not request.has_ipv6_address:
        chosen["AddressIPv6"] = str(endpoint.ipv6)
    return {"Interface": chosen}


def join_answer(attachment: Attachment) -> dict[str, object]:
    """Join: an empty gateway is none, and without a link the sandbox gets no interface.

    Engines before 29.8 pass over ``DstName`` (moby, drivers/remote/driver.go); an empty one is none.
    """
    handed = attachment.src_name and {
        "SrcName": attachment.src_name,
        "DstPrefix": attachment.dst_prefix,
        "DstName": attachment.dst_name or "",
    }
    return {
        "InterfaceName": handed,
        "Gateway": str(attachment.gateway4 or ""),
        "GatewayIPv6": str(attachment.gateway6 or ""),
        "StaticRoutes": [_route(route) for route in attachment.routes],
        "DisableGatewayService": attachment.disable_gateway_service,
    }


def oper_info_answer(endpoint: Endpoint) -> dict[str, object]:
    """EndpointOperInfo: the ports as they were published, and the MAC address."""
    ports = [
        {
            "Proto": port.protocol.value,
            "IP": str(port.container_ip),
            "Port": port.container_port,
            "HostIP": str(port.host_ip or ""),
            "HostPort": port.host_port,
            "HostPortEnd": port.host_port,
        }
        for port in endpoint.published
    ]
    exposed = sorted({(port.protocol.value, port.container_port) for port in endpoint.published})
    return {
        "Value": {
            labels.PORT_MAP: ports,
            labels.EXPOSED_PORTS: [{"Proto": proto, "Port": port} for proto, port in exposed],
            labels.MAC_ADDRESS: endpoint.mac_address,
        }
    }


def allocation_answer(options: Mapping[str, str]) -> dict[str, object]:
    """AllocateNetwork: what every node gets as the network's options, and the next leader, too."""
    return {"Options": {**options, labels.ALLOCATED: "true"}}


def _route(route: StaticRoute) -> dict[str, object]:
    return {
        "Destination": str(route.destination),
        "RouteType": _CONNECTED if route.next_hop is None else _NEXT_HOP,
        "NextHop": str(route.next_hop or ""),
    }
