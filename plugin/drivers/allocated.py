"""Networks as a swarm's manager that leads allocates them, for nodes that make them later.

The manager is not told all that a node is, and decides what nodes must agree on.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from plugin.drivers.base import BoundNetwork
from plugin.drivers.bridge import BRIDGE
from plugin.drivers.options import MODE
from plugin.drivers.overlay import MAX_VNI, VNI
from plugin.drivers.registry import check_network
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.network import Network
from plugin.model.tunnels import Tunnel

NODES: Final = "nodes"
APART: Final = "apart"


def check_allocated(network: Network) -> BoundNetwork:
    """The network, with all options that nodes get; refuses a mode that connects no nodes.

    Raises RefusedError.
    """
    options = {MODE: network.mode, **network.options}
    chosen = options.pop(NODES, None)
    if chosen not in (None, APART):
        raise InvalidOptionError(NODES, chosen, APART)
    is_apart = network.mode == BRIDGE.mode
    if chosen is None and is_apart:
        raise RefusedError(
            f"mode {BRIDGE.mode} is a network of its own on each node of a swarm: names resolve everywhere, "
            f"and packets reach no other node; leave out {MODE} for an overlay, or add -o {NODES}={APART}"
        )
    if chosen is not None and not is_apart:
        raise RefusedError(f"option {NODES} is for mode {BRIDGE.mode} in a swarm; leave it out")
    network = replace(network, options=options)
    try:
        return check_network(network)
    except RefusedError:
        # Only the nodes are told whether a network is internal (moby, cnmallocator).
        return check_network(replace(network, internal=True))


def numbered(bound: BoundNetwork, taken: Collection[Tunnel]) -> BoundNetwork:
    """The network with a number that none of the ``taken`` has; itself if it needs none.

    Raises RefusedError if the user chose one that is taken.
    """
    tunnel = bound.tunnel()
    if tunnel is None:
        return bound
    if VNI.name in bound.network.options and tunnel in taken:
        raise RefusedError(
            f"vni {tunnel.vni} on port {tunnel.port} is in use by another network of the swarm; "
            f"choose another with -o {VNI.name}=, or leave it out"
        )
    while tunnel in taken:
        tunnel = replace(tunnel, vni=tunnel.vni % MAX_VNI + 1)
    options = {**bound.network.options, VNI.name: str(tunnel.vni)}
    return check_network(replace(bound.network, options=options))
