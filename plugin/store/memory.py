"""The state in memory: for tests, and the index behind the file of the durable one."""

from collections.abc import Iterable
from dataclasses import replace
from threading import Lock

from plugin.errors import StoreError
from plugin.model.ids import EndpointID, MacAddress, NetworkID
from plugin.model.leases import LeaseRecord
from plugin.model.network import (
    Endpoint,
    EndpointState,
    IPInterface,
    Network,
    NetworkState,
    Protocol,
)

# A place on a network, a number of the host's ports, or a sandbox.
_Place = tuple[NetworkID, IPInterface | MacAddress] | tuple[Protocol, int] | str


class MemoryStore:
    """Dictionaries.  Values are frozen, so what is handed out cannot change what is kept.

    Marks are set without a network's lock.  So a short lock of its own has each change whole.
    """

    def __init__(self) -> None:
        self.is_settled = True
        self._changing = Lock()
        self._networks: dict[NetworkID, Network] = {}
        self._endpoints: dict[NetworkID, dict[EndpointID, Endpoint]] = {}
        self._leases: dict[NetworkID, dict[str, LeaseRecord]] = {}
        self._home: dict[EndpointID, NetworkID] = {}
        self._at: dict[_Place, frozenset[EndpointID]] = {}
        self._places: dict[EndpointID, list[_Place]] = {}

    def network(self, network_id: NetworkID) -> Network | None:
        return self._networks.get(network_id)

    def networks(self) -> tuple[Network, ...]:
        return tuple(self._networks.copy().values())

    def save_network(self, network: Network) -> None:
        with self._changing:
            self._networks[network.id] = network_as_kept(network, self._networks.get(network.id))
            self._endpoints.setdefault(network.id, {})

    def mark_network_deleting(self, network_id: NetworkID) -> bool:
        with self._changing:
            known = self._networks.get(network_id)
            if known is None:
                return False
            self._networks[network_id] = replace(known, state=NetworkState.DELETING)
            return True

    def delete_network(self, network_id: NetworkID) -> None:
        with self._changing:
            self._networks.pop(network_id, None)
            for endpoint_id in tuple(self._endpoints.get(network_id, {})):
                self._forget(endpoint_id)
            self._endpoints.pop(network_id, None)
            self._leases.pop(network_id, None)

    def endpoint(self, endpoint_id: EndpointID) -> Endpoint | None:
        home = self._home.get(endpoint_id)
        return None if home is None else self._endpoints.get(home, {}).get(endpoint_id)

    def endpoints(self, network_id: NetworkID) -> tuple[Endpoint, ...]:
        return tuple(self._endpoints.get(network_id, {}).copy().values())

    def endpoints_at(
        self, network_id: NetworkID, addresses: Iterable[IPInterface | MacAddress]
    ) -> tuple[Endpoint, ...]:
        return self._listed((network_id, address) for address in addresses)

    def endpoints_in(self, sandbox_key: str) -> tuple[Endpoint, ...]:
        found = self._listed([sandbox_key])
        return tuple(endpoint for endpoint in found if endpoint.sandbox_key == sandbox_key)

    def endpoints_publishing(self, protocol: Protocol, host_port: int) -> tuple[Endpoint, ...]:
        return self._listed([(protocol, host_port)])

    def save_endpoint(self, endpoint: Endpoint) -> None:
        with self._changing:
            if endpoint.network_id not in self._networks:
                raise StoreError(
                    f"network {endpoint.network_id} of an endpoint is not in the state"
                )
            kept = endpoint_as_kept(endpoint, self.endpoint(endpoint.id))
            self._endpoints[endpoint.network_id][endpoint.id] = kept
            self._home[endpoint.id] = endpoint.network_id
            self._list(endpoint.id, _places(kept))

    def mark_endpoint_deleting(self, endpoint_id: EndpointID) -> bool:
        with self._changing:
            known = self.endpoint(endpoint_id)
            if known is None:
                return False
            self._endpoints[known.network_id][known.id] = known.moved(EndpointState.DELETING)
            return True

    def delete_endpoint(self, endpoint_id: EndpointID) -> None:
        with self._changing:
            self._forget(endpoint_id)

    def leases(self, network_id: NetworkID) -> tuple[LeaseRecord, ...]:
        return tuple(self._leases.get(network_id, {}).copy().values())

    def save_lease(self, record: LeaseRecord) -> None:
        with self._changing:
            if record.network_id not in self._networks:
                raise StoreError(f"network {record.network_id} of a lease is not in the state")
            self._leases.setdefault(record.network_id, {})[record.client] = record

    def delete_lease(self, network_id: NetworkID, client: str) -> None:
        with self._changing:
            self._leases.get(network_id, {}).pop(client, None)

    def settled(self) -> bool:
        return self.is_settled

    def settle(self) -> None:
        self.is_settled = True

    def probe(self) -> None:
        """It can be written for as long as there is memory."""

    def close(self) -> None:
        """There is nothing to close."""

    def _listed(self, places: Iterable[_Place]) -> tuple[Endpoint, ...]:
        found = {each: None for place in places for each in self._at.get(place, ())}
        endpoints = map(self.endpoint, found)
        return tuple(endpoint for endpoint in endpoints if endpoint is not None)

    def _forget(self, endpoint_id: EndpointID) -> None:
        self._list(endpoint_id, [])
        self._places.pop(endpoint_id, None)
        home = self._home.pop(endpoint_id, None)
        if home is not None:
            self._endpoints.get(home, {}).pop(endpoint_id, None)

    def _list(self, endpoint_id: EndpointID, places: list[_Place]) -> None:
        """Have the endpoint found at these places alone, and at those where it stays at any time."""
        before = self._places.get(endpoint_id, [])
        self._places[endpoint_id] = places
        for key in places:
            self._at[key] = self._at.get(key, frozenset()) | {endpoint_id}
        for key in set(before).difference(places):
            others = self._at.get(key, frozenset()) - {endpoint_id}
            if others:
                self._at[key] = others
            else:
                self._at.pop(key, None)


def _places(endpoint: Endpoint) -> list[_Place]:
    places: list[_Place] = [(endpoint.network_id, each) for each in endpoint.interfaces]
    if endpoint.mac_address:
        places.append((endpoint.network_id, endpoint.mac_address))
    if endpoint.sandbox_key is not None:
        places.append(endpoint.sandbox_key)
    held = [each for each in endpoint.published if each.host_ip is not None]
    return [*places, *{(each.protocol, each.host_port) for each in held}]


def network_as_kept(network: Network, known: Network | None) -> Network:
    """What is kept when ``network`` is saved over ``known``."""
    if known is not None and known.state is NetworkState.DELETING:
        return replace(network, state=NetworkState.DELETING)
    return network


def endpoint_as_kept(endpoint: Endpoint, known: Endpoint | None) -> Endpoint:
    """What is kept when ``endpoint`` is saved over ``known``."""
    if known is not None and known.deleting:
        return endpoint.moved(EndpointState.DELETING)
    return endpoint
