"""Which link is the parent of a network on each host, where a network is on many hosts that differ.

One command or one swarm makes the network on all of them.  So it names a parent for all, one for a host by the
host's name, or the link that is on a LAN: that of the network's subnet, or one that it says.  The record of a host has the parent that was
found there, so that the network stays on it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Final

from plugin.drivers.options import Option, Values
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import LINK_NAME, IfName, link_name, unscoped
from plugin.model.network import IPNetwork, Network, is_within
from plugin.model.parents import HostLink

AUTO: Final = "auto"
FOR_HOST: Final = "parent@"
MAX_VLAN: Final = 4094  # IEEE 802.1Q: 0 is "no VLAN", 4095 is reserved
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")  # hostname(7)
_SHOWN: Final = 5  # hosts in a sentence
_EXPECTED: Final = f"{LINK_NAME}, {AUTO}, or the subnet of a LAN"


def vlan_number(text: str) -> int:
    """The number of a VLAN, in the one way that it is written in a link's name.  Raises ValueError."""
    number = int(text)
    if str(number) != text or not 1 <= number <= MAX_VLAN:
        raise ValueError(text)
    return number


def _parent(text: str) -> IfName:
    """A link's name, or the subnet of a LAN, which stands for the link that is on it.  Raises ValueError."""
    return IfName(str(_lan(text))) if _is_lan(text) else link_name(text)


def _is_lan(text: str) -> bool:
    return "/" in text  # which no link has in its name


def _lan(text: str) -> IPNetwork:
    lan = ip_network(unscoped(text))
    if not lan.prefixlen:
        raise ValueError(text)
    return lan


PARENT: Final[Option[IfName | None]] = Option(
    name="parent",
    parse=_parent,
    default=None,
    expected=_EXPECTED,
    meaning="Link of the host that containers stand on. Without one the network is isolated: its "
    "containers reach each other and nothing else. `auto`: the link with an address on the LAN of the "
    "network's subnet; a subnet (`192.168.1.0/24`): the link with an address on that LAN. "
    "`parent@HOST=LINK` is for the host of that name alone.",
    of_host=True,
)
VLAN: Final[Option[int | None]] = Option(
    name="vlan",
    parse=vlan_number,
    default=None,
    expected=f"a number from 1 to {MAX_VLAN}",
    meaning="VLAN of the parent that containers stand on. `parent=eth0 vlan=100` is the same as "
    "`parent=eth0.100`.",
    of_host=True,
)


def is_for_host(name: str) -> bool:
    """Whether an option names the parent of one host."""
    return name.startswith(FOR_HOST)


def is_open(options: Mapping[str, str]) -> bool:
    """Whether the parent is another on each host."""
    return is_found(options.get(PARENT.name) or "") or any(map(is_for_host, options))


def is_found(parent: str) -> bool:
    """Whether a host finds the link by itself: on a LAN."""
    return parent == AUTO or _is_lan(parent)


def any_parent(options: Values) -> IfName | None:
    """The parent, or one of those that hosts have; None of a network that is isolated.

    Raises RefusedError, InvalidOptionError.
    """
    own = {name: text for name, text in options.texts.items() if is_for_host(name)}
    for name, text in own.items():
        if not _HOST.fullmatch(name.removeprefix(FOR_HOST)):
            raise RefusedError(
                f"option {name} has no name of a host; write {FOR_HOST}HOST={text}, as 'hostname' shows it there"
            )
        try:
            _parent(text)
        except ValueError:
            raise InvalidOptionError(name, text, _EXPECTED) from None
    found = [each for each in (options[PARENT] or "", *own.values()) if is_found(each)]
    if options[VLAN] is not None and found:
        raise RefusedError(
            f"option vlan is {options[VLAN]}, and parent={found[0]} finds a VLAN's own link; leave out vlan, or name "
            "the link below it in parent"
        )
    return options[PARENT] or next(map(IfName, own.values()), None)


def parent_on(options: Mapping[str, str], host: str) -> str | None:
    """What the options say for a host of that name.

    Raises RefusedError if they name links of other hosts only.
    """
    named = {
        name.removeprefix(FOR_HOST).lower(): text
        for name, text in options.items()
        if is_for_host(name)
    }
    for name in (host.lower(), host.lower().partition(".")[0]):
        if name in named:
            return named[name]
    if PARENT.name in options or not named:
        return options.get(PARENT.name)
    others = ", ".join([*sorted(named)[:_SHOWN], *(["..."] if len(named) > _SHOWN else [])])
    raise RefusedError(
        f"this host is {host}, and the network has a parent for {others} only; create it with -o "
        f"{FOR_HOST}{host}=LINK too, or with -o {PARENT.name}=LINK for all other hosts"
    )


def with_parent(network: Network, parent: str | None) -> Network:
    """The network as it is on this host."""
    options = {name: text for name, text in network.options.items() if not is_for_host(name)}
    if parent is not None:
        options[PARENT.name] = parent
    return replace(network, options=options)


def lans_of(network: Network, parent: str) -> list[IPNetwork]:
    """The subnets by which a host finds its link: that which the option says, or the network's.

    That of IPv4 counts first: of IPv6 any neighbour may give a link an address.
    """
    if _is_lan(parent):
        return [_lan(parent)]
    subnets = [pool.prefix for pool in network.pools if pool.prefix.prefixlen]
    return sorted(subnets, key=lambda each: each.version)


def link_on_lan(
    subnets: Sequence[IPNetwork], links: Iterable[HostLink], parent: str, host: str
) -> IfName:
    """The link whose LAN has the subnets, by the longest prefix.  Raises RefusedError."""
    if not subnets:
        raise RefusedError(
            f"option {PARENT.name} is {AUTO!r}, and the network has no subnet to find a link by; say the LAN with "
            f"-o {PARENT.name}=SUBNET, or name the link with -o {FOR_HOST}{host}=LINK"
        )
    fits = {
        link.ifname: lans
        for link in links
        if not link.ours and not link.loopback and any(lans := _lans(link, subnets))
    }
    best = sorted(name for name, lans in fits.items() if lans == max(fits.values()))
    if len(best) == 1:
        return best[0]
    said = " and ".join(map(str, subnets))
    why = (
        f"{' and '.join(best)} of host {host} have addresses on the LAN of {said}"
        if best
        else f"no link of host {host} has an address on the LAN of {said}"
    )
    raise RefusedError(
        f"option {PARENT.name} is {parent!r}, and {why}; name the link with -o {FOR_HOST}{host}=LINK"
    )


def _lans(link: HostLink, subnets: Iterable[IPNetwork]) -> tuple[int, ...]:
    """For each subnet the longest prefix of the link's LANs that has it, 0 if none has."""
    lans = [each.network for each in link.addresses]
    return tuple(
        max((lan.prefixlen for lan in lans if is_within(each, lan)), default=0) for each in subnets
    )
