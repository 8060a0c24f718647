"""The MAC address of a container's link: one that the user chose, or one that is made."""

from dataclasses import replace
from typing import Final

from plugin.drivers.options import Option
from plugin.errors import RefusedError
from plugin.model.ids import MacAddress, derived_mac, unicast_mac
from plugin.model.network import Endpoint, Network

MAC: Final[Option[MacAddress | None]] = Option(
    name="mac",
    parse=unicast_mac,
    default=None,
    expected="the MAC address of one host, as 02:42:0a:00:00:02",
    meaning="MAC address of the container's link on this network, as `--mac-address` chooses it: "
    "older engines have that for the first network only.",
)
# Docker's own address spaces; a swarm names none when it allocates a network.
_DOCKERS: Final = ("", "LocalDefault", "GlobalDefault")


def with_requested_mac(endpoint: Endpoint) -> Endpoint:
    """The endpoint with the MAC address that its options ask for.  Raises RefusedError."""
    chosen = MAC.of(endpoint.options)
    if chosen is None:
        return endpoint
    if endpoint.mac_address not in ("", chosen):
        raise RefusedError(
            f"option {MAC.name} is {chosen}, and the container has {endpoint.mac_address} already, "
            "by --mac-address or because the setting PYNET_REQUIRES_MAC has the engine choose one; "
            f"leave out the option {MAC.name}"
        )
    return replace(endpoint, mac_address=chosen, mac_chosen=True)


def made_mac(network: Network, endpoint: Endpoint, identity: str | None = None) -> MacAddress:
    """The MAC address of an endpoint for which none was chosen.

    It is made from the network's id, or from another ``identity`` of the network.

    Engines from 28 on announce the addresses of a starting container, so each endpoint gets a new
    MAC address.  A fixed one would collide: tools copy what ``inspect`` shows into the next
    container, while another may have that address.  Older engines announce nothing, and engine 28
    announces 0.0.0.0 in place of an address from an IPAM plugin.  There the MAC address depends on
    the IP address, as with Docker's drivers on older engines, so that no neighbour entry is stale.
    """
    name = identity or network.id
    address = endpoint.ipv4 or endpoint.ipv6
    announced = network.announced and all(pool.space in _DOCKERS for pool in network.pools)
    if announced or address is None:
        return derived_mac(name, endpoint.id)
    return derived_mac(name, str(address.ip))
