"""Bridges, veth pairs and their flags.

The group of a link is set in the message that makes it, so a link of ours is known for
ours even if the process dies before the alias (which names the network) is written:
the kernel takes no alias at creation (net/core/rtnetlink.c, rtnl_create_link).

Links are not deleted here.  A deletion keeps its caller waiting for an RCU grace period,
16 ms and more, while all links of a group are deleted in one: removal moves the link to
the group DOOMED and the reaper deletes the group.
"""

import errno
import re
import socket
from dataclasses import replace
from typing import Any, Final

from plugin.errors import ForeignLinkError, KernelError
from plugin.kernel import netlink
from plugin.kernel.pyroute2_core import NetlinkError
from plugin.model.ids import IfName, MacAddress
from plugin.model.resources import MARK_PREFIX, Bridge, Detour, Hairpin, Veth

GROUP_OURS: Final = 0x706E
GROUP_DOOMED: Final = 0x706F
_IFF_UP: Final = 1
_DOCKER_BRIDGE: Final = re.compile("docker0|docker_gwbridge|br-[0-9a-f]{12}")
# linux/if_link.h: what pyroute2 calls them when they are set, and when they are read
_FLAGS: Final = {
    "hairpin": ("mode", "IFLA_BRPORT_MODE"),
    "isolated": ("isolated", "IFLA_BRPORT_ISOLATED"),
}


def ensure_bridge(ipr: Any, bridge: Bridge) -> None:
    """Make the bridge, or set right what differs on the one that is there."""
    try:
        ipr.link(
            "add",
            ifname=bridge.ifname,
            kind="bridge",
            address=bridge.mac_address,
            mtu=bridge.mtu,
            group=GROUP_OURS,
            state="up",
        )
    except NetlinkError as error:
        if netlink.code(error) != errno.EEXIST:
            raise
        if bridge.adoptable and _adopt(ipr, bridge):
            return
        link = our_link(ipr, bridge.ifname, bridge.mark, "bridge")
        ipr.link(
            "set",
            index=link["index"],
            address=bridge.mac_address,
            mtu=bridge.mtu,
            state="up",
            ifalias=MARK_PREFIX + bridge.mark,
        )
        return
    ipr.link("set", index=index_of(bridge.ifname), ifalias=MARK_PREFIX + bridge.mark)


def ensure_veth(ipr: Any, veth: Veth) -> None:
    """Make the pair in one message, or set right the host's end of the one that is there."""
    master = index_of(veth.master)
    try:
        ipr.link(
            "add",
            ifname=veth.ifname,
            kind="veth",
            state="up",
            master=master,
            mtu=veth.mtu,
            group=GROUP_OURS,
            peer={
                "ifname": veth.peer,
                "address": veth.peer_mac_address,
                "mtu": veth.mtu,
                "group": GROUP_OURS,
            },
        )
    except NetlinkError as error:
        if netlink.code(error) != errno.EEXIST:
            raise
        link = our_link(ipr, veth.ifname, veth.mark, "veth")
        ipr.link(
            "set",
            index=link["index"],
            master=master,
            mtu=veth.mtu,
            state="up",
            ifalias=MARK_PREFIX + veth.mark,
        )
        return
    ipr.link("set", index=index_of(veth.ifname), ifalias=MARK_PREFIX + veth.mark)


def ensure_hairpin(ipr: Any, hairpin: Hairpin) -> None:
    """Switch the flag on (linux/if_link.h: IFLA_BRPORT_MODE 1)."""
    ipr.brport("set", index=index_of(hairpin.ifname), mode=1)


def remove_hairpin(ipr: Any, hairpin: Hairpin) -> None:
    """Switch the flag off, if the port is still there and ours."""
    link = find(ipr, hairpin.ifname)
    if link is not None and is_ours(link):
        ipr.brport("set", index=link["index"], mode=0)


def doom(ipr: Any, resource: Bridge | Veth | Detour) -> bool:
    """Leave the link to the reaper; False if it is not there or not ours."""
    link = find(ipr, resource.ifname)
    if link is None or not is_ours(link) or _mark(link) not in (None, resource.mark):
        return False
    ipr.link("set", index=link["index"], group=GROUP_DOOMED, state="down")
    return True


def read_bridge(ipr: Any, bridge: Bridge) -> Bridge | None:
    """The bridge as it is, or None; an adopted one is right as it is, if it is up."""
    link = find(ipr, bridge.ifname)
    if link is None:
        return None
    if bridge.adoptable and _is_foreign_bridge(link) and link["flags"] & _IFF_UP:
        return bridge
    return replace(_as_bridge(link), adoptable=bridge.adoptable)


def read_veth(ipr: Any, veth: Veth) -> Veth | None:
    """The pair as the host's end shows it; the other end's name and address are taken on trust."""
    link = find(ipr, veth.ifname)
    return None if link is None else _as_veth(link, veth)


def read_hairpin(ipr: Any, hairpin: Hairpin) -> Hairpin | None:
    """The flag, if it is on."""
    link = find(ipr, hairpin.ifname)
    if link is None:
        return None
    data = link.get_nested("IFLA_LINKINFO", "IFLA_INFO_SLAVE_DATA")
    return hairpin if data and data.get_attr("IFLA_BRPORT_MODE") else None


