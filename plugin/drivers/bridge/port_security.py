"""Guards at a container's port: who may talk to it, and as whom it may speak.

They are lookups in the bridge family, where a frame can be stopped before anybody on the
bridge sees it, and need no br_netfilter.
"""

from plugin.drivers.bridge.options import (
    ENDPOINT_GATEWAY,
    ENDPOINT_ICC_ALLOW,
    ENDPOINT_SPOOF_GUARD,
    ICC,
    SPOOF_GUARD,
)
from plugin.drivers.bridge.parsed import BridgeOptions
from plugin.drivers.options import Values
from plugin.model.ids import IfName, MacAddress, link_local, port_name
from plugin.model.network import Endpoint
from plugin.model.resources import Resource
from plugin.model.rules import Element


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
        match = (f'"{options.bridge}"', endpoint.mac_address)
        resources.add(Element(container="pn_gateways", match=match))
    elif not options[ICC]:
        resources |= _separation(port, endpoint, chosen)
    return frozenset(resources)


def _spoofing(port: IfName, endpoint: Endpoint) -> set[Resource]:
    name = f'"{port}"'
    resources: set[Resource] = {
        Element(container="pn_guarded", match=(name,)),
        Element(container="pn_guard_mac", match=(name, endpoint.mac_address)),
        Element(container="pn_guard_lladdr6", match=(name, _number(endpoint.mac_address))),
    }
    if endpoint.ipv4 is not None:
        resources.add(Element(container="pn_guard4", match=(name, str(endpoint.ipv4.ip))))
    addresses6 = [link_local(endpoint.mac_address)]
    if endpoint.ipv6 is not None:
        addresses6.append(endpoint.ipv6.ip)
    for address in addresses6:
        resources.add(Element(container="pn_guard6", match=(name, str(address))))
        resources.add(Element(container="pn_guard_target6", match=(name, hex(int(address)))))
    return resources


def _number(mac_address: MacAddress) -> str:
    """As nft writes what it has no name for."""
    return hex(int(mac_address.replace(":", ""), 16))


def _separation(port: IfName, endpoint: Endpoint, chosen: Values) -> set[Resource]:
    """No frames to other containers of the network, but for those it may talk to.

    The kernel's own way, isolated bridge ports, knows no exceptions, and where br_netfilter is on
    it also stops what one container sends to a published port of another: the translated frame
    is bridged then, from an isolated port to an isolated port.
    """
    allowed = chosen[ENDPOINT_ICC_ALLOW]
    pairs = {
        Element(container=f"{container}{address.version}", match=(str(one), str(other)))
        for own in endpoint.interfaces
        for address in allowed
        if own.version == address.version
        for one, other in ((own.ip, address), (address, own.ip))
        for container in ("pn_pairs", "pn_allowed")  # on the bridge, and by way of the host
    }
    return {Element(container="pn_separate", match=(f'"{port}"',)), *pairs}
