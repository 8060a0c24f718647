"""Every kind of thing the host can hold for us.

Each is a value: a resource is equal to another if the host would look the same; its ``key`` says
which thing on the host it is, whatever that thing looks like now.
"""

from typing import Final

from plugin.model.addresses import Address, HostRoute
from plugin.model.links import Bridge, Dummy, Hairpin, HandedOver, Shim, Veth, Vlan
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.rules import Element
from plugin.model.shaping import IngressRedirect, RateLimit
from plugin.model.sysctls import RouteLocalnet, Sysctl

# Those whose elements go when the last network goes that wants them, as VLANs do.
_SHARED_SETS: Final = frozenset({"pn_echoes"})
# Those that two endpoints may want alike: each of them named the other.
_MUTUAL_SETS: Final = frozenset({"pn_pairs4", "pn_pairs6", "pn_allowed4", "pn_allowed6"})
LinkResource = Bridge | Dummy | Vlan | Shim | Veth | IngressRedirect | HandedOver
HostResource = (
    LinkResource
    | HostRoute
    | RateLimit
    | Hairpin
    | RouteLocalnet
    | Address
    | Sysctl
    | HostPort
    | ProxiedPort
)
Resource = HostResource | Element


def is_shared(resource: Resource) -> bool:
    """Whether several networks of one parent may want the very same."""
    if isinstance(resource, Element):
        return resource.container in _SHARED_SETS
    return isinstance(resource, Vlan)


def is_mutual(resource: Resource) -> bool:
    """Whether two endpoints of a network may want the very same."""
    if isinstance(resource, Element):
        return resource.container in _MUTUAL_SETS
    return isinstance(resource, RouteLocalnet)
