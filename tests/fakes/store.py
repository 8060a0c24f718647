"""A state that can fail at any write."""

from plugin.errors import StoreError
from plugin.model.ids import EndpointID, NetworkID
from plugin.model.leases import LeaseRecord
from plugin.model.network import Endpoint, Network
from plugin.store.memory import MemoryStore
from tests.fakes.faults import Faults


class FaultyStore(MemoryStore):
    """What fails was not written."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def save_network(self, network: Network) -> None:
        self._point(f"save network {network.state.value}")
        super().save_network(network)

    def mark_network_deleting(self, network_id: NetworkID) -> bool:
        known = super().mark_network_deleting(
            network_id
        )  # in memory even if the disk fails, as in life
        if known:
            self._point("mark network")
        return known

    def mark_endpoint_deleting(self, endpoint_id: EndpointID) -> bool:
        known = super().mark_endpoint_deleting(endpoint_id)
        if known:
            self._point("mark endpoint")
        return known

    def delete_network(self, network_id: NetworkID) -> None:
        self._point("delete network")
        super().delete_network(network_id)

    def save_endpoint(self, endpoint: Endpoint) -> None:
        self._point("save endpoint")
        super().save_endpoint(endpoint)

    def delete_endpoint(self, endpoint_id: EndpointID) -> None:
        self._point("delete endpoint")
        super().delete_endpoint(endpoint_id)

    def save_lease(self, record: LeaseRecord) -> None:
        self._point("save lease")
        super().save_lease(record)

    def delete_lease(self, network_id: NetworkID, client: str) -> None:
        self._point("delete lease")
        super().delete_lease(network_id, client)

    def _point(self, name: str) -> None:
        self.faults.point(name, StoreError("the disk is full"))
