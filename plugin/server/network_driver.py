"""The methods of NetworkDriver: decode the request, call a service, encode the answer."""

from collections.abc import Callable
from typing import Final, Protocol

from plugin.config import Scope
from plugin.drivers.registry import DEFAULT_MODE, SWARM_MODE
from plugin.model.network import IPAddress
from plugin.server.app import Handler, Undoable
from plugin.server.envelope import Answer
from plugin.service.allocations import Allocations
from plugin.service.endpoints import Endpoints
from plugin.service.gateways import Gateways
from plugin.service.networks import Networks
from plugin.wire import network_answers as answers
from plugin.wire import network_driver as wire
from plugin.wire.decoding import decode
from plugin.wire.discovery import DiscoveryNotification

NAME: Final = "NetworkDriver"


class Nodes(Protocol):
    """What is told of a swarm's nodes."""

    def joined(self, own: IPAddress) -> None:
        """This host is one, by this address."""

    def appeared(self, node: IPAddress) -> None:
        """Another one has come."""

    def disappeared(self, node: IPAddress) -> None:
        """Another one has gone."""


def constant_methods(scope: Scope, asked: Callable[[], object]) -> dict[str, Handler]:
    """What is answered by a plugin that is still starting, too; ``asked`` is called before.

    An engine asks when it starts, or when pynet has been enabled, before anything else.
    """

    def capabilities(_: bytes) -> Answer:
        asked()
        return answers.capabilities(scope)

    return {f"{NAME}.GetCapabilities": capabilities}


class NetworkMethods:
    """One method of this class per method of the protocol."""

    def __init__(
        self,
        networks: Networks,
        endpoints: Endpoints,
        gateways: Gateways,
        allocations: Allocations,
        nodes: Nodes,
    ) -> None:
        self._networks = networks
        self._endpoints = endpoints
        self._gateways = gateways
        self._allocations = allocations
        self._nodes = nodes

    def table(self) -> dict[str, Handler]:
        """Every method but the constant ones, by its path."""
        served: dict[str, Handler] = {
            "GwAllocCheck": self._gateway_check,
            "AllocateNetwork": Undoable(
                self._allocate_network, lambda body, _: self._free_network(body)
            ),
            "FreeNetwork": self._free_network,
            "CreateNetwork": Undoable(
                self._create_network, lambda body, _: self._delete_network(body)
            ),
            "DeleteNetwork": self._delete_network,
            "CreateEndpoint": Undoable(
                self._create_endpoint, lambda body, _: self._delete_endpoint(body)
            ),
            "EndpointOperInfo": self._oper_info,
            "DeleteEndpoint": self._delete_endpoint,
            "Join": Undoable(self._join, lambda body, _: self._leave(body)),
            "Leave": self._leave,
            "DiscoverNew": self._discover_new,
            "DiscoverDelete": self._discover_delete,
            "ProgramExternalConnectivity": Undoable(
                self._program, lambda body, _: self._revoke(body)
            ),
            "RevokeExternalConnectivity": self._revoke,
        }
        return {f"{NAME}.{method}": call for method, call in served.items()}

    def _gateway_check(self, body: bytes) -> Answer:
        network = decode(body, wire.GwAllocCheckRequest).network(DEFAULT_MODE)
        return answers.gateway_answer(self._networks.gateway_needs(network))

    def _allocate_network(self, body: bytes) -> Answer:
        message = decode(body, wire.AllocateNetworkRequest)
        with self._allocations.reported(message.network_id):
            network, again = message.network(SWARM_MODE), message.is_again
            options = self._allocations.allocate(network, again=again)
            return answers.allocation_answer({**message.engine_options(), **options})

    def _free_network(self, body: bytes) -> Answer:
        self._allocations.free(decode(body, wire.NetworkRequest).network_id)
        return {}

    def _create_network(self, body: bytes) -> Answer:
        self._networks.create(decode(body, wire.CreateNetworkRequest).network(DEFAULT_MODE))
        return {}

    def _delete_network(self, body: bytes) -> Answer:
        self._networks.delete(decode(body, wire.NetworkRequest).network_id)
        return {}

    def _create_endpoint(self, body: bytes) -> Answer:
        message = decode(body, wire.CreateEndpointRequest)
        return answers.endpoint_answer(message, self._endpoints.create(message.endpoint()))

    def _oper_info(self, body: bytes) -> Answer:
        message = decode(body, wire.EndpointRequest)
        endpoint = self._endpoints.get(message.network_id, message.endpoint_id)
        return answers.oper_info_answer(endpoint)

    def _delete_endpoint(self, body: bytes) -> Answer:
        message = decode(body, wire.EndpointRequest)
        self._endpoints.delete(message.network_id, message.endpoint_id)
        return {}

    def _join(self, body: bytes) -> Answer:
        message = decode(body, wire.JoinRequest)
        attachment = self._endpoints.join(
            message.network_id, message.endpoint_id, message.sandbox_key, message.bindings()
        )
        return answers.join_answer(attachment)

    def _leave(self, body: bytes) -> Answer:
        message = decode(body, wire.EndpointRequest)
        self._endpoints.leave(message.network_id, message.endpoint_id)
        return {}

    def _program(self, body: bytes) -> Answer:
        message = decode(body, wire.ProgramRequest)
        self._gateways.program(
            message.network_id,
            message.endpoint_id,
            message.bindings(),
            no_proxy_6to4=message.no_proxy_6to4,
        )
        return {}

    def _revoke(self, body: bytes) -> Answer:
        message = decode(body, wire.EndpointRequest)
        self._gateways.revoke(message.network_id, message.endpoint_id)
        return {}

    def _discover_new(self, body: bytes) -> Answer:
        node = decode(body, DiscoveryNotification).node
        if node is not None and node.Self:
            self._nodes.joined(node.address)
        elif node is not None:
            self._nodes.appeared(node.address)
        return {}

    def _discover_delete(self, body: bytes) -> Answer:
        node = decode(body, DiscoveryNotification).node
        if node is not None and not node.Self:
            self._nodes.disappeared(node.address)
        return {}
