"""The kernel of this host, in the network namespace the process runs in."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from plugin.errors import KernelError, RefusedError
from plugin.kernel import facts
from plugin.kernel.connections import Connections
from plugin.kernel.host_ports import HostPorts
from plugin.kernel.links import (
    addresses,
    docker_bridges,
    host_links,
    host_routes,
    owned_links,
    ownership,
    sandboxes,
    shaping,
    shims,
    stacked,
    stacking,
    sysctls,
)
from plugin.kernel.links.host_routes import HostRoutes
from plugin.kernel.links.reaper import Reaper
from plugin.kernel.links.sandboxes import Sandboxes
from plugin.kernel.netlink import conntrack, nf_tables
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.kernel.proxy.proxy import Proxy
from plugin.model.ids import IfName
from plugin.model.network import IPAddress, IPNetwork, Protocol
from plugin.model.parents import ForeignBridges, HostLink
from plugin.model.resources import (
    Address,
    Bridge,
    Detour,
    Dummy,
    Hairpin,
    HandedOver,
    HostPort,
    HostResource,
    HostRoute,
    Ipvlan,
    IpvlanSetting,
    Limit,
    LinkResource,
    Macvlan,
    ProxiedPort,
    RouteLocalnet,
    Shim,
    Sysctl,
    Veth,
    Vlan,
)


class LinuxKernel:
    """Built after the last fork: it has a thread and holds sockets."""

    def __init__(self, sysctl_root: Path = sysctls.ROOT, proxy: Proxy | None = None) -> None:
        self._sysctl_root = sysctl_root
        self._ports = HostPorts()
        self._proxy = proxy or Proxy()
        self._connections = Connections()
        self._reaper = Reaper()
        self._reaper.kick()  # an earlier process may have been killed before it got to them

    def ensure(
        self, resources: Sequence[HostResource], started: Callable[[HostResource], None]
    ) -> None:
        if not resources:
            return
        with conversation() as rtnl:
            for resource in resources:
                started(resource)
                self._ensure(rtnl, resource)

    def rehearse(self, links: Sequence[HandedOver]) -> None:
        try:
            self.ensure(links, lambda _: None)
        finally:
            self.remove(links)
            self._reaper.reap()

    def remove(self, resources: Sequence[HostResource]) -> None:
        if not resources:
            return
        failures = []
        with conversation() as rtnl:
            for resource in resources:
                try:
                    self._remove(rtnl, resource)
                except RtnlError as error:
                    # The end of a sandbox takes links along, also while we look at them.
                    if not error.is_gone:
                        failures.append(KernelError(f"{resource.key}: {error}"))
                except KernelError as error:
                    failures.append(error)
        if failures:
            raise ExceptionGroup("not everything could be removed", failures)

    def read(self, resources: Iterable[HostResource]) -> frozenset[HostResource]:
        with conversation() as rtnl:
            looks = _Looks(rtnl, Sandboxes(rtnl), HostRoutes(rtnl))
            found = [self._read(looks, resource) for resource in resources]
        return frozenset(resource for resource in found if resource is not None)

    def one_look(self) -> AbstractContextManager[None]:
        return sandboxes.one_look()

    def read_marked(self) -> frozenset[LinkResource | HostRoute | RouteLocalnet]:
        with conversation() as rtnl:
            own = owned_links.read_marked(rtnl)
            return own.union(HostRoutes(rtnl).all(), owned_links.localnets(own, self._sysctl_root))

    def missing_links(self, ifnames: Iterable[IfName]) -> frozenset[IfName]:
        with conversation() as rtnl:
            return frozenset(name for name in ifnames if rtnl.link(name) is None)

    def ended_sandboxes(self, keys: Iterable[str]) -> frozenset[str]:
        # The managed plugin has no such directory; elsewhere the engine takes away what has ended.
        paths = {key: Path(key) for key in keys}
        return frozenset(
            key for key, path in paths.items() if path.parent.is_dir() and not path.exists()
        )

    def reserve(
        self, protocol: Protocol, addresses: Sequence[IPAddress], ports: range | None
    ) -> int:
        return self._ports.reserve(protocol, addresses, ports)

    def release(self, ports: Iterable[HostPort]) -> None:
        for port in ports:
            self._ports.remove(port)

    def forget_connections(self, ports: Iterable[HostPort]) -> None:
        conntrack.forget(ports)

    def end_connections(self, addresses: Collection[IPAddress], done: Callable[[], object]) -> None:
        self._connections.end(addresses, done)

    def connections_ended(self, addresses: Collection[IPAddress] | None = None) -> None:
        self._connections.wait(addresses)

    def foreign_bridges(self) -> ForeignBridges:
        with conversation() as rtnl:
            return docker_bridges.read(rtnl)

    def firewalld_links(self, known: Iterable[IfName]) -> frozenset[IfName] | None:
        return nf_tables.firewalld_links(known)

    def may_drop_forwarded(self, version: int) -> bool:
        return nf_tables.may_drop_forwarded(version)

    def host_links(self, ifnames: Iterable[IfName]) -> Mapping[IfName, HostLink]:
        with conversation() as rtnl:
            return host_links.read(rtnl, ifnames)

    def ipvlan_settings(self, parent: IfName) -> frozenset[IpvlanSetting]:
        with conversation() as rtnl:
            link = rtnl.link(parent)
            return stacking.ipvlan_settings(rtnl, link.index) if link else frozenset()

    def mtu(self, parent: IfName | None) -> int:
        return facts.mtu(parent)

    def has_ipv6(self) -> bool:
        return facts.has_ipv6()

    def occupied(self) -> frozenset[IPNetwork]:
        return facts.routes() | facts.resolvers()

    def settle(self) -> None:
        """Return when every link that was removed is gone."""
        self._reaper.reap()

    def close(self) -> None:
        """Let go of ports and delete doomed links; what networks need stays."""
        self._reaper.stop()
        self._connections.stop()
        self._proxy.close()
        self._ports.close()

    def _ensure(self, rtnl: Rtnl, resource: HostResource) -> None:
        match resource:
            case Bridge() | Veth() | Macvlan() | Ipvlan() | Dummy() | Vlan() | Shim():
                self._ensure_link(rtnl, resource)
            case HostRoute():
                host_routes.ensure_route(rtnl, resource)
            case Detour():
                shaping.ensure_detour(rtnl, resource)
            case Limit():
                shaping.ensure_limit(resource)
            case Hairpin():
                ownership.ensure_hairpin(rtnl, resource)
            case Address():
                addresses.ensure(rtnl, resource)
            case Sysctl() | RouteLocalnet():
                _ensure_setting(rtnl, resource, self._sysctl_root)
            case HostPort():
                self._ports.ensure(resource)
            case ProxiedPort():
                self._proxy.ensure(resource, self._ports.socket_of(resource.held))

    def _ensure_link(
        self, rtnl: Rtnl, resource: Bridge | Veth | HandedOver | Dummy | Vlan | Shim
    ) -> None:
        """Make the link, past one that was removed a moment ago and is not gone yet.

        It may have the name, or keep its parent in its kind (macvlan or ipvlan) or its mode
        (passthru admits no other).
        """
        link = rtnl.link(resource.ifname)
        if link is not None and ownership.is_doomed(link):
            self._reaper.reap()
        deletions = self._reaper.deletions
        try:
            _ensure_link(rtnl, resource, self._sysctl_root)
        except RefusedError:
            self._reaper.reap()
            # What was in the way may have gone since, by the reaper's own thread.
            if self._reaper.deletions == deletions:
                raise
            _ensure_link(rtnl, resource, self._sysctl_root)

    def _remove(self, rtnl: Rtnl, resource: HostResource) -> None:
        match resource:
            case Bridge() | Veth() | Detour() | Macvlan() | Ipvlan() | Dummy() | Vlan() | Shim():
                self._remove_link(rtnl, resource)
            case HostRoute():
                host_routes.remove_route(rtnl, resource)
            case Hairpin():
                ownership.remove_hairpin(rtnl, resource)
            case RouteLocalnet():
                sysctls.remove_route_localnet(rtnl, resource, self._sysctl_root)
            case Address():
                addresses.remove(rtnl, resource)
            case Sysctl() | Limit():
                return  # the one is shared, the other goes with its link
            case HostPort():
                self._ports.remove(resource)
            case ProxiedPort():
                self._proxy.remove(resource)

    def _remove_link(self, rtnl: Rtnl, resource: LinkResource) -> None:
        if isinstance(resource, Vlan) and stacked.is_needed(rtnl, resource):
            return  # the kernel would take along what stands on it
        if ownership.doom(rtnl, resource):
            self._reaper.kick(patiently=isinstance(resource, Veth | Detour | HandedOver))
        elif isinstance(resource, HandedOver) and rtnl.link(resource.ifname) is None:
            Sandboxes(rtnl).delete(resource)  # the engine did not hand it back

    def _read(self, looks: "_Looks", resource: HostResource) -> HostResource | None:
        rtnl = looks.rtnl
        match resource:
            case Bridge() | Veth() | Dummy() | Vlan() | Shim():
                return _read_link(rtnl, resource, self._sysctl_root)
            case Macvlan() | Ipvlan() | HostRoute():
                return looks.read(resource)
            case Detour() | Limit():
                return shaping.read(rtnl, resource)
            case Hairpin():
                return ownership.read_hairpin(rtnl, resource)
            case Address():
                return addresses.read(rtnl, resource)
            case RouteLocalnet() | Sysctl() | HostPort() | ProxiedPort():
                return self._read_own(rtnl, resource)

    def _read_own(
        self, rtnl: Rtnl, resource: RouteLocalnet | Sysctl | HostPort | ProxiedPort
    ) -> HostResource | None:
        """What needs no netlink to be seen, but for a link that may be somebody else's."""
        match resource:
            case RouteLocalnet():
                return sysctls.read_route_localnet(resource.ifname, self._sysctl_root)
            case Sysctl():
                return _read_setting(rtnl, resource, self._sysctl_root)
            case HostPort():
                return resource if self._ports.held([resource]) else None
            case ProxiedPort():
                return resource if self._proxy.carried([resource]) else None


