"""Links of the host that networks stand on, as far as a network must know them."""

from dataclasses import dataclass

from plugin.model.ids import IfName, MacAddress
from plugin.model.network import IPInterface


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignBridges:
    """Bridges that are not ours: of Docker's own networks, and of others with something on them."""

    docker: frozenset[IfName]
    others: frozenset[IfName]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLink:
    """A link of the host as it is now; ``lower`` is what it stands on itself.

    ``master_kind`` is the kind of what it is a port of (``bridge``, ``bond``), empty if of
    nothing; ``bus_driver`` is the kernel's driver of the card, empty for a virtual link;
    ``virtual_function`` says that the card is a share of another of this host, ``in_guest`` that
    the host is a virtual machine; ``addresses`` are the host's there that last, IPv4 before IPv6.
    """

    ifname: IfName
    kind: str = ""
    mac_address: MacAddress | None = None
    mtu: int = 1500
    up: bool = True
    carrier: bool = True
    loopback: bool = False
    ethernet: bool = True
    wireless: bool = False
    master_kind: str = ""
    bus_driver: str = ""
    virtual_function: bool = False
    in_guest: bool = False
    lower: IfName | None = None
    vlan: int | None = None
    addresses: tuple[IPInterface, ...] = ()
    ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentUse:
    """The link that a network's containers stand on, and what else can stand on it.

    ``base`` is what carries the parent if that is a VLAN of ours.  Networks of one ``kind`` and
    ``setting`` share a parent, unless one is ``exclusive``.  A ``setting`` is one that all links
    of the kind there have, others' among them; it is empty where each link has its own.
    ``addressed`` says that the network must know the host's addresses there, ``first_mac`` that it
    keeps to the parent's MAC address as it was when the network was made.
    """

    parent: IfName
    kind: str
    setting: str = ""
    base: IfName | None = None
    exclusive: bool = False
    addressed: bool = False
    first_mac: bool = False

    @property
    def names(self) -> tuple[IfName, ...]:
        """The parent and its base."""
        return (self.parent,) if self.base is None else (self.parent, self.base)
