"""The methods of NetworkDriver: decode the request, call a service, encode the answer."""

from typing import Final

from plugin.config import Scope
from plugin.drivers.registry import DEFAULT_MODE
from plugin.server.app import Handler, Undoable
from plugin.server.envelope import Answer
from plugin.service.endpoints import Endpoints
from plugin.service.networks import Networks
from plugin.wire import network_answers as answers
from plugin.wire import network_driver as wire
from plugin.wire.decoding import decode

NAME: Final = "NetworkDriver"


def constant_methods(scope: Scope) -> dict[str, Handler]:
    """What is answered by a plugin that is still starting, too."""
    return {f"{NAME}.GetCapabilities": lambda _: answers.capabilities(scope)}


class NetworkMethods:
    """One method of this class per method of the protocol."""

    def __init__(self, networks: Networks, endpoints: Endpoints, scope: Scope) -> None:
        self._networks = networks
        self._endpoints = endpoints
        self._scope = scope

    def table(self) -> dict[str, Handler]:
        """Every method, by its path."""
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
            "DiscoverNew": self._discover,
            "DiscoverDelete": self._discover,
            "ProgramExternalConnectivity": Undoable(
                self._program, lambda body, _: self._revoke(body)
            ),
            "RevokeExternalConnectivity": self._revoke,
        }
        methods = {f"{NAME}.{method}": call for method, call in served.items()}
        return methods | constant_methods(self._scope)

    def _gateway_check(self, body: bytes) -> Answer:
        network = decode(body, wire.GwAllocCheckRequest).network(DEFAULT_MODE)
        return answers.gateway_answer(self._networks.gateway_needs(network))

    def _allocate_network(self, body: bytes) -> Answer:
        message = decode(body, wire.AllocateNetworkRequest)
        network = message.network(DEFAULT_MODE)
        self._networks.allocate(network)
        return answers.allocation_answer({**message.engine_options(), **network.options})

    def _free_network(self, body: bytes) -> Answer:
        self._networks.free(decode(body, wire.NetworkRequest).network_id)
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
        self._endpoints.program(
            message.network_id,
            message.endpoint_id,
            message.bindings(),
            no_proxy_6to4=message.no_proxy_6to4,
        )
        return {}

    def _revoke(self, body: bytes) -> Answer:
        message = decode(body, wire.EndpointRequest)
        self._endpoints.revoke(message.network_id, message.endpoint_id)
        return {}

    def _discover(self, body: bytes) -> Answer:
        """Networks of one host have no use for other nodes; the message is checked all the same."""
        decode(body, wire.DiscoveryNotification)
        return {}
