"""The host's own link on a parent, and its ways to the containers that stand there.

The parent and the links on it never hear each other, but the links do.  The routes carry our
protocol number; the hardware addresses of containers are told to the kernel, for it would ask the
LAN, whose machines would learn from the question that the host is where the shim is.
"""

import errno
import socket
import struct
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from plugin.errors import AbsentAddressError, RefusedError
from plugin.kernel.links import ownership, sysctls
from plugin.kernel.links.link_errors import child_refusal
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink.link_messages import LinkChange, LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import MacAddress
from plugin.model.network import IPAddress
from plugin.model.resources import (
    MARK_PREFIX,
    HostRoute,
    IpvlanFlag,
    MacvlanMode,
    Shim,
    Sysctl,
)

# Who made a route (linux/rtnetlink.h, rtm_protocol); the numbers from 5 up are for daemons, and
# nobody has put his name to this one in iproute2's rt_protos.
PROTOCOL: Final = 0x70

_RTM_NEWROUTE: Final = 24  # linux/rtnetlink.h
_RTM_DELROUTE: Final = 25
_RTM_GETROUTE: Final = 26
_RTM_NEWNEIGH: Final = 28
_RTM_DELNEIGH: Final = 29
_RTM_GETNEIGH: Final = 30
_NLM_F_REPLACE: Final = 0x100
_NLM_F_CREATE: Final = 0x400
_NLM_F_CREATE_EXCLUSIVE: Final = 0x600
_RTMSG: Final = struct.Struct("=BBBBBBBBI")
_NDMSG: Final = struct.Struct("=BxxxiHBB")
_U16: Final = struct.Struct("=H")
_U32: Final = struct.Struct("=I")
_RTA_DST: Final = 1
_RTA_OIF: Final = 4
_RTA_PREFSRC: Final = 7
_RT_TABLE_MAIN: Final = 254
_RT_SCOPE_LINK: Final = 253
_RTN_UNICAST: Final = 1
_NDA_DST: Final = 1
_NDA_LLADDR: Final = 2
_NUD_PERMANENT: Final = 0x80
_FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
_IFLA_MACVLAN_MODE: Final = 1  # linux/if_link.h
_IFLA_IPVLAN_MODE: Final = 1
_IFLA_IPVLAN_FLAGS: Final = 2
_GONE: Final = (errno.ESRCH, errno.ENOENT, errno.ENODEV)


def ensure_shim(rtnl: Rtnl, shim: Shim, root: Path) -> None:
    """Make the link, and set it up when it has its settings: a router's word is quicker than ours."""
    wanted = LinkChange(mtu=shim.mtu, mac_address=shim.mac_address)
    kind, data = _kind(shim)
    parent = ownership.index_of(shim.parent)
    made = replace(wanted, ifname=shim.ifname, parent=parent, group=ownership.GROUP_OURS)
    try:
        rtnl.add_link(kind, made, data)
    except RtnlError as error:
        refusal = child_refusal(rtnl, kind, shim.parent, shim.mtu, error)
        if refusal is not None:
            raise refusal from error
        if error.code != errno.EEXIST:
            raise
        link = ownership.our_link(rtnl, shim.ifname, shim.mark, kind)
        if link.parent == parent:
            rtnl.change_link(link.index, wanted)
        else:
            # Two parents swapped their names; nothing of anybody's stands on a shim.
            rtnl.delete_link(link.index)
            rtnl.add_link(kind, made, data)
    for setting in _settings(shim):
        sysctls.ensure(setting, root)
    up = LinkChange(up=True, alias=MARK_PREFIX + shim.mark)
    rtnl.change_link(ownership.index_of(shim.ifname), up)


def read_shim(rtnl: Rtnl, shim: Shim, root: Path) -> Shim | None:
    """The link as it is; one without its settings differs from any plan."""
    link = rtnl.link(shim.ifname)
    if link is None or ownership.is_doomed(link):
        return None
    settings = _settings(shim)
    right = all(sysctls.read(each, root) in (each, None) for each in settings)
    return replace(
        as_shim(link),
        mac_address=link.mac_address if shim.mac_address else None,
        mtu=None if shim.mtu is None else link.mtu,
        ipv6=shim.ipv6,
        ipvlan_mode=shim.ipvlan_mode,
        mark=ownership.mark_if_right(link) if right else "",
    )


def as_shim(link: LinkInfo) -> Shim:
    """A shim, as far as the link tells."""
    return Shim(
        ifname=link.ifname,
        parent=ownership.name_of(link.parent),
        mac_address=link.mac_address,
        mtu=link.mtu,
        ipv6=False,
        mark=ownership.mark_of(link) or "",
    )


def ensure_route(rtnl: Rtnl, route: HostRoute) -> None:
    """Tell the kernel the container's hardware address and the way there."""
    index = ownership.index_of(route.ifname)
    neighbour = _neighbour(route, index, route.mac_address)
    rtnl.ask(_RTM_NEWNEIGH, raw.NLM_F_ACK | _NLM_F_CREATE | _NLM_F_REPLACE, neighbour)
    body = _route(route, index) + raw.attribute(_RTA_PREFSRC, route.source.packed)
    try:
        rtnl.ask(_RTM_NEWROUTE, raw.NLM_F_ACK | _NLM_F_CREATE_EXCLUSIVE, body)
    except RtnlError as error:
        if error.code == errno.EINVAL:
            raise AbsentAddressError(
                f"this host has no address {route.source} to be reached at; give it back, or make "
                "the network again with host_address"
            ) from error
        if error.code != errno.EEXIST:
            raise
        if (index, route.address) not in HostRoutes(rtnl).sources:
            raise RefusedError(
                f"a route to {route.address} exists and is not pynet's; remove it: "
                f"ip route delete {route.address}"
            ) from error
        rtnl.ask(_RTM_NEWROUTE, raw.NLM_F_ACK | _NLM_F_CREATE | _NLM_F_REPLACE, body)


