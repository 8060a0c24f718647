"""Find the network that a link of the host belongs to, so that an event heals that network alone."""

from typing import Final

from plugin.model.ids import (
    WIREGUARD_PREFIX,
    Key,
    NetworkID,
    bridge_name,
    dummy_name,
    is_handoff,
    port_name,
    redirect_name,
    shim_name,
    vxlan_name,
)
from plugin.model.network import Network, NetworkState
from plugin.service.bound_networks import BoundNetworks
from plugin.store.base import Store

_DERIVED: Final = "pn"  # every name that is derived from an id begins with it


def owner_of(store: Store, bound: BoundNetworks, ifname: str) -> NetworkID | None:
    """Return the network that should have the link now; None if no network should.

    Links of containers that have left, and links that move into sandboxes, belong to no network.
    """
    if is_handoff(ifname):
        return None  # every container that starts takes one along
    networks = [each for each in store.networks() if each.state is NetworkState.ACTIVE]
    derived = ifname.startswith(_DERIVED) and not is_of_several(ifname)
    for network in networks:
        if derived and _is_derived(store, network, ifname):
            return network.id
    for network in networks:
        # A link that networks share, or one with a name that the user chose: a few have one.
        if not derived and ("link", ifname) in _keys(bound, network):
            return network.id
    return None


def is_of_several(ifname: str) -> bool:
    """Whether pynet made the link for all networks that need the same."""
    return ifname.startswith(WIREGUARD_PREFIX)


def _is_derived(store: Store, network: Network, ifname: str) -> bool:
    names = (bridge_name, shim_name, dummy_name, vxlan_name)
    if ifname in {name(network.id) for name in names}:
        return True
    return any(
        ifname in {port_name(endpoint.id), redirect_name(endpoint.id)}
        for endpoint in store.endpoints(network.id)
        if endpoint.joined and not endpoint.deleting
    )


def _keys(bound: BoundNetworks, network: Network) -> set[Key]:
    return {each.key for each in bound.plan_of(network).resources}
