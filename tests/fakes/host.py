"""A host in memory: what is there whether the plugin runs or not."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any

from plugin.errors import KernelError
from plugin.model.addresses import HostRoute
from plugin.model.ids import IfName
from plugin.model.links import HandedOver, IpvlanSetting, Shim, Veth, Vlan
from plugin.model.network import IPAddress, IPInterface, IPNetwork, Protocol
from plugin.model.parents import HostLink, Routed
from plugin.model.ports import HostPort
from plugin.model.resources import LinkResource
from plugin.model.shaping import RateLimit
from plugin.model.tunnels import Vxlan, WireGuardPeer

_HOST_SYSCTLS = {"net/ipv4/ip_forward": "0", "net/ipv6/conf/all/forwarding": "0"}


@dataclass(slots=True)
class Link:
    """A link: one of pynet's as the resource that describes it, or a foreign one."""

    resource: LinkResource | None = None
    kind: str = "dummy"
    hairpin: bool = False
    localnet: bool = False
    limit: RateLimit | None = None
    routes: dict[IPAddress, HostRoute] = field(default_factory=dict)
    peers: set[IPAddress] = field(default_factory=set)
    encrypted: dict[IPAddress, WireGuardPeer] = field(default_factory=dict)
    addresses: set[IPInterface] = field(default_factory=set)
    foreign_addresses: set[IPInterface] = field(default_factory=set)


@dataclass(slots=True)
class FakeHost:
    """What is there whether the plugin runs or not."""

    links: dict[IfName, Link] = field(default_factory=dict)
    sandboxed: dict[IfName, Link] = field(default_factory=dict)
    parents: dict[IfName, HostLink] = field(default_factory=dict)
    sysctls: dict[str, str] = field(default_factory=lambda: dict(_HOST_SYSCTLS))
    listeners: set[HostPort] = field(default_factory=set)
    addresses: set[IPAddress] = field(
        default_factory=lambda: {ip_address(a) for a in ("127.0.0.1", "127.0.0.2", "::1")}
    )
    routes: set[IPNetwork] = field(default_factory=set)
    routed: list[Routed] = field(default_factory=list)
    foreign_routes: set[IPAddress] = field(default_factory=set)
    foreign_ipvlan: dict[IfName, set[IpvlanSetting]] = field(default_factory=dict)
    ended_sandboxes: set[str] = field(default_factory=set)
    used_addresses: set[IPAddress] = field(default_factory=set)
    used_vlans: set[IfName] = field(default_factory=set)
    lacks: set[Protocol] = field(default_factory=set)
    lacks_links: set[type[LinkResource]] = field(default_factory=set)
    mtu: int = 1500
    name: str = "here"
    key: str = ""  # none to tell: there is a secret
    engine_sockets: frozenset[str] = frozenset()
    zoned: set[IfName] | None = None  # by firewalld, if it is there
    filtered: set[int] = field(default_factory=set)

    def add_foreign_link(self, ifname: str, kind: str = "dummy") -> None:
        self.links[IfName(ifname)] = Link(kind=kind)

    def add_parent(self, ifname: str, **facts: Any) -> None:
        """A link of the host's own, as ``host_links`` shows it."""
        self.add_foreign_link(ifname)
        self.parents[IfName(ifname)] = HostLink(ifname=IfName(ifname), **facts)

    def hand_over(self, ifname: str) -> None:
        """dockerd moves the link into a sandbox."""
        self.sandboxed[IfName(ifname)] = self.links.pop(IfName(ifname))

    def hand_back(self, ifname: str) -> None:
        """dockerd puts the link back: the sandbox ends."""
        self.links[IfName(ifname)] = self.sandboxed.pop(IfName(ifname))

    def delete_link(self, ifname: str) -> None:
        """As ``ip link delete`` does: a pair goes as a whole, ports lose their bridge.

        What stands on the link goes with it, wherever it is.
        """
        gone = self.links.pop(IfName(ifname)).resource
        for home in (self.links, self.sandboxed):
            for name in [n for n, each in home.items() if parent_of(each) == ifname]:
                del home[name]
        prefixes = tuple(f"net/{family}/conf/{ifname}/" for family in ("ipv4", "ipv6"))
        self.sysctls = {n: v for n, v in self.sysctls.items() if not n.startswith(prefixes)}
        for link in self.links.values():
            if isinstance(link.resource, Veth | Vxlan) and link.resource.master == ifname:
                link.resource = replace(link.resource, master=IfName(""))
        if isinstance(gone, Veth):
            self.links.pop(gone.peer, None)
            self.sandboxed.pop(gone.peer, None)

    def all_addresses(self) -> set[IPAddress]:
        """Of every link, pynet's and foreign ones."""
        known = {i.ip for link in self.links.values() for i in addresses_of(link)}
        known |= {i.ip for parent in self.parents.values() for i in parent.addresses}
        return known | self.addresses

    def link(self, ifname: IfName) -> Link:
        """Raises KernelError if it is not there."""
        if ifname not in self.links:
            raise KernelError(f"link {ifname} is not there")
        return self.links[ifname]

    @property
    def ours(self) -> frozenset[LinkResource]:
        return frozenset(link.resource for link in self.links.values() if link.resource)


def parent_of(link: Link) -> IfName | None:
    resource = link.resource
    return resource.parent if isinstance(resource, HandedOver | Vlan | Shim) else None


def addresses_of(link: Link) -> set[IPInterface]:
    return link.addresses | link.foreign_addresses
