"""What is asked of a DHCP server, or of a router."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from plugin.model.leases import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who asks, and which answers may be taken: with ``exact``, that address alone.

    ``subnet`` is the only one that addresses may be of; with ``servers``, no other server is
    listened to.  ``avoid`` are addresses that the host has itself.  With ``fqdn`` the server is asked to
    enter the host name in the DNS.  Without ``routes`` no routes but the router's are asked for or read, without
    ``mtu`` no MTU.  An address that does not have ``gateway`` on its LAN is of no use.
    """

    identity: Identity
    address: IPv4Address | None = None
    exact: bool = False
    subnet: IPv4Network | None = None
    servers: frozenset[IPv4Address] = frozenset()
    denied_servers: frozenset[IPv4Address] = frozenset()
    avoid: frozenset[IPv4Address] = frozenset()
    vendor_class: str | None = None
    user_classes: tuple[str, ...] = ()
    fqdn: bool = False
    routes: bool = True
    mtu: bool = True
    gateway: IPv4Address | None = None
    probe: bool = True

    @property
    def is_granted(self) -> bool:
        """Whether a server may come to have a lease of it."""
        return True

    @property
    def is_only(self) -> bool:
        """Whether one address alone would do."""
        return self.exact

    @property
    def asked(self) -> str:
        """Who is to answer."""
        return "DHCP server"


class Method(Enum):
    """Whence an IPv6 address is had: made of a router's prefix, a server's, or as the router says."""

    SLAAC = "slaac"
    DHCP = "dhcp"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish6:
    """Who wants an IPv6 address, none of those that the host has itself.

    Who ``shares_mac`` with others has an address of a prefix by its client identifier.
    """

    identity: Identity
    method: Method = Method.SLAAC
    user_classes: tuple[str, ...] = ()
    shares_mac: bool = False
    avoid: frozenset[IPv6Address] = frozenset()
    probe: bool = True

    @property
    def is_granted(self) -> bool:
        """Whether a server may come to have a lease of it."""
        return self.method is not Method.SLAAC

    @property
    def is_only(self) -> bool:
        """Whether one address alone would do: an identity has one of a prefix."""
        return self.method is Method.SLAAC

    @property
    def asked(self) -> str:
        """Who is to answer."""
        return {
            Method.SLAAC: "IPv6 router",
            Method.DHCP: "DHCPv6 server",
            Method.AUTO: "IPv6 router or DHCPv6 server",
        }[self.method]


AnyWish = Wish | Wish6
