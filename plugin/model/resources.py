"""Every kind of thing the host can hold for us, as a value.

A resource is equal to another if the host would look the same; its ``key`` says which
thing on the host it is, whatever that thing looks like now.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from plugin.model.ids import IfName, MacAddress
from plugin.model.network import IPAddress, IPInterface, Protocol

MARK_PREFIX: Final = "pynet:"  # in a link's alias; what follows is network[/endpoint]

SHARED: Final = "shared"  # the mark of what belongs to several networks

Key = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """A bridge, up.  ``mark`` names the network it belongs to.

    An ``adoptable`` one may be somebody else's: then it is used as it is, and left.
    """

    ifname: IfName
    mac_address: MacAddress
    mtu: int
    mark: str
    adoptable: bool = False

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class Veth:
    """A pair whose host end is up and enslaved, and whose other end is handed over."""

    ifname: IfName
    peer: IfName
    peer_mac_address: MacAddress
    master: IfName
    mtu: int
    mark: str

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


class MacvlanMode(IntEnum):
    """What the links of one parent may do with each other (linux/if_link.h, macvlan_mode)."""

    PRIVATE = 1
    VEPA = 2
    BRIDGE = 4
    PASSTHRU = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Macvlan:
    """A link with a MAC address of its own on a parent, made to be handed over.

    Without ``mac_address`` the kernel chooses; without ``mtu`` it has its parent's.
    """

    ifname: IfName
    parent: IfName
    mode: MacvlanMode
    mac_address: MacAddress | None
    mtu: int | None
    mark: str

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


class IpvlanMode(IntEnum):
    """At which layer the links of one parent are told apart (linux/if_link.h, ipvlan_mode)."""

    L2 = 0
    L3 = 1
    L3S = 2


class IpvlanFlag(IntEnum):
    """What the links of one parent may do with each other (linux/if_link.h, IPVLAN_F_*)."""

    BRIDGE = 0
    PRIVATE = 1
    VEPA = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class IpvlanSetting:
    """How all ipvlan links of one parent are: the latest that is made sets it for all."""

    mode: IpvlanMode
    flag: IpvlanFlag

    @property
    def text(self) -> str:
        """As options."""
        return f"ipvlan_mode={self.mode.name.lower()} ipvlan_flag={self.flag.name.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ipvlan:
    """A link with its parent's MAC address and addresses of its own, made to be handed over.

    Mode and flag are the parent's: the latest link sets them for all.  The ``addresses`` are not
    put on it, but free for it: no other ipvlan link of the parent has them.
    """

    ifname: IfName
    parent: IfName
    mode: IpvlanMode
    flag: IpvlanFlag
    mtu: int | None
    mark: str
    addresses: tuple[IPInterface, ...] = ()

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vlan:
    """An 802.1Q sub-interface, up, which several networks may stand on.

    One that somebody else made with the same parent and number is as good, and is left.
    """

    ifname: IfName
    parent: IfName
    number: int
    mark: str = SHARED

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dummy:
    """A link that leads nowhere, up: the parent of a network that is to have no other."""

    ifname: IfName
    mtu: int
    mark: str

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shim:
    """The host's own link on a parent, up: by it the host meets what stands there.

    It answers whom the host would send to by it, and nobody else (arp_filter), believes no
    router.  Without ``mac_address`` the kernel chooses; without ``mtu`` it has its parent's.

    With ``ipvlan_mode`` it is an ipvlan link and has its parent's MAC address, and it answers
    for its own addresses only (arp_ignore); without, it is a macvlan link.
    """

    ifname: IfName
    parent: IfName
    mac_address: MacAddress | None
    mtu: int | None
    ipv6: bool
    mark: str
    ipvlan_mode: IpvlanMode | None = None

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRoute:
    """The host's way by a shim to one container, and the container's hardware address.

    The host is ``source`` there; as read, that is unspecified if the host has it no more.  It
    never asks for the hardware address: the LAN would hear the question, and take the shim for
    the host.
    """

    ifname: IfName
    address: IPAddress
    mac_address: MacAddress
    source: IPAddress

    @property
    def key(self) -> Key:
        return ("route", self.ifname, self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """An upper bound for what goes out of a link of ours, in bits per second."""

    ifname: IfName
    rate: int

    @property
    def key(self) -> Key:
        return ("limit", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detour:
    """An ifb link that everything takes which comes in by ``source``.

    The kernel bounds only what goes out of a link; what comes in goes out of the detour first.
    """

    ifname: IfName
    source: IfName
    mark: str

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hairpin:
    """Leave for a bridge port to send a frame back where it came from.

    A container that calls its own published port needs it where br_netfilter
    makes bridged frames meet the address translation.
    """

    ifname: IfName

    @property
    def key(self) -> Key:
        return ("hairpin", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLocalnet:
    """Leave for a link of the host's to carry packets from and to 127.0.0.0/8 (route_localnet).

    By it 127.0.0.1 can be translated to a container there (kernel doc ip-sysctl).  Removal
    switches it off on a link of ours; a link of somebody else's keeps it.
    """

    ifname: IfName

    @property
    def key(self) -> Key:
        return ("route_localnet", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address of the host's on one of our links."""

    ifname: IfName
    interface: IPInterface

    @property
    def key(self) -> Key:
        return ("address", self.ifname, self.interface)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysctl:
    """A kernel setting below ``/proc/sys``; ``name`` uses slashes as the path does.

    Removal leaves it alone: a link's settings go with the link, and the host-wide ones
    (forwarding) may be needed by others by then.  With ``adopted`` it is one of a link that may
    be somebody else's, who then has it as he likes.
    """

    name: str
    value: str
    adopted: IfName | None = None

    @property
    def key(self) -> Key:
        return ("sysctl", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPort:
    """A port of the host held by a bound socket, so that nobody else can take it."""

    protocol: Protocol
    address: IPAddress
    port: int

    @property
    def key(self) -> Key:
        return ("port", self.protocol, self.address, self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiedPort:
    """A held port whose traffic a process carries to ``address`` and ``port``."""

    held: HostPort
    address: IPAddress
    port: int

    @property
    def key(self) -> Key:
        return ("proxy", *self.held.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element of a set or, with ``data``, of a map in our nftables table.

    ``match`` and ``data`` are the parts of a concatenation, as nft writes them.
    """

    container: str
    match: tuple[str, ...]
    data: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return ("element", self.container, self.match)


# Links that dockerd moves into the sandbox as they are, so that the host sees them no more.
HandedOver = Macvlan | Ipvlan
# Those whose elements go when the last network goes that wants them, as VLANs do.
_SHARED_SETS: Final = frozenset({"pn_echoes"})
# Those that two endpoints may want alike: each of them named the other.
_MUTUAL_SETS: Final = frozenset({"pn_pairs4", "pn_pairs6", "pn_allowed4", "pn_allowed6"})
LinkResource = Bridge | Dummy | Vlan | Shim | Veth | Detour | HandedOver
HostResource = (
    LinkResource
    | HostRoute
    | Limit
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
