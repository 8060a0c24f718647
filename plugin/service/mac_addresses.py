"""Which MAC address an endpoint may have beside the others of its network."""

from plugin.drivers.base import BoundNetwork
from plugin.errors import RefusedError
from plugin.model.ids import MacAddress, derived_mac
from plugin.model.network import Endpoint
from plugin.store.base import Store


def free_mac(store: Store, bound: BoundNetwork, wanted: Endpoint) -> MacAddress:
    """One that no other endpoint of the network has."""
    mac, network_id = bound.mac_address(wanted), bound.network.id
    while mac and store.endpoints_at(network_id, (mac,)):
        mac = derived_mac(network_id, mac)
    return mac


def refuse_made_mac(store: Store, endpoint: Endpoint) -> None:
    """Refuse a chosen MAC address that pynet generated for another endpoint that is joined.

    Two equal ones that users chose are accepted, as with Docker.  Raises RefusedError.
    """
    if not endpoint.mac_address:
        return
    for other in store.endpoints_at(endpoint.network_id, (endpoint.mac_address,)):
        if other.id != endpoint.id and other.joined and not other.mac_chosen:
            raise RefusedError(
                f"MAC address {endpoint.mac_address} was generated for the container that has "
                f"{' and '.join(str(each.ip) for each in other.interfaces)} now; leave out the "
                "MAC address, or choose one that was not generated"
            )
