"""The kernel of this host, in the network namespace the process runs in."""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from plugin.kernel import announcements, engine_sockets, host_network
from plugin.kernel.connection_reaper import ConnectionReaper
from plugin.kernel.handler import Session
from plugin.kernel.handlers import Parts, handlers
from plugin.kernel.host_ports import HostPorts
from plugin.kernel.links import (
    docker_bridges,
    host_links,
    ownership,
    sandboxes,
    seen_links,
    stacking,
    sysctls,
)
from plugin.kernel.links.reaper import Reaper
from plugin.kernel.netlink import nf_tables
from plugin.kernel.netlink.conntrack import Connections
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.kernel.proxy.proxy import Proxy
from plugin.kernel.read_cache import ReadCache
from plugin.kernel.wireguard.keys import Keys
from plugin.model.ids import IfName
from plugin.model.links import HandedOver, IpvlanSetting
from plugin.model.network import IPAddress, IPNetwork, Protocol
from plugin.model.parents import ForeignBridges, HostLink, Routed
from plugin.model.ports import HostPort
from plugin.model.resources import HostResource
from plugin.model.tunnels import Announcement


class LinuxKernel:
    """Built after the last fork: it has a thread and holds sockets."""

    def __init__(
        self,
        sysctl_root: Path = sysctls.ROOT,
        proxy: Proxy | None = None,
        keys: Keys | None = None,
    ) -> None:
        self._ports = HostPorts()
        self._keys = keys or Keys()
        self._proxy = proxy or Proxy()
        self._connections = Connections()
        self._connection_reaper = ConnectionReaper()
        self._reaper = Reaper()
        self._handlers = handlers(
            Parts(
                sysctl_root=sysctl_root,
                reaper=self._reaper,
                ports=self._ports,
                proxy=self._proxy,
                keys=self._keys,
            )
        )
        self._cache = ReadCache(self._handlers)
        self._reaper.kick()  # an earlier process may have been killed before it got to them

    def ensure(
        self, resources: Sequence[HostResource], started: Callable[[HostResource], None]
    ) -> None:
        if not resources:
            return
        seen_links.forget()
        with conversation() as rtnl:
            session = Session(rtnl)
            for kind, values in groupby(resources, type):
                self._handlers[kind].ensure(session, _announced(values, started))

    def rehearse(self, links: Sequence[HandedOver]) -> None:
        try:
            self.ensure(links, lambda _: None)
        finally:
            self.remove(links)
            self._reaper.reap()

    def remove(self, resources: Sequence[HostResource]) -> None:
        if not resources:
            return
        seen_links.forget()
        failures: list[Exception] = []
        with conversation() as rtnl:
            session = Session(rtnl)
            for kind, values in groupby(resources, type):
                try:
                    self._handlers[kind].remove(session, values)
                except ExceptionGroup as errors:
                    failures += errors.exceptions
        if failures:
            raise ExceptionGroup("not everything could be removed", failures)

    def read(self, resources: Iterable[HostResource]) -> frozenset[HostResource]:
        wanted = frozenset(resources)
        before = seen_links.taken()
        if before is not None and wanted <= before.right:
            return wanted  # nearly always at a tick, and a conversation takes longer than the rest
        with conversation() as rtnl:
            look = self._look(rtnl)
            if look is None:
                return self._read(Session(rtnl), wanted)
            unsure = wanted - look.right
            if unsure:
                found = unsure & self._read(_session(rtnl, look), unsure)
                look.right |= found
                self._cache.learn(look.states or {}, found)
                unsure -= found
            return (wanted - unsure) | self._read(Session(rtnl), unsure)

    def _look(self, rtnl: Rtnl) -> seen_links.Look | None:
        """The one look of the block, with what is still right since the block before; None outside."""
        look = seen_links.look(rtnl)
        if look is not None and look.states is None:
            look.states = self._cache.states(_session(rtnl, look))
            look.right |= self._cache.right(look.states)
        return look

    def _read(self, session: Session, resources: Iterable[HostResource]) -> frozenset[HostResource]:
        wanted: defaultdict[type, list[HostResource]] = defaultdict(list)
        for resource in resources:
            wanted[type(resource)].append(resource)
        return frozenset(
            found
            for kind, values in wanted.items()
            for found in self._handlers[kind].read(session, values)
        )

    @contextmanager
    def one_look(self) -> Iterator[None]:
        with sandboxes.one_look(), seen_links.one_list():
            yield

    def read_all(self) -> frozenset[HostResource]:
        with conversation() as rtnl:
            look = self._look(rtnl)
            session = _session(rtnl, look) if look else Session(rtnl)
            states = look.states or {} if look else {}
            return frozenset().union(
                *(self._cache.all_of(kind, session, states) for kind in self._handlers)
            )

    def missing_links(self, ifnames: Iterable[IfName]) -> frozenset[IfName]:
        with conversation() as rtnl:
            return frozenset(name for name in ifnames if rtnl.link(name) is None)

    def returned_links(self, ifnames: Iterable[IfName]) -> frozenset[IfName]:
        wanted = frozenset(ifnames)
        before = seen_links.taken()
        if before is not None and before.links.keys().isdisjoint(wanted):
            return frozenset()
        with conversation() as rtnl:
            look = seen_links.look(rtnl)
            if look is None:
                return wanted.intersection(each.ifname for each in rtnl.links())
            # Not an intersection, which would go through all links for a few names.
            return frozenset(name for name in wanted if name in look.links and rtnl.link(name))

    def handed_over(self) -> frozenset[str]:
        with conversation() as rtnl:
            pairs = ownership.OwnedLinks(rtnl).of("veth")
            taken = (each for each in pairs if each.parent_nsid is not None)
            owners = (ownership.owner_of(each) or each.ifname for each in taken)
            return sandboxes.Sandboxes(rtnl).owners().union(owners)

    def ended_sandboxes(self, keys: Iterable[str]) -> frozenset[str]:
        # The managed plugin has no such directory; elsewhere the engine deletes the files of ended sandboxes.
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
        self._connections.forget(ports)

    def end_connections(self, addresses: Collection[IPAddress], done: Callable[[], object]) -> None:
        self._connection_reaper.end(addresses, done)

    def connections_ended(self, addresses: Collection[IPAddress] | None = None) -> None:
        self._connection_reaper.wait(addresses)

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

    def links_with(self, addresses: Iterable[IPAddress]) -> Mapping[IPAddress, HostLink]:
        with conversation() as rtnl:
            return host_links.read_with(rtnl, addresses)

    def links_on(self, prefixes: Collection[IPNetwork]) -> tuple[HostLink, ...]:
        with conversation() as rtnl:
            return host_links.read_on(rtnl, prefixes)

    def key_to_tell(self, *, heard: bool) -> str:
        return self._keys.to_tell(heard=heard)

    def host_name(self) -> str:
        return os.uname().nodename

    def announce(self, announcement: Announcement) -> None:
        announcements.announce(announcement)

    def ipvlan_settings(self, parent: IfName) -> frozenset[IpvlanSetting]:
        with conversation() as rtnl:
            link = rtnl.link(parent)
            return stacking.ipvlan_settings(rtnl, link.index) if link else frozenset()

    def mtu(self, parent: IfName | None) -> int:
        return host_network.mtu(parent)

    def has_ipv6(self) -> bool:
        return host_network.has_ipv6()

    def engine_sockets(self) -> frozenset[str]:
        return engine_sockets.engine_sockets()

    def routed(self) -> tuple[Routed, ...]:
        return host_network.routed()

    def occupied(self) -> frozenset[IPNetwork]:
        return host_network.routes() | host_network.resolvers()

    def settle(self) -> None:
        """Return when every link that was removed is gone."""
        self._reaper.reap()

    def rest(self) -> None:
        """End processes that have not been needed for long."""
        self._proxy.rest()

    def close(self) -> None:
        """Release ports, and delete links that are waiting for deletion; other objects stay."""
        self._reaper.stop()
        self._connection_reaper.stop()
        self._connections.close()
        self._proxy.close()
        self._ports.close()


def _session(rtnl: Rtnl, look: seen_links.Look) -> Session:
    """A conversation that takes links from the block's list."""
    return Session(rtnl, look.links, look.names, look.listed)


def _announced(
    resources: Iterable[HostResource], started: Callable[[HostResource], None]
) -> Iterator[HostResource]:
    """The same, each announced when it is drawn."""
    for resource in resources:
        started(resource)
        yield resource
