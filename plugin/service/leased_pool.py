"""A pool whose addresses a DHCP server gives: what is asked for, the id made of it, and what is refused.

Its prefix is the user's ``--subnet``, or everything: the engine would ask again without end for a pool that
has a prefix of the host.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

from plugin.drivers.dhcp import DHCP, DhcpUse
from plugin.drivers.parent_choice import AUTO, FOR_HOST
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import LINK_NAME, IfName, link_name
from plugin.model.network import IPAddress, IPNetwork

_PREFIX: Final = "dhcp/"
_EVERYTHING: Final = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedPool:
    """What was asked for, and so what it is; ``auto`` is the parent that its network has on this host."""

    parent: IfName
    subnet: IPv4Network | None = None

    @property
    def id(self) -> str:
        """The id that the engine knows it by."""
        return f"{_PREFIX}{self.parent}" + (f"/{self.subnet}" if self.subnet else "")

    @property
    def prefix(self) -> IPv4Network:
        """The prefix that the engine is told."""
        return self.subnet or _EVERYTHING


def is_leased(pool_id: str) -> bool:
    """Whether a pool is one of these; those of the allocator begin with their space."""
    return pool_id.startswith(_PREFIX)


def asked_pool(
    options: Mapping[str, str],
    *,
    prefix: IPNetwork | None,
    subpool: IPNetwork | None,
    v6: bool,
) -> LeasedPool:
    """The pool that RequestPool asks for.  Raises RefusedError."""
    text = options[DHCP.name]
    others = sorted(each for each in options if each != DHCP.name and "." not in each)
    if others:
        raise RefusedError(
            f"option {others[0]} is of a pool that pynet gives addresses from, and dhcp={text} has a "
            f"server of the LAN give them; leave out {others[0]}"
        )
    if v6 or (prefix is not None and prefix.version == 6):
        raise RefusedError(
            f"option dhcp is {text}, and the pool is for IPv4 alone; create the network without --ipv6, and say "
            "-o ipv6=auto"
        )
    if subpool is not None:
        raise RefusedError(
            f"--ip-range is {subpool}, and the server of the LAN decides which addresses it gives; leave "
            "it out, and set the range there"
        )
    try:
        parent = link_name(text)
    except ValueError:
        raise InvalidOptionError(DHCP.name, text, f"{LINK_NAME}, or {AUTO}") from None
    subnet = prefix if isinstance(prefix, IPv4Network) and prefix.prefixlen else None
    return LeasedPool(parent=parent, subnet=subnet)


def pool_of(use: DhcpUse) -> LeasedPool:
    """The pool of a network."""
    return LeasedPool(parent=use.pool_parent or use.parent, subnet=use.subnet)


def no_network(pool_id: str, wanted: IPAddress | None) -> RefusedError:
    """What is said of a pool that no network of pynet has."""
    asked = pool_id.removeprefix(_PREFIX).partition("/")[0]
    parent = f"{FOR_HOST}HOST=LINK" if asked == AUTO else f"parent={asked}"
    also = (
        f". If {wanted} is of --aux-address, leave it out, and keep the address free on the LAN's server"
        if wanted
        else ""
    )
    return RefusedError(
        f"no network of pynet has --ipam-opt dhcp={asked}; create it with -d pynet -o mode=macvlan "
        f"-o {parent} -o dhcp=true{also}"
    )