@dataclass(frozen=True)
class _Looks:
    """What one reading has seen so far."""

    rtnl: Rtnl
    sandboxes: Sandboxes
    routes: HostRoutes

    def read(self, resource: HandedOver | HostRoute) -> HostResource | None:
        """What takes a look at more than itself."""
        if isinstance(resource, HostRoute):
            return self.routes.read(resource)
        found = stacked.read_handed_over(self.rtnl, resource)
        return found or (resource if self.sandboxes.has(resource) else None)


def _ensure_setting(rtnl: Rtnl, resource: Sysctl | RouteLocalnet, root: Path) -> None:
    if isinstance(resource, RouteLocalnet):
        sysctls.ensure_route_localnet(resource, root)
    elif not _is_others(rtnl, resource):
        sysctls.ensure(resource, root)


def _read_setting(rtnl: Rtnl, sysctl: Sysctl, root: Path) -> Sysctl | None:
    return sysctl if _is_others(rtnl, sysctl) else sysctls.read(sysctl, root)


def _is_others(rtnl: Rtnl, sysctl: Sysctl) -> bool:
    """Whether it is a setting of a link that somebody else made."""
    if sysctl.adopted is None:
        return False
    link = rtnl.link(sysctl.adopted)
    return link is not None and not ownership.is_ours(link)


