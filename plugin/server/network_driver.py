"""The methods of NetworkDriver."""

from collections.abc import Callable
from typing import Final, TypeVar

from plugin.config import Scope
from plugin.drivers.registry import DEFAULT_MODE
from plugin.server.app import Handler
from plugin.server.envelope import Answer
from plugin.service.endpoints import Endpoints
from plugin.service.networks import Networks
from plugin.wire import network_driver as wire
from plugin.wire.decoding import decode

T = TypeVar("T")

NAME: Final = "NetworkDriver"


def methods(networks: Networks, endpoints: Endpoints, scope: Scope) -> dict[str, Handler]:
    """Every method, by its path."""

    def capabilities(_: bytes) -> Answer:
        return wire.capabilities(scope)

    def gateway_check(message: wire.GwAllocCheckRequest) -> Answer:
        return wire.gateway_answer(networks.gateway_needs(message.network(DEFAULT_MODE)))

    def allocate_network(message: wire.AllocateNetworkRequest) -> Answer:
        network = message.network(DEFAULT_MODE)
        networks.check(network)
        return wire.allocation_answer(network.options)

    def free_network(message: wire.NetworkRequest) -> Answer:
        # A manager keeps nothing of a network: AllocateNetwork only read its options.
        return {"NetworkID": message.network_id}

    def create_network(message: wire.CreateNetworkRequest) -> Answer:
        networks.create(message.network(DEFAULT_MODE))
        return {}

    def delete_network(message: wire.NetworkRequest) -> Answer:
        networks.delete(message.network_id)
        return {}

    def create_endpoint(message: wire.CreateEndpointRequest) -> Answer:
        return wire.endpoint_answer(message, endpoints.create(message.endpoint()))

    def oper_info(message: wire.EndpointRequest) -> Answer:
        endpoint = endpoints.get(message.network_id, message.endpoint_id)
        return wire.oper_info_answer(endpoint)

    def delete_endpoint(message: wire.EndpointRequest) -> Answer:
        endpoints.delete(message.network_id, message.endpoint_id)
        return {}

    def join(message: wire.JoinRequest) -> Answer:
        attachment = endpoints.join(message.network_id, message.endpoint_id, message.sandbox_key)
        return wire.join_answer(attachment)

    def leave(message: wire.EndpointRequest) -> Answer:
        endpoints.leave(message.network_id, message.endpoint_id)
        return {}

    def program(message: wire.ProgramRequest) -> Answer:
        endpoints.program(message.network_id, message.endpoint_id, message.bindings())
        return {}

    def revoke(message: wire.EndpointRequest) -> Answer:
        endpoints.revoke(message.network_id, message.endpoint_id)
        return {}

    def discovery(_: wire.DiscoveryNotification) -> Answer:
        # Networks of one host have no use for the others; the message is checked all the same.
        return {}

    table = {
        "GwAllocCheck": _handler(wire.GwAllocCheckRequest, gateway_check),
        "AllocateNetwork": _handler(wire.AllocateNetworkRequest, allocate_network),
        "FreeNetwork": _handler(wire.NetworkRequest, free_network),
        "CreateNetwork": _handler(wire.CreateNetworkRequest, create_network),
        "DeleteNetwork": _handler(wire.NetworkRequest, delete_network),
        "CreateEndpoint": _handler(wire.CreateEndpointRequest, create_endpoint),
        "EndpointOperInfo": _handler(wire.EndpointRequest, oper_info),
        "DeleteEndpoint": _handler(wire.EndpointRequest, delete_endpoint),
        "Join": _handler(wire.JoinRequest, join),
        "Leave": _handler(wire.EndpointRequest, leave),
        "DiscoverNew": _handler(wire.DiscoveryNotification, discovery),
        "DiscoverDelete": _handler(wire.DiscoveryNotification, discovery),
        "ProgramExternalConnectivity": _handler(wire.ProgramRequest, program),
        "RevokeExternalConnectivity": _handler(wire.EndpointRequest, revoke),
    }
    served: dict[str, Handler] = {f"{NAME}.{method}": call for method, call in table.items()}
    # Asked at any time, and without a body.
    served[f"{NAME}.GetCapabilities"] = capabilities
    return served


def _handler(kind: type[T], call: Callable[[T], Answer]) -> Handler:
    return lambda body: call(decode(body, kind))
