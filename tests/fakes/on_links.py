"""What a kernel in memory has on its links: addresses, routes, entries, flags and rates."""

from dataclasses import replace
from ipaddress import IPv6Address

from plugin.errors import AbsentAddressError, RefusedError
from plugin.model.addresses import Address, HostRoute
from plugin.model.links import Hairpin
from plugin.model.network import IPAddress
from plugin.model.resources import HostResource
from plugin.model.shaping import RateLimit
from plugin.model.sysctls import RouteLocalnet
from plugin.model.tunnels import FloodEntry, WireGuardPeer
from tests.fakes.host import FakeHost, Link, addresses_of

OnLink = RateLimit | Hairpin | RouteLocalnet | Address | HostRoute | FloodEntry | WireGuardPeer


class FakeOnLinks:
    """They are there as long as their link is."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host

    def ensure(self, resource: OnLink) -> None:
        link = self._host.link(resource.ifname)
        match resource:
            case RateLimit():
                link.limit = resource
            case Hairpin():
                link.hairpin = True
            case RouteLocalnet():
                link.localnet = True
            case Address():
                if resource.interface not in link.foreign_addresses:
                    link.addresses.add(resource.interface)
            case HostRoute():
                self._ensure_route(link, resource)
            case FloodEntry():
                link.peers.add(resource.peer)
            case WireGuardPeer():
                link.encrypted[resource.inner] = resource

    def _ensure_route(self, link: Link, route: HostRoute) -> None:
        if route.address in self._host.foreign_routes:
            raise RefusedError(f"a route to {route.address} exists and is not pynet's; remove it")
        if route.source not in self._host.all_addresses():
            raise AbsentAddressError(f"this host has lost {route.source}")
        link.routes[route.address] = route

    def remove(self, resource: OnLink) -> None:
        link = self._host.links.get(resource.ifname)
        if link is None:
            return
        match resource:
            case Hairpin() | RouteLocalnet() if not link.resource:
                pass
            case Hairpin():
                link.hairpin = False
            case RouteLocalnet():
                link.localnet = False
            case Address():
                link.addresses.discard(resource.interface)
                self._lose_source(resource.interface.ip)
            case HostRoute():
                link.routes.pop(resource.address, None)
            case FloodEntry():
                link.peers.discard(resource.peer)
            case WireGuardPeer():
                link.encrypted.pop(resource.inner, None)
            case RateLimit():
                pass

    def _lose_source(self, source: IPAddress) -> None:
        """IPv4 routes go with it, those of IPv6 stay without one."""
        if source in self._host.all_addresses():
            return
        for link in self._host.links.values():
            lost = [each for each in link.routes.values() if each.source == source]
            for route in lost:
                if source.version == 4:
                    del link.routes[route.address]
                else:
                    link.routes[route.address] = replace(route, source=IPv6Address(0))

    def read(self, resource: OnLink) -> HostResource | None:
        link = self._host.links.get(resource.ifname)
        return _read(link, resource) if link else None

    def read_all(self) -> frozenset[HostResource]:
        """What a sweep would remove: not what goes with its link, nor what is on foreign links."""
        found: set[HostResource] = set()
        for name, link in self._host.links.items():
            found |= {*link.routes.values(), *link.encrypted.values()}
            found |= {FloodEntry(ifname=name, peer=peer) for peer in link.peers}
            if link.localnet and link.resource:
                found.add(RouteLocalnet(ifname=name))
        return frozenset(found)


def _read(link: Link, resource: OnLink) -> HostResource | None:
    match resource:
        case RateLimit():
            return link.limit
        case HostRoute():
            return link.routes.get(resource.address)
        case WireGuardPeer():
            return link.encrypted.get(resource.inner)
        case _:
            return resource if _is_there(link, resource) else None


def _is_there(link: Link, resource: Hairpin | RouteLocalnet | Address | FloodEntry) -> bool:
    match resource:
        case Hairpin():
            return link.hairpin
        case RouteLocalnet():
            return link.localnet
        case Address():
            return resource.interface in addresses_of(link)
        case FloodEntry():
            return resource.peer in link.peers
