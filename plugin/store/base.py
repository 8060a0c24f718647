"""The contract of the state: networks and endpoints, kept when a method returns.

What was kept outlives the process.  What was kept of a network outlives the machine, too; of
endpoints the last seconds may be missing after a power failure, which none of them outlives.
"""

from collections.abc import Iterable
from typing import Protocol

from plugin.model.ids import EndpointID, MacAddress, NetworkID
from plugin.model.leases import LeaseRecord
from plugin.model.network import Endpoint, IPInterface, Network
from plugin.model.network import Protocol as Transport


class Store(Protocol):
    """Every method raises StoreError if the state cannot be read or written."""

    def network(self, network_id: NetworkID) -> Network | None:
        """The network of that id."""

    def networks(self) -> tuple[Network, ...]:
        """All networks, in any state."""

    def save_network(self, network: Network) -> None:
        """Insert or replace; a network that is being deleted stays in that state."""

    def mark_network_deleting(self, network_id: NetworkID) -> bool:
        """Mark the network as being deleted; False if it is unknown.

        Needs no lock of the network: dockerd has forgotten it, even while another call uses it.
        """

    def delete_network(self, network_id: NetworkID) -> None:
        """Forget the network, its endpoints and leases; unknown ids are passed over."""

    def endpoint(self, endpoint_id: EndpointID) -> Endpoint | None:
        """The endpoint of that id."""

    def endpoints(self, network_id: NetworkID) -> tuple[Endpoint, ...]:
        """All endpoints of one network."""

    def endpoints_at(
        self, network_id: NetworkID, addresses: Iterable[IPInterface | MacAddress]
    ) -> tuple[Endpoint, ...]:
        """The endpoints of one network that have one of ``addresses``, however many it has."""

    def endpoints_in(self, sandbox_key: str) -> tuple[Endpoint, ...]:
        """The endpoints of all networks that one sandbox has, however many there are."""

    def endpoints_publishing(self, protocol: Transport, host_port: int) -> tuple[Endpoint, ...]:
        """The endpoints of all networks whose records list that port, at whichever address of the host."""

    def save_endpoint(self, endpoint: Endpoint) -> None:
        """Insert or replace; its network must be there.

        An endpoint that is being deleted stays in that state.

        Raises StoreError.
        """

    def mark_endpoint_deleting(self, endpoint_id: EndpointID) -> bool:
        """Mark the endpoint as being deleted; False if it is unknown."""

    def delete_endpoint(self, endpoint_id: EndpointID) -> None:
        """Forget the endpoint; unknown ids are passed over."""

    def leases(self, network_id: NetworkID) -> tuple[LeaseRecord, ...]:
        """The leases of one network, held or resting."""

    def save_lease(self, record: LeaseRecord) -> None:
        """Insert or replace, by network and client; its network must be there."""

    def delete_lease(self, network_id: NetworkID, client: str) -> None:
        """Forget the lease; unknown ones are passed over."""

    def settled(self) -> bool:
        """Whether this state is known to be this host's: false for one that has just begun."""

    def settle(self) -> None:
        """Declare the state complete: objects of pynet that it does not list may be removed."""

    def probe(self) -> None:
        """Return if the state can be written, as far as is visible without writing.

        Raises StoreError.
        """

    def close(self) -> None:
        """Close the state; nothing is lost if this is never called."""