def read_marked(ipr: Any) -> frozenset[Bridge | Veth | Detour]:
    """Every link of ours that is not doomed, peers excepted: they go with their pairs."""
    found: set[Bridge | Veth | Detour] = set()
    for link in ipr.link("dump"):
        if not is_ours(link):
            continue
        ifname = IfName(link.get_attr("IFLA_IFNAME"))
        mark = _mark(link)
        kind = link.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND")
        if kind == "bridge":
            found.add(_as_bridge(link))
        elif kind == "ifb":
            found.add(Detour(ifname=ifname, source=IfName(""), mark=mark or ""))
        elif kind == "veth" and (mark is not None or link.get_attr("IFLA_MASTER")):
            found.add(
                Veth(
                    ifname=ifname,
                    peer=IfName(""),
                    peer_mac_address=MacAddress(""),
                    master=_name_of(link.get_attr("IFLA_MASTER")),
                    mtu=link.get_attr("IFLA_MTU"),
                    mark=mark or "",
                )
            )
    return frozenset(found)


def docker_bridges(ipr: Any) -> frozenset[IfName]:
    """Bridges that Docker's own drivers made, known by the names it gives them.

    moby, drivers/bridge: docker0 and docker_gwbridge, and br- with twelve digits of an id.
    """
    names = (link.get_attr("IFLA_IFNAME") for link in ipr.link("dump", kind="bridge"))
    return frozenset(IfName(name) for name in names if is_docker_bridge(name))


def is_docker_bridge(name: str) -> bool:
    """Whether a bridge of that name is Docker's."""
    return _DOCKER_BRIDGE.fullmatch(name) is not None


def find(ipr: Any, ifname: IfName) -> Any | None:
    """The link of that name, or None."""
    try:
        return ipr.link("get", ifname=ifname)[0]
    except NetlinkError as error:
        if netlink.is_gone(error):
            return None
        raise


def is_ours(link: Any) -> bool:
    """Whether the link carries our mark and is not left to the reaper already."""
    return bool(link.get_attr("IFLA_GROUP") == GROUP_OURS)


def is_doomed(link: Any) -> bool:
    """Whether the link is left to the reaper."""
    return bool(link.get_attr("IFLA_GROUP") == GROUP_DOOMED)


def index_of(ifname: IfName) -> int:
    """The number of a link that must be there."""
    try:
        return socket.if_nametoindex(ifname)
    except OSError as error:
        raise KernelError(f"link {ifname} is not there") from error


def _adopt(ipr: Any, bridge: Bridge) -> bool:
    """Use a bridge that somebody else made, if it is one; all it needs is to be up."""
    link = find(ipr, bridge.ifname)
    if link is None or not _is_foreign_bridge(link):
        return False
    if not link["flags"] & _IFF_UP:
        ipr.link("set", index=link["index"], state="up")
    return True


def _is_foreign_bridge(link: Any) -> bool:
    kind = link.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND")
    return kind == "bridge" and not is_ours(link) and not is_doomed(link)


def our_link(ipr: Any, ifname: IfName, mark: str, kind: str) -> Any:
    """The link of that name, which must be of the kind and carry the mark.

    Raises ForeignLinkError if it is somebody else's.
    """
    link = find(ipr, ifname)
    if link is None:
        raise KernelError(f"link {ifname} went away while it was being made")
    same_kind = link.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND") == kind
    if not same_kind or not is_ours(link) or _mark(link) not in (None, mark):
        raise ForeignLinkError(
            f"a link named {ifname} exists and is not this network's; "
            f"remove it or choose another name"
        )
    return link


def _mark(link: Any) -> str | None:
    alias = link.get_attr("IFLA_IFALIAS") or ""
    return alias.removeprefix(MARK_PREFIX) if alias.startswith(MARK_PREFIX) else None


def _as_bridge(link: Any) -> Bridge:
    return Bridge(
        ifname=IfName(link.get_attr("IFLA_IFNAME")),
        mac_address=MacAddress(link.get_attr("IFLA_ADDRESS")),
        mtu=link.get_attr("IFLA_MTU"),
        mark=_state_mark(link),
    )


def _as_veth(link: Any, wanted: Veth) -> Veth:
    return Veth(
        ifname=wanted.ifname,
        peer=wanted.peer,
        peer_mac_address=wanted.peer_mac_address,
        master=_name_of(link.get_attr("IFLA_MASTER")),
        mtu=link.get_attr("IFLA_MTU"),
        mark=_state_mark(link),
    )


def _state_mark(link: Any) -> str:
    """The mark; empty if the link is down or not ours, so that it differs from any plan."""
    up = link["flags"] & _IFF_UP
    return (_mark(link) or "") if up and is_ours(link) else ""


def _name_of(index: int | None) -> IfName:
    try:
        return IfName(socket.if_indextoname(index)) if index else IfName("")
    except OSError:
        return IfName("")