def remove_route(rtnl: Rtnl, route: HostRoute) -> None:
    """Take both away; they may have gone with the link."""
    link = rtnl.link(route.ifname)
    if link is None:
        return
    neighbour = _neighbour(route, link.index, None)
    for kind, body in (
        (_RTM_DELROUTE, _route(route, link.index)),
        (_RTM_DELNEIGH, neighbour),
    ):
        try:
            rtnl.ask(kind, raw.NLM_F_ACK, body)
        except RtnlError as error:
            if error.code not in _GONE:
                raise


@dataclass(frozen=True)
class HostRoutes:
    """Our routes, and the hardware addresses beside them; each is read when first needed."""

    rtnl: Rtnl

    def read(self, wanted: HostRoute) -> HostRoute | None:
        """The route as it is; without its hardware address it differs from any plan."""
        link = self.rtnl.link(wanted.ifname)
        source = None if link is None else self.sources.get((link.index, wanted.address))
        if link is None or source is None:
            return None
        mac_address = self._neighbours.get((link.index, wanted.address), MacAddress(""))
        return replace(wanted, source=source, mac_address=mac_address)

    def all(self) -> list[HostRoute]:
        """Every one, as far as the routes tell."""
        return [
            HostRoute(
                ifname=ownership.name_of(index),
                address=address,
                mac_address=MacAddress(""),
                source=source,
            )
            for (index, address), source in self.sources.items()
        ]

    @cached_property
    def sources(self) -> dict[tuple[int, IPAddress], IPAddress]:
        """What the host is there, by link and container; unspecified if it is nothing any more.

        An address that goes takes its IPv4 routes along, and leaves those of IPv6 without a source
        (net/ipv6/route.c, fib6_remove_prefsrc).
        """
        found = {}
        for family in _FAMILIES.values():
            request = _RTMSG.pack(family, 0, 0, 0, _RT_TABLE_MAIN, PROTOCOL, 0, 0, 0)
            for body in self.rtnl.dump(_RTM_GETROUTE, request):
                values = raw.attributes(body, _RTMSG.size)
                ours = _RTMSG.unpack_from(body)[5] == PROTOCOL  # old kernels take no filter
                if ours and {_RTA_DST, _RTA_OIF} <= values.keys():
                    (index,) = _U32.unpack(values[_RTA_OIF])
                    address = ip_address(values[_RTA_DST])
                    nothing = bytes(len(address.packed))
                    found[index, address] = ip_address(values.get(_RTA_PREFSRC, nothing))
        return found

    @cached_property
    def _neighbours(self) -> dict[tuple[int, IPAddress], MacAddress]:
        found = {}
        for family in _FAMILIES.values():
            for body in self.rtnl.dump(_RTM_GETNEIGH, _NDMSG.pack(family, 0, 0, 0, 0)):
                _, index, state, _, _ = _NDMSG.unpack_from(body)
                values = raw.attributes(body, _NDMSG.size)
                if state & _NUD_PERMANENT and _NDA_DST in values and _NDA_LLADDR in values:
                    mac_address = MacAddress(values[_NDA_LLADDR].hex(":"))
                    found[index, ip_address(values[_NDA_DST])] = mac_address
        return found


def _kind(shim: Shim) -> tuple[str, bytes]:
    """The kind of link, and how it is with its neighbours: bridge, the only way it hears them."""
    if shim.ipvlan_mode is None:
        return "macvlan", raw.attribute(_IFLA_MACVLAN_MODE, _U32.pack(MacvlanMode.BRIDGE))
    mode = raw.attribute(_IFLA_IPVLAN_MODE, _U16.pack(shim.ipvlan_mode))
    return "ipvlan", mode + raw.attribute(_IFLA_IPVLAN_FLAGS, _U16.pack(IpvlanFlag.BRIDGE))


def _settings(shim: Shim) -> list[Sysctl]:
    conf4, conf6 = (f"net/{family}/conf/{shim.ifname}" for family in ("ipv4", "ipv6"))
    settings = [
        Sysctl(name=f"{conf4}/arp_filter", value="1"),
        Sysctl(name=f"{conf6}/accept_ra", value="0"),
        Sysctl(name=f"{conf6}/accept_dad", value="0"),
        Sysctl(name=f"{conf6}/disable_ipv6", value="0" if shim.ipv6 else "1"),
    ]
    if shim.ipvlan_mode is not None:
        # Whoever heard of the parent's addresses here would reach them past the shim.
        settings.append(Sysctl(name=f"{conf4}/arp_ignore", value="1"))
    return settings


def _neighbour(route: HostRoute, index: int, mac_address: MacAddress | None) -> bytes:
    head = _NDMSG.pack(_FAMILIES[route.address.version], index, _NUD_PERMANENT, 0, 0)
    body = head + raw.attribute(_NDA_DST, route.address.packed)
    if mac_address:
        octets = bytes.fromhex(mac_address.replace(":", ""))
        body += raw.attribute(_NDA_LLADDR, octets)
    return body


def _route(route: HostRoute, index: int) -> bytes:
    family = _FAMILIES[route.address.version]
    length = route.address.max_prefixlen
    scope = _RT_SCOPE_LINK if route.address.version == 4 else 0
    head = _RTMSG.pack(family, length, 0, 0, _RT_TABLE_MAIN, PROTOCOL, scope, _RTN_UNICAST, 0)
    return (
        head
        + raw.attribute(_RTA_DST, route.address.packed)
        + raw.attribute(_RTA_OIF, _U32.pack(index))
    )
