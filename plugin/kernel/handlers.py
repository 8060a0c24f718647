"""Which kind of host object has which handler.

The order in which kinds are made is ``plan.ORDER``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugin.kernel.handler import Handler
from plugin.kernel.host_ports import HostPortHandler, HostPorts
from plugin.kernel.links.addresses import AddressHandler
from plugin.kernel.links.bridge import BridgeHandler
from plugin.kernel.links.bridge_ports import HairpinHandler, VethHandler
from plugin.kernel.links.dummy import DummyHandler
from plugin.kernel.links.flood_entries import FloodEntryHandler
from plugin.kernel.links.host_routes import HostRouteHandler
from plugin.kernel.links.ipvlan import IpvlanHandler
from plugin.kernel.links.macvlan import MacvlanHandler
from plugin.kernel.links.reaper import Reaper
from plugin.kernel.links.shaping import IngressRedirectHandler, RateLimitHandler
from plugin.kernel.links.shim import ShimHandler
from plugin.kernel.links.sysctls import RouteLocalnetHandler, SysctlHandler
from plugin.kernel.links.vlan import VlanHandler
from plugin.kernel.links.vxlan import VxlanHandler
from plugin.kernel.links.wireguard import Devices, WireGuardHandler, WireGuardPeerHandler
from plugin.kernel.proxy.proxy import ProxiedPortHandler, Proxy
from plugin.kernel.wireguard.keys import Keys
from plugin.model.addresses import Address, HostRoute
from plugin.model.links import Bridge, Dummy, Hairpin, Ipvlan, Macvlan, Shim, Veth, Vlan
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.shaping import IngressRedirect, RateLimit
from plugin.model.sysctls import RouteLocalnet, Sysctl
from plugin.model.tunnels import FloodEntry, Vxlan, WireGuard, WireGuardPeer


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What handlers share."""

    sysctl_root: Path
    reaper: Reaper
    ports: HostPorts
    proxy: Proxy
    keys: Keys


def handlers(parts: Parts) -> Mapping[type, Handler[Any]]:
    """The table; Any, because each handler takes values of one kind only."""
    reaper, root = parts.reaper, parts.sysctl_root
    devices = Devices()
    return {
        Bridge: BridgeHandler(reaper),
        Dummy: DummyHandler(reaper),
        Vlan: VlanHandler(reaper),
        Shim: ShimHandler(reaper, root),
        Sysctl: SysctlHandler(root),
        Address: AddressHandler(),
        Veth: VethHandler(reaper),
        Macvlan: MacvlanHandler(reaper),
        Ipvlan: IpvlanHandler(reaper),
        IngressRedirect: IngressRedirectHandler(reaper),
        RateLimit: RateLimitHandler(),
        Hairpin: HairpinHandler(),
        WireGuard: WireGuardHandler(reaper, root, parts.keys, devices),
        WireGuardPeer: WireGuardPeerHandler(parts.keys, devices),
        Vxlan: VxlanHandler(reaper, root),
        FloodEntry: FloodEntryHandler(),
        RouteLocalnet: RouteLocalnetHandler(root),
        HostRoute: HostRouteHandler(),
        HostPort: HostPortHandler(parts.ports),
        ProxiedPort: ProxiedPortHandler(parts.proxy, parts.ports.socket_of),
    }
