"""Which kind of host object is explained by what: the kinds are those of the handlers' table."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from plugin.kernel.explained import host, links, tunnels
from plugin.model.addresses import Address, HostRoute
from plugin.model.commands import Command
from plugin.model.links import Bridge, Dummy, Hairpin, Ipvlan, Macvlan, Shim, Veth, Vlan
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.resources import HostResource
from plugin.model.shaping import IngressRedirect, RateLimit
from plugin.model.sysctls import RouteLocalnet, Sysctl
from plugin.model.tunnels import FloodEntry, Vxlan, WireGuard, WireGuardPeer

# Any, because each explains values of one kind only.
EXPLAINED: Final[Mapping[type, Callable[[Any], Iterator[Command]]]] = {
    Bridge: links.bridge,
    Dummy: links.dummy,
    Vlan: links.vlan,
    Shim: links.shim,
    Sysctl: host.sysctl,
    Address: host.address,
    Veth: links.veth,
    Macvlan: links.macvlan,
    Ipvlan: links.ipvlan,
    IngressRedirect: links.redirect,
    RateLimit: links.rate_limit,
    Hairpin: links.hairpin,
    WireGuard: tunnels.wireguard,
    WireGuardPeer: tunnels.wireguard_peer,
    Vxlan: tunnels.vxlan,
    FloodEntry: tunnels.flood_entry,
    RouteLocalnet: host.route_localnet,
    HostRoute: host.host_route,
    HostPort: host.host_port,
    ProxiedPort: host.proxied_port,
}


def commands_of(value: HostResource) -> Iterator[Command]:
    """What builds the object by hand, in order."""
    return EXPLAINED[type(value)](value)
