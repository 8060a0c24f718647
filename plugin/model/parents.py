"""Links of the host that networks stand on, as far as a network must know them."""

from dataclasses import dataclass

from plugin.model.ids import IfName, MacAddress
from plugin.model.network import IPInterface, IPNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignBridges:
    """Bridges of others: those of Docker's own networks, and other ones that are in use."""

    docker: frozenset[IfName]
    others: frozenset[IfName]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A prefix that the host has a route to, by a link."""

    prefix: IPNetwork
    ifname: IfName


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLink:
    """A link of the host as it is now; ``lower`` is the link below it.

    ``master_kind`` is the kind of its master (``bridge``, ``bond``), empty without one.
    ``bus_driver`` is the kernel's driver of the card, empty for a virtual link.
    ``virtual_function`` is true if the card is a share of another card of this host, ``in_guest`` if
    the host is a virtual machine.  ``addresses`` are the host's lasting ones there, IPv4 first.
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
    """The parent of a network's containers, and the conditions for sharing it.

    ``base`` is the link below the parent if that is a VLAN that pynet makes.  Networks of one
    ``kind`` and ``setting`` share a parent, unless one is ``exclusive``.  ``setting`` is what all
    links of the kind on a parent have in common; it is empty if each link has its own.
    ``addressed`` is true if the network must know the host's addresses there.  ``first_mac`` is true
    if it keeps the parent's MAC address from the time when the network was made, ``shared`` if any
    network may stand beside it.
    """

    parent: IfName
    kind: str
    setting: str = ""
    base: IfName | None = None
    exclusive: bool = False
    addressed: bool = False
    first_mac: bool = False
    shared: bool = False

    @property
    def names(self) -> tuple[IfName, ...]:
        """The parent and its base."""
        return (self.parent,) if self.base is None else (self.parent, self.base)
