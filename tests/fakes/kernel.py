"""A kernel in memory, with the refusals of the real one.

What the host itself has (links, settings, ports of other programs) is in FakeHost and outlives
the plugin; the ports that the plugin holds are in FakePorts and end with it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from plugin.errors import KernelError, RefusedError
from plugin.model.ids import IfName
from plugin.model.links import HandedOver, IpvlanSetting, Veth, Vlan
from plugin.model.network import IPAddress, IPNetwork, Protocol, is_within
from plugin.model.parents import ForeignBridges, HostLink, Routed
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.resources import HostResource
from plugin.model.sysctls import Sysctl
from plugin.model.tunnels import Announcement
from tests.fakes.faults import Faults
from tests.fakes.host import FakeHost, addresses_of
from tests.fakes.links import FakeLinks
from tests.fakes.on_links import FakeOnLinks, OnLink
from tests.fakes.ports import FakePorts
from tests.fakes.sysctls import FakeSysctls


class FakeKernel:
    """One life of the plugin's kernel on a host."""

    def __init__(self, host: FakeHost | None = None, faults: Faults | None = None) -> None:
        self.host = host or FakeHost()
        self._links = FakeLinks(self.host)
        self._on_links = FakeOnLinks(self.host)
        self._sysctls = FakeSysctls(self.host)
        self._ports = FakePorts(self.host)
        self.ports = self._ports.held
        self.proxied = self._ports.proxied
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
        return self._links.read_all() | self._on_links.read_all()

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
        return self._ports.reserve(protocol, addresses, ports)

    def release(self, ports: Iterable[HostPort]) -> None:
        self.ports.difference_update(ports)

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

    def links_on(self, prefixes: Collection[IPNetwork]) -> tuple[HostLink, ...]:
        found = []
        for name, link in self.host.parents.items():
            there = {*link.addresses, *addresses_of(self.host.links[name])}
            lans = [each.network for each in there]
            if any(is_within(prefix, lan) for prefix in prefixes for lan in lans):
                found.append(replace(link, addresses=tuple(there)))
        return tuple(found)

    def key_to_tell(self, *, heard: bool) -> str:
        if self.host.key and not heard:
            raise RefusedError("option encrypted is true, and pynet has no secret")
        return self.host.key

    def host_name(self) -> str:
        return self.host.name

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

    def routed(self) -> tuple[Routed, ...]:
        return tuple(self.host.routed)

    def occupied(self) -> frozenset[IPNetwork]:
        return frozenset(self.host.routes)

    def _ensure(self, resource: HostResource) -> None:
        match resource:
            case HostPort() | ProxiedPort():
                self._ports.ensure(resource)
            case Sysctl():
                self._sysctls.ensure(resource)
            case _ if isinstance(resource, OnLink):
                self._on_links.ensure(resource)
            case _:
                self._links.ensure(resource)

    def _remove(self, resource: HostResource) -> None:
        match resource:
            case HostPort() | ProxiedPort():
                self._ports.remove(resource)
            case Sysctl():
                pass
            case _ if isinstance(resource, OnLink):
                self._on_links.remove(resource)
            case _:
                self._links.remove(resource)

    def _read(self, resource: HostResource) -> HostResource | None:
        match resource:
            case HostPort() | ProxiedPort():
                return self._ports.read(resource)
            case Sysctl():
                return self._sysctls.read(resource)
            case _ if isinstance(resource, OnLink):
                return self._on_links.read(resource)
            case _:
                return self._links.read(resource)
