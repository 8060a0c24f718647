"""Addresses by DHCP: the options of a network on a parent, and what a lease means to a container."""

import re
from dataclasses import dataclass
from typing import Any, Final

from plugin.drivers.options import Option, Values, boolean
from plugin.drivers.parent_modes import Stack
from plugin.errors import RefusedError
from plugin.model.ids import IfName
from plugin.model.network import Endpoint, Network

_SCALES: Final = {"s": 1, "m": 60, "h": 3600}
_DURATION: Final = re.compile(r"(?P<number>[0-9]{1,6})(?P<scale>[smh])")
_MOST_SECONDS: Final = 365 * 24 * 3600


def _duration(text: str) -> int | None:
    """Seconds; None for ever."""
    if text == "never":
        return None
    found = _DURATION.fullmatch("0s" if text == "0" else text)
    seconds = int(found["number"]) * _SCALES[found["scale"]] if found else _MOST_SECONDS + 1
    if seconds > _MOST_SECONDS:
        raise ValueError(text)
    return seconds


DHCP: Final = Option(
    name="dhcp",
    parse=boolean,
    default=False,
    expected="true or false",
    meaning="Containers get their IPv4 address from the LAN's own DHCP server. The network is "
    "created with `--ipam-driver null`.",
)
RELEASE_AFTER: Final[Option[int | None]] = Option(
    name="release_after",
    parse=_duration,
    default=3600,
    expected="a time as 30m or 12h, 0 or never",
    meaning="How long an address stays a container's that is gone, before it is given back to the "
    "DHCP server.",
)
OPTIONS: Final[tuple[Option[Any], ...]] = (DHCP, RELEASE_AFTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpUse:
    """A network's containers are given addresses by a server on the LAN of ``parent``."""

    parent: IfName
    release_after: int | None


def dhcp_use(stack: Stack, options: Values) -> DhcpUse | None:
    """What the options say."""
    if not options[DHCP]:
        return None
    return DhcpUse(parent=stack.parent, release_after=options[RELEASE_AFTER])


def check_options(network: Network, stack: Stack, options: Values) -> None:
    """Refuse DHCP where no server could be asked, or an IPAM gives addresses."""
    if not options[DHCP]:
        if options.is_changed(RELEASE_AFTER):
            raise RefusedError(
                f"option {RELEASE_AFTER.name} is {options.texts[RELEASE_AFTER.name]!r}, and nothing is "
                "leased without dhcp=true; say dhcp=true, or leave it out"
            )
        return
    if stack.own:
        raise RefusedError(
            "option dhcp is true, and there is no DHCP server on an isolated network; say parent too"
        )
    subnets = [str(pool.prefix) for pool in network.pools if pool.prefix.prefixlen]
    if subnets:
        raise RefusedError(
            f"option dhcp is true, and the network has subnet {subnets[0]}, whose addresses its IPAM gives "
            "out; create it with --ipam-driver null and without --subnet"
        )
    if network.ipv6:
        raise RefusedError(
            "option dhcp is true, and it is for IPv4 alone; create the network without --ipv6"
        )


def leased_mtu(endpoint: Endpoint, parent: int) -> int | None:
    """The size that the server named, if the parent carries it."""
    mtu = endpoint.facts.mtu if endpoint.facts else None
    return mtu if mtu and mtu < parent else None