def _ensure_link(
    rtnl: Rtnl, resource: Bridge | Veth | HandedOver | Dummy | Vlan | Shim, sysctl_root: Path
) -> None:
    match resource:
        case Bridge():
            ownership.ensure_bridge(rtnl, resource)
        case Veth():
            ownership.ensure_veth(rtnl, resource)
        case Macvlan():
            stacked.ensure_macvlan(rtnl, resource)
        case Ipvlan():
            stacked.ensure_ipvlan(rtnl, resource)
        case Vlan():
            stacked.ensure_vlan(rtnl, resource)
        case Dummy():
            stacked.ensure_dummy(rtnl, resource)
        case Shim():
            shims.ensure_shim(rtnl, resource, sysctl_root)


def _read_link(
    rtnl: Rtnl, resource: Bridge | Veth | Dummy | Vlan | Shim, sysctl_root: Path
) -> HostResource | None:
    match resource:
        case Bridge():
            return ownership.read_bridge(rtnl, resource)
        case Veth():
            return ownership.read_veth(rtnl, resource)
        case Dummy():
            return stacked.read_dummy(rtnl, resource)
        case Vlan():
            return stacked.read_vlan(rtnl, resource)
        case Shim():
            return shims.read_shim(rtnl, resource, sysctl_root)
