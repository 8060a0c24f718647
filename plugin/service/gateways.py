"""Which of a container's two gateways has the host's IPv6.

The proxy carries it to a gateway of IPv4 alone, until the container has another for IPv6. Engines
before 29 call the first anew then, and again when the other goes. Later ones do not: for the first
nothing has changed (moby, libnetwork/drivers/remote/driver.go, ProgramExternalConnectivity).
"""

from collections.abc import Sequence
from typing import Final

from plugin.errors import PynetError
from plugin.log import Log
from plugin.model.ids import EndpointID, NetworkID, short
from plugin.model.network import Endpoint, PortBinding
from plugin.service.endpoints import Endpoints
from plugin.store.base import Store

_log: Final = Log("ports")


class Gateways:
    """Publishes and withdraws the ports of a gateway, and follows up what the other has."""

    def __init__(self, store: Store, endpoints: Endpoints) -> None:
        self._store = store
        self._endpoints = endpoints

    def program(
        self,
        network_id: NetworkID,
        endpoint_id: EndpointID,
        bindings: Sequence[PortBinding],
        *,
        no_proxy_6to4: bool = False,
    ) -> None:
        """Publish ports as `Endpoints.program` does, without IPv6 of others.  Raises RefusedError."""
        endpoint = self._endpoints.get(network_id, endpoint_id)
        if bindings:
            for each in self._of_ipv4_alone(endpoint, no_proxy_6to4=False):
                self._change(each, no_proxy_6to4=True)
        try:
            self._endpoints.program(network_id, endpoint_id, bindings, no_proxy_6to4=no_proxy_6to4)
        except PynetError:
            # Also what was handed over before pynet was killed, when the engine repeats its call.
            self._give_back(endpoint)
            raise

    def revoke(self, network_id: NetworkID, endpoint_id: EndpointID) -> None:
        """Withdraw the ports; another gateway has the host's IPv6 from now on."""
        endpoint = self._store.endpoint(endpoint_id)
        self._endpoints.revoke(network_id, endpoint_id)
        if endpoint is not None and endpoint.bindings:
            self._give_back(endpoint)

    def _of_ipv4_alone(self, endpoint: Endpoint, *, no_proxy_6to4: bool) -> list[Endpoint]:
        """The container's other gateways without IPv6, if this one has it."""
        if endpoint.sandbox_key is None or 6 not in endpoint.answering:
            return []
        return [
            each
            for each in self._store.endpoints_in(endpoint.sandbox_key)
            if each.id != endpoint.id
            and each.bindings
            and 6 not in each.answering
            and each.no_proxy_6to4 is no_proxy_6to4
        ]

    def _change(self, endpoint: Endpoint, *, no_proxy_6to4: bool) -> None:
        """By what it has: its ports may have been withdrawn since it was looked up."""
        self._endpoints.program(endpoint.network_id, endpoint.id, None, no_proxy_6to4=no_proxy_6to4)

    def _give_back(self, endpoint: Endpoint) -> None:
        """Have the proxy carry IPv6 to the others again; that they lack it fails no call."""
        for each in self._of_ipv4_alone(endpoint, no_proxy_6to4=True):
            try:
                self._change(each, no_proxy_6to4=False)
            except PynetError as error:
                _log.warning("ports.not_given_back", endpoint=short(each.id), reason=error)
