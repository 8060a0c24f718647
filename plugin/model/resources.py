"""Every kind of object that the host can hold for pynet.

Each is a value: two resources are equal if the host would look the same.  The ``key`` identifies
the object on the host, even if its properties differ now.
"""

from plugin.model.addresses import Address, HostRoute
from plugin.model.facts import Fact
from plugin.model.links import Bridge, Dummy, Hairpin, HandedOver, Shim, Veth, Vlan
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.shaping import IngressRedirect, RateLimit
from plugin.model.sysctls import RouteLocalnet, Sysctl
from plugin.model.tunnels import FloodEntry, Vxlan, WireGuard, WireGuardPeer

LinkResource = (
    Bridge | Dummy | Vlan | Shim | Veth | IngressRedirect | Vxlan | WireGuard | HandedOver
)
HostResource = (
    LinkResource
    | FloodEntry
    | WireGuardPeer
    | HostRoute
    | RateLimit
    | Hairpin
    | RouteLocalnet
    | Address
    | Sysctl
    | HostPort
    | ProxiedPort
)
Resource = HostResource | Fact


def is_shared(resource: Resource) -> bool:
    """Whether several networks may want the very same: of one parent, or among the same hosts."""
    if isinstance(resource, Fact):
        return resource.shared
    return isinstance(resource, Vlan | WireGuard | WireGuardPeer)


def is_mutual(resource: Resource) -> bool:
    """Whether two endpoints of a network may want the very same."""
    return resource.mutual if isinstance(resource, Fact) else isinstance(resource, RouteLocalnet)
