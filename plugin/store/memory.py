"""The state in memory: for tests, and the index behind the file of the durable one."""

from plugin.errors import StoreError
from plugin.model.ids import EndpointID, NetworkID
from plugin.model.network import Endpoint, Network


class MemoryStore:
    """Dictionaries.  Values are frozen, so what is handed out cannot change what is kept."""

    def __init__(self) -> None:
        self._networks: dict[NetworkID, Network] = {}
        self._endpoints: dict[NetworkID, dict[EndpointID, Endpoint]] = {}
        self._home: dict[EndpointID, NetworkID] = {}

    def network(self, network_id: NetworkID) -> Network | None:
        return self._networks.get(network_id)

    def networks(self) -> tuple[Network, ...]:
        return tuple(self._networks.copy().values())

    def save_network(self, network: Network) -> None:
        self._networks[network.id] = network
        self._endpoints.setdefault(network.id, {})

    def delete_network(self, network_id: NetworkID) -> None:
        self._networks.pop(network_id, None)
        for endpoint_id in self._endpoints.pop(network_id, {}):
            self._home.pop(endpoint_id, None)

    def endpoint(self, endpoint_id: EndpointID) -> Endpoint | None:
        home = self._home.get(endpoint_id)
        return None if home is None else self._endpoints.get(home, {}).get(endpoint_id)

    def endpoints(self, network_id: NetworkID) -> tuple[Endpoint, ...]:
        return tuple(self._endpoints.get(network_id, {}).copy().values())

    def save_endpoint(self, endpoint: Endpoint) -> None:
        if endpoint.network_id not in self._networks:
            raise StoreError(f"network {endpoint.network_id} of an endpoint is not in the state")
        self._endpoints[endpoint.network_id][endpoint.id] = endpoint
        self._home[endpoint.id] = endpoint.network_id

    def delete_endpoint(self, endpoint_id: EndpointID) -> None:
        home = self._home.pop(endpoint_id, None)
        if home is not None:
            self._endpoints.get(home, {}).pop(endpoint_id, None)

    def close(self) -> None:
        """There is nothing to let go of."""
