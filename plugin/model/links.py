"""Links as values: what the host can hold for a network or an endpoint."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from plugin.model.ids import IfName, Key, MacAddress
from plugin.model.network import IPInterface

OWNER_PREFIX: Final = "pynet:"  # in a link's alias; what follows is network[/endpoint]

SHARED: Final = "shared"  # the owner of what belongs to several networks


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """A bridge, up.  ``owner`` is the network it belongs to.

    An ``adoptable`` bridge may exist already with another owner: then it is used as it is, and left.
    """

    ifname: IfName
    mac_address: MacAddress
    mtu: int
    owner: str
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
    owner: str

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


class MacvlanMode(IntEnum):
    """What the links of one parent may do with each other (linux/if_link.h, macvlan_mode)."""

    PRIVATE = 1
    VEPA = 2
    BRIDGE = 4
    PASSTHRU = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Macvlan:
    """A link on a parent with a separate MAC address, made to be handed over.

    Without ``mac_address`` the kernel chooses; without ``mtu`` it has its parent's.
    """

    ifname: IfName
    parent: IfName
    mode: MacvlanMode
    mac_address: MacAddress | None
    mtu: int | None
    owner: str

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


class IpvlanMode(IntEnum):
    """At which layer the links of one parent are separated (linux/if_link.h, ipvlan_mode)."""

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
    """A link with its parent's MAC address and separate IP addresses, made to be handed over.

    Mode and flag belong to the parent: the latest link sets them for all.  pynet does not set the
    ``addresses``, but makes sure that no other ipvlan link of the parent has them.
    """

    ifname: IfName
    parent: IfName
    mode: IpvlanMode
    flag: IpvlanFlag
    mtu: int | None
    owner: str
    addresses: tuple[IPInterface, ...] = ()

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vlan:
    """An 802.1Q sub-interface, up, which several networks may use as parent.

    A VLAN of another owner with the same parent and number is used too, and left.
    """

    ifname: IfName
    parent: IfName
    number: int
    owner: str = SHARED

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dummy:
    """A link that leads nowhere, up: the parent of a network that is to have no other."""

    ifname: IfName
    mtu: int
    owner: str

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shim:
    """The host's link on a parent, up: by it the host reaches the containers on that parent.

    It answers ARP only to addresses that the host routes by it (arp_filter), and ignores router
    advertisements.  Without ``mac_address`` the kernel chooses; without ``mtu`` it has its parent's.

    With ``ipvlan_mode`` it is an ipvlan link with its parent's MAC address, and answers ARP for
    its own addresses only (arp_ignore).  Without, it is a macvlan link.
    """

    ifname: IfName
    parent: IfName
    mac_address: MacAddress | None
    mtu: int | None
    ipv6: bool
    owner: str
    ipvlan_mode: IpvlanMode | None = None

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


# Links that dockerd moves into the sandbox as they are, so that the host sees them no more.
HandedOver = Macvlan | Ipvlan
