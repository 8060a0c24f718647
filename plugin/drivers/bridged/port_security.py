"""Guards at a container's bridge port: whom it may reach, and which source addresses it may use.

They are lookups in the bridge family, where a frame can be dropped before any other port of the
bridge gets it.  They need no br_netfilter.
"""

from plugin.drivers.bridged.options import (
    ENDPOINT_GATEWAY,
    ENDPOINT_ICC_ALLOW,
    ENDPOINT_SPOOF_GUARD,
    ICC,
    SPOOF_GUARD,
)
from plugin.drivers.bridged.parsed import BridgeOptions
from plugin.drivers.options import Values
from plugin.model.ids import IfName, link_local, port_name
from plugin.model.network import Endpoint
from plugin.model.resources import Resource
from plugin.model.speakers import GatewayContainer, SpeaksAs, SpeaksFrom
from plugin.model.traffic import LinkRole, Reach, Role


def guard_resources(
    options: BridgeOptions, endpoint: Endpoint, chosen: Values
) -> frozenset[Resource]:
    """The guards of one endpoint, given what it has ``chosen`` for itself."""
    port = port_name(endpoint.id)
    resources: set[Resource] = set()
    own = chosen[ENDPOINT_SPOOF_GUARD]
    # A gateway passes on what others send.
    is_gateway = chosen[ENDPOINT_GATEWAY]
    if (options[SPOOF_GUARD] and not is_gateway) if own is None else own:
        resources |= _spoofing(port, endpoint)
    if is_gateway:
        gateway = GatewayContainer(bridge=options.bridge, mac_address=endpoint.mac_address)
        resources.add(gateway)
    elif not options[ICC]:
        resources |= _separation(port, endpoint, chosen)
    return frozenset(resources)


def _spoofing(port: IfName, endpoint: Endpoint) -> set[Resource]:
    addresses = [link_local(endpoint.mac_address), *(each.ip for each in endpoint.interfaces)]
    return {
        LinkRole(link=port, role=Role.GUARDED),
        SpeaksAs(link=port, mac_address=endpoint.mac_address),
        *(SpeaksFrom(link=port, address=address) for address in addresses),
    }


def _separation(port: IfName, endpoint: Endpoint, chosen: Values) -> set[Resource]:
    """Block frames to other containers of the network, except those of ``icc_allow``.

    The kernel's isolated bridge ports allow no exceptions.  With br_netfilter they also block
    packets of one container to a published port of another: the translated frame is bridged then,
    from an isolated port to an isolated port.
    """
    allowed = chosen[ENDPOINT_ICC_ALLOW]
    pairs = {
        Reach(source=one, destination=other)
        for own in endpoint.interfaces
        for address in allowed
        if own.version == address.version
        for one, other in ((own.ip, address), (address, own.ip))
    }
    return {LinkRole(link=port, role=Role.SEPARATE), *pairs}
