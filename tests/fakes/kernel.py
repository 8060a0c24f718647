"""A kernel in memory, with the refusals of the real one.

What the host itself has (links, settings, other people's ports) is in FakeHost and outlives
the plugin; the ports that the plugin holds are in FakeKernel and end with it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from ipaddress import IPv6Address

from plugin.errors import (
    AbsentAddressError,
    ForeignLinkError,
    KernelError,
    PortTakenError,
    RefusedError,
)
from plugin.model.addresses import Address, HostRoute
from plugin.model.ids import IfName
from plugin.model.links import (
    Bridge,
    Dummy,
    Hairpin,
    HandedOver,
    Ipvlan,
    IpvlanSetting,
    Macvlan,
    Shim,
    Veth,
    Vlan,
)
from plugin.model.network import IPAddress, IPNetwork, Protocol
from plugin.model.parents import ForeignBridges, HostLink
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.resources import HostResource, LinkResource
from plugin.model.shaping import IngressRedirect, RateLimit
from plugin.model.sysctls import RouteLocalnet, Sysctl
from plugin.model.tunnels import Announcement, FloodEntry, Vxlan, WireGuard, WireGuardPeer
from tests.fakes.faults import Faults
from tests.fakes.host import FakeHost, Link, addresses_of, parent_of

_EPHEMERAL = range(32768, 61000)


class FakeKernel:
    """One life of the plugin's kernel on a host."""

    def __init__(self, host: FakeHost | None = None, faults: Faults | None = None) -> None:
        self.host = host or FakeHost()
        self.ports: set[HostPort] = set()
        self.proxied: set[ProxiedPort] = set()
        self.forgotten: list[HostPort] = []
        self.ended: list[IPAddress] = []
        self.announced: list[Announcement] = []
        self._faults = faults or Faults()

    def ensure(
        self, resources: Sequence[HostResource], started: Callable[[HostResource], None]
    ) -> None:
        for resource in resources:
            started(resource)
            kind = type(resource).__name__
            self._faults.point(f"before {kind}", KernelError(f"{kind} refused"))
            self._ensure(resource)
            self._faults.point(f"after {kind}", KernelError(f"{kind} half made"))

    def rehearse(self, links: Sequence[HandedOver]) -> None:
        for link in links:
            self._ensure(link)
            self._remove(link)

    def remove(self, resources: Sequence[HostResource]) -> None:
        failures = []
        for resource in resources:
            try:
                kind = type(resource).__name__
                self._faults.point(f"remove {kind}", KernelError(f"{kind} stays"))
                self._remove(resource)
            except KernelError as error:
                failures.append(error)
        if failures:
            raise ExceptionGroup("not everything could be removed", failures)

    def read(self, resources: Iterable[HostResource]) -> frozenset[HostResource]:
        found = [self._read(resource) for resource in resources]
        return frozenset(resource for resource in found if resource is not None)

    def one_look(self) -> AbstractContextManager[None]:
        return nullcontext()

    def read_all(self) -> frozenset[HostResource]:
        routes = (each for link in self.host.links.values() for each in link.routes.values())
        localnets = {
            RouteLocalnet(ifname=name)
            for name, link in self.host.links.items()
            if link.localnet and link.resource
        }
        links = {each for each in self.host.ours if each.ifname not in self.host.used_vlans}
        floods = {
            FloodEntry(ifname=name, peer=peer)
            for name, link in self.host.links.items()
            for peer in link.peers
        }
        peers = {each for link in self.host.links.values() for each in link.encrypted.values()}
        return frozenset(links).union(routes, localnets, floods, peers)

    def missing_links(self, ifnames: Iterable[IfName]) -> frozenset[IfName]:
        return frozenset(name for name in ifnames if name not in self.host.links)

    def returned_links(self, ifnames: Iterable[IfName]) -> frozenset[IfName]:
        return frozenset(name for name in ifnames if name in self.host.links)

    def handed_over(self) -> frozenset[str]:
        ours = [link.resource for link in self.host.links.values() if link.resource]
        pairs = [each for each in ours if isinstance(each, Veth)]
        taken = {each.owner for each in pairs if each.peer in self.host.sandboxed}
        children = (link.resource for link in self.host.sandboxed.values() if link.resource)
        return frozenset(taken.union(each.owner for each in children))

    def ended_sandboxes(self, keys: Iterable[str]) -> frozenset[str]:
        return frozenset(self.host.ended_sandboxes.intersection(keys))

    def reserve(
        self, protocol: Protocol, addresses: Sequence[IPAddress], ports: range | None
    ) -> int:
        self._faults.point("reserve", KernelError("no socket"))
        for number in ports or _EPHEMERAL:
            wanted = {HostPort(protocol=protocol, address=a, port=number) for a in addresses}
            for port in wanted:
                self._check_address(port)
            if not any(self._is_taken(port) for port in wanted):
                self.ports |= wanted
                return number
        raise PortTakenError(addresses[0], (ports or _EPHEMERAL)[0])

    def release(self, ports: Iterable[HostPort]) -> None:
        self.ports -= set(ports)

    def forget_connections(self, ports: Iterable[HostPort]) -> None:
        self.forgotten += ports

    def end_connections(self, addresses: Collection[IPAddress], done: Callable[[], object]) -> None:
        self.ended += addresses
        done()

    def connections_ended(self, addresses: Collection[IPAddress] | None = None) -> None:
        """They end at once."""

    def foreign_bridges(self) -> ForeignBridges:
        docker = frozenset(name for name in self.host.links if name == "docker0")
        return ForeignBridges(docker=docker, others=frozenset())

    def firewalld_links(self, known: Iterable[IfName]) -> frozenset[IfName] | None:
        return None if self.host.zoned is None else frozenset(self.host.zoned)

    def may_drop_forwarded(self, version: int) -> bool:
        return version in self.host.filtered

    def host_links(self, ifnames: Iterable[IfName]) -> Mapping[IfName, HostLink]:
        there = [name for name in ifnames if name in self.host.links]
        return {name: self.host.parents.get(name) or self._host_link(name) for name in there}

    def _host_link(self, ifname: IfName) -> HostLink:
        resource = self.host.links[ifname].resource
        link = HostLink(ifname=ifname, ours=resource is not None)
        if isinstance(resource, Vlan):
            link = replace(link, lower=resource.parent, vlan=resource.number)
        return link

    def links_with(self, addresses: Iterable[IPAddress]) -> Mapping[IPAddress, HostLink]:
        found: dict[IPAddress, HostLink] = {}
        for name, link in self.host.parents.items():
            there = {*link.addresses, *addresses_of(self.host.links[name])}
            found |= dict.fromkeys({each.ip for each in there}.intersection(addresses), link)
        return found

    def announce(self, announcement: Announcement) -> None:
        self._faults.point("announce", KernelError("no socket"))
        self.announced.append(announcement)

    def ipvlan_settings(self, parent: IfName) -> frozenset[IpvlanSetting]:
        return frozenset(self.host.foreign_ipvlan.get(parent, ()))

    def mtu(self, parent: IfName | None) -> int:
        return self.host.mtu

    def has_ipv6(self) -> bool:
        return True

    def engine_sockets(self) -> frozenset[str]:
        return self.host.engine_sockets

    def occupied(self) -> frozenset[IPNetwork]:
        return frozenset(self.host.routes)

    def _ensure(self, resource: HostResource) -> None:
        match resource:
            case (
                Bridge()
                | Veth()
                | IngressRedirect()
                | Dummy()
                | Vlan()
                | Macvlan()
                | Ipvlan()
                | Shim()
                | Vxlan()
                | WireGuard()
            ):
                self._ensure_link(resource)
            case HostRoute():
                self._ensure_route(resource)
            case HostPort() | ProxiedPort():
                self._ensure_port(resource)
            case (
                RateLimit()
                | Hairpin()
                | RouteLocalnet()
                | Address()
                | FloodEntry()
                | WireGuardPeer()
            ):
                self._put_on_link(self._link(resource.ifname), resource)
            case Sysctl():
                self._set(resource)

    def _put_on_link(
        self,
        link: Link,
        resource: RateLimit | Hairpin | RouteLocalnet | Address | FloodEntry | WireGuardPeer,
    ) -> None:
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
            case FloodEntry():
                link.peers.add(resource.peer)
            case WireGuardPeer():
                link.encrypted[resource.inner] = resource

    def _ensure_link(self, resource: LinkResource) -> None:
        if isinstance(resource, Bridge) and self._is_adopted(resource):
            return
        if isinstance(resource, IngressRedirect):
            self._link(resource.source)
        if isinstance(resource, Veth | Vxlan):
            self._link(resource.master)
        if type(resource) in self.host.lacks_links:
            raise RefusedError(f"this host's kernel makes no {type(resource).__name__} links")
        if isinstance(resource, HandedOver | Vlan | Shim):
            self._link(resource.parent)
        if isinstance(resource, Vlan) and self._is_same_vlan(resource):
            return
        self._refuse(resource)
        link = self._link_of_ours(resource)
        if (
            isinstance(resource, Shim)
            and isinstance(link.resource, Shim)
            and parent_of(link) != resource.parent
        ):
            self.host.delete_link(resource.ifname)  # it is made anew
            link = self._link_of_ours(resource)
        if isinstance(resource, Vxlan):
            self._renumber(link, resource)
        link.resource = resource
        if isinstance(resource, Veth):
            self.host.links.setdefault(resource.peer, Link())

    def _renumber(self, link: Link, vxlan: Vxlan) -> None:
        """A device with another number, port or own address is made anew, and has an empty table."""
        there = link.resource
        if isinstance(there, Vxlan) and replace(there, mtu=vxlan.mtu, master=vxlan.master) != vxlan:
            link.peers.clear()

    def _refuse(self, resource: LinkResource) -> None:
        """What a kernel has once only, it does not give twice."""
        if isinstance(resource, Vxlan):
            others = [each for each in self.host.ours if isinstance(each, Vxlan)]
            for there in others:
                same = (there.vni, there.port) == (resource.vni, resource.port)
                if same and there.ifname != resource.ifname:
                    raise RefusedError(
                        f"vni {resource.vni} on port {resource.port} is in use on this host by link "
                        f"{there.ifname}; choose another with -o vni=, the same on every host"
                    )
        if isinstance(resource, Ipvlan):
            for each in resource.addresses:
                if each.ip in self.host.used_addresses:
                    raise RefusedError(f"address {each.ip} is in use on {resource.parent}")
        if isinstance(resource, Vlan):
            for name, theirs in self.host.parents.items():
                if (theirs.lower, theirs.vlan) == (resource.parent, resource.number):
                    raise RefusedError(
                        f"VLAN {resource.number} of {resource.parent} is there already, as {name}; "
                        f"use parent={name}"
                    )

    def _ensure_route(self, route: HostRoute) -> None:
        link = self._link(route.ifname)
        if route.address in self.host.foreign_routes:
            raise RefusedError(f"a route to {route.address} exists and is not pynet's; remove it")
        if route.source not in self._addresses():
            raise AbsentAddressError(f"this host has lost {route.source}")
        link.routes[route.address] = route

    def _ensure_port(self, resource: HostPort | ProxiedPort) -> None:
        if isinstance(resource, ProxiedPort):
            if resource.held not in self.ports:
                raise KernelError(f"port {resource.held.port} is not held")
            self.proxied.add(resource)
        elif resource not in self.ports:
            self._check_address(resource)
            if self._is_taken(resource):
                raise PortTakenError(resource.address, resource.port)
            self.ports.add(resource)

    def _remove(self, resource: HostResource) -> None:
        match resource:
            case (
                Bridge()
                | Veth()
                | IngressRedirect()
                | Dummy()
                | Vlan()
                | Macvlan()
                | Ipvlan()
                | Shim()
                | Vxlan()
                | WireGuard()
            ):
                self._remove_link(resource)
            case (
                Hairpin()
                | RouteLocalnet()
                | Address()
                | HostRoute()
                | FloodEntry()
                | WireGuardPeer()
            ):
                self._remove_from_link(resource)
            case Sysctl() | RateLimit():
                pass
            case HostPort():
                self.ports.discard(resource)
            case ProxiedPort():
                self.proxied.discard(resource)

    def _remove_from_link(
        self,
        resource: Hairpin | RouteLocalnet | Address | HostRoute | FloodEntry | WireGuardPeer,
    ) -> None:
        link = self.host.links.get(resource.ifname)
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

    def _lose_source(self, source: IPAddress) -> None:
        """IPv4 routes go with it, those of IPv6 stay without one."""
        if source in self._addresses():
            return
        for link in self.host.links.values():
            lost = [each for each in link.routes.values() if each.source == source]
            for route in lost:
                if source.version == 4:
                    del link.routes[route.address]
                else:
                    link.routes[route.address] = replace(route, source=IPv6Address(0))

    def _remove_link(self, resource: LinkResource) -> None:
        link = self._ours(resource)
        if resource.ifname in self.host.used_vlans:
            return
        if link and link.resource and link.resource.owner == resource.owner:
            self.host.delete_link(resource.ifname)
        self.host.sandboxed.pop(resource.ifname, None)

    def _read(self, resource: HostResource) -> HostResource | None:
        match resource:
            case Sysctl():
                if self._is_others(resource):
                    return resource
                value = self._value(resource.name)
                return None if value is None else replace(resource, value=value)
            case HostPort():
                return resource if resource in self.ports else None
            case ProxiedPort():
                return resource if resource in self.proxied else None
            case _:
                link = self.host.links.get(resource.ifname)
                if link is None and isinstance(resource, HandedOver):
                    link = self.host.sandboxed.get(resource.ifname)
                return self._read_link(link, resource) if link else None

    def _read_link(
        self,
        link: Link,
        resource: LinkResource
        | HostRoute
        | RateLimit
        | Hairpin
        | RouteLocalnet
        | Address
        | FloodEntry
        | WireGuardPeer,
    ) -> HostResource | None:
        match resource:
            case RateLimit():
                return link.limit
            case Hairpin() | RouteLocalnet():
                on = link.hairpin if isinstance(resource, Hairpin) else link.localnet
                return resource if on else None
            case Address():
                return resource if resource.interface in addresses_of(link) else None
            case HostRoute() | FloodEntry() | WireGuardPeer():
                return _read_way(link, resource)
            case _:
                if self._is_foreign(resource):
                    return resource
                # A foreign link differs from any plan, for it has no mark.
                return link.resource or replace(resource, owner="")

    def _link(self, ifname: IfName) -> Link:
        if ifname not in self.host.links:
            raise KernelError(f"link {ifname} is not there")
        return self.host.links[ifname]

    def _is_foreign(self, resource: LinkResource) -> bool:
        """Somebody else's, and right as it is."""
        match resource:
            case Bridge():
                return self._is_adopted(resource)
            case Vlan():
                return self._is_same_vlan(resource)
            case _:
                return False

    def _is_adopted(self, bridge: Bridge) -> bool:
        link = self.host.links.get(bridge.ifname)
        return bool(bridge.adoptable and link and not link.resource and link.kind == "bridge")

    def _is_same_vlan(self, vlan: Vlan) -> bool:
        theirs = self.host.parents.get(vlan.ifname)
        if theirs is None or vlan.ifname not in self.host.links:
            return False
        return (theirs.lower, theirs.vlan) == (vlan.parent, vlan.number)

    def _link_of_ours(self, wanted: LinkResource) -> Link:
        link = self.host.links.setdefault(wanted.ifname, Link(resource=wanted))
        there = link.resource
        if there is None or type(there) is not type(wanted) or there.owner != wanted.owner:
            raise ForeignLinkError(
                f"a link named {wanted.ifname} exists and is not this network's; "
                f"remove it or choose another name"
            )
        return link

    def _ours(self, resource: HostResource) -> Link | None:
        if isinstance(resource, (Sysctl, HostPort, ProxiedPort)):
            return None
        link = self.host.links.get(resource.ifname)
        return link if link and link.resource else None

    def _is_others(self, sysctl: Sysctl) -> bool:
        link = self.host.links.get(sysctl.adopted) if sysctl.adopted else None
        return link is not None and link.resource is None

    def _set(self, sysctl: Sysctl) -> None:
        if self._is_others(sysctl):
            return
        if self._value(sysctl.name) is None:
            if sysctl.name.startswith("net/ipv6/"):
                return
            raise KernelError(f"this kernel has no setting {sysctl.name}")
        self.host.sysctls[sysctl.name] = sysctl.value

    def _value(self, name: str) -> str | None:
        parts = name.split("/")
        per_link = parts[2] == "conf" and parts[3] in self.host.links
        return self.host.sysctls.get(name, "0" if per_link else None)

    def _check_address(self, port: HostPort) -> None:
        if port.protocol in self.host.lacks:
            raise RefusedError(
                f"cannot publish a port of {port.protocol.text}: this host's kernel does not have "
                "it (Protocol not supported); load its module, or publish another protocol"
            )
        if not port.address.is_unspecified and port.address not in self._addresses():
            raise RefusedError(
                f"cannot publish on {port.address}:{port.port}: this host has no such address"
            )

    def _addresses(self) -> set[IPAddress]:
        known = {i.ip for link in self.host.links.values() for i in addresses_of(link)}
        known |= {i.ip for parent in self.host.parents.values() for i in parent.addresses}
        return known | self.host.addresses

    def _is_taken(self, port: HostPort) -> bool:
        return any(_overlap(port, other) for other in self.ports | self.host.listeners)


def _read_way(link: Link, way: HostRoute | FloodEntry | WireGuardPeer) -> HostResource | None:
    match way:
        case HostRoute():
            return link.routes.get(way.address)
        case WireGuardPeer():
            return link.encrypted.get(way.inner)
        case FloodEntry():
            return way if way.peer in link.peers else None


def _overlap(one: HostPort, other: HostPort) -> bool:
    if (one.protocol, one.port) != (other.protocol, other.port):
        return False
    if one.address.version != other.address.version:
        return False
    either = (one.address, other.address)
    return one.address == other.address or any(address.is_unspecified for address in either)
