"""Bridges, veth pairs and their flags; and what all links of ours have in common.

The group of a link is set in the message that makes it, so a link of ours is known for
ours even if the process dies before the alias (which names the network) is written:
the kernel takes no alias at creation (net/core/rtnetlink.c, rtnl_create_link).

Links are not deleted here.  A deletion keeps its caller waiting for an RCU grace period,
16 ms and more, while all links of a group are deleted in one: removal moves the link to
the group DOOMED and the reaper deletes the group.
"""

import errno
import socket
from dataclasses import replace
from typing import Final

from plugin.errors import ForeignLinkError, KernelError
from plugin.kernel.netlink.link_messages import LinkChange, LinkInfo, veth_peer
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName
from plugin.model.resources import MARK_PREFIX, Bridge, Hairpin, LinkResource, Veth

GROUP_OURS: Final = 0x706E
GROUP_DOOMED: Final = 0x706F
# All but pause frames, which no bridge passes on (net/bridge/br_sysfs_if.c, Linux 4.15).
_GROUP_FORWARD: Final = 0xFFFD


def ensure_bridge(rtnl: Rtnl, bridge: Bridge) -> None:
    """Make the bridge, or set right what differs on the one that is there."""
    wanted = LinkChange(mac_address=bridge.mac_address, mtu=bridge.mtu, up=True)
    alias = MARK_PREFIX + bridge.mark
    try:
        rtnl.add_link("bridge", replace(wanted, ifname=bridge.ifname, group=GROUP_OURS))
    except RtnlError as error:
        if error.code != errno.EEXIST:
            raise
        if bridge.adoptable and _adopt(rtnl, bridge):
            return
        link = our_link(rtnl, bridge.ifname, bridge.mark, "bridge")
        rtnl.change_link(link.index, replace(wanted, alias=alias))
        return
    rtnl.change_link(index_of(bridge.ifname), LinkChange(alias=alias))


def ensure_veth(rtnl: Rtnl, veth: Veth) -> None:
    """Make the pair in one message, or set right the host's end of the one that is there.

    A bridge gives frames for 01:80:C2:00:00:0X (IEEE 802.1D, table 7-10) to the host as received
    by the port, past all that guards ports and bridges, and learns their source
    (net/bridge/br_input.c, br_handle_frame).  This port has them bridged as any other frame.
    """
    wanted = LinkChange(master=index_of(veth.master), mtu=veth.mtu, up=True)
    alias = MARK_PREFIX + veth.mark
    peer = LinkChange(
        ifname=veth.peer, mac_address=veth.peer_mac_address, mtu=veth.mtu, group=GROUP_OURS
    )
    try:
        made = replace(wanted, ifname=veth.ifname, group=GROUP_OURS)
        rtnl.add_link("veth", made, veth_peer(peer))
    except RtnlError as error:
        if error.code != errno.EEXIST:
            raise
        link = our_link(rtnl, veth.ifname, veth.mark, "veth")
        rtnl.change_link(link.index, wanted)
    change = LinkChange(alias=alias, group_forward=_GROUP_FORWARD)
    rtnl.change_link(index_of(veth.ifname), change)


def ensure_hairpin(rtnl: Rtnl, hairpin: Hairpin) -> None:
    """Switch the flag on."""
    rtnl.set_hairpin(index_of(hairpin.ifname), on=True)


def remove_hairpin(rtnl: Rtnl, hairpin: Hairpin) -> None:
    """Switch the flag off, if the port is still there and ours."""
    link = rtnl.link(hairpin.ifname)
    if link is not None and is_ours(link) and link.master:
        rtnl.set_hairpin(link.index, on=False)


def doom(rtnl: Rtnl, resource: LinkResource) -> bool:
    """Leave the link to the reaper; False if it is not there or not ours."""
    link = rtnl.link(resource.ifname)
    if link is None or not is_ours(link) or mark_of(link) not in (None, resource.mark):
        return False
    rtnl.change_link(link.index, LinkChange(group=GROUP_DOOMED, up=False))
    return True


def read_bridge(rtnl: Rtnl, bridge: Bridge) -> Bridge | None:
    """The bridge as it is, or None; an adopted one is right as it is, if it is up."""
    link = rtnl.link(bridge.ifname)
    if link is None:
        return None
    if bridge.adoptable and _is_foreign_bridge(link) and link.up:
        return bridge
    return replace(as_bridge(link), adoptable=bridge.adoptable)


def read_veth(rtnl: Rtnl, veth: Veth) -> Veth | None:
    """The pair as the host's end shows it; the other end's name and address are taken on trust."""
    link = rtnl.link(veth.ifname)
    if link is None:
        return None
    guarded = link.group_forward in (None, _GROUP_FORWARD)  # an older kernel has no such setting
    mark = mark_if_right(link) if guarded else ""
    return replace(veth, master=name_of(link.master), mtu=link.mtu, mark=mark)


def read_hairpin(rtnl: Rtnl, hairpin: Hairpin) -> Hairpin | None:
    """The flag, if it is on."""
    link = rtnl.link(hairpin.ifname)
    return hairpin if link is not None and link.hairpin else None


def is_ours(link: LinkInfo) -> bool:
    """Whether the link carries our mark and is not left to the reaper already."""
    return link.group == GROUP_OURS


def is_doomed(link: LinkInfo) -> bool:
    """Whether the link is left to the reaper."""
    return link.group == GROUP_DOOMED


def index_of(ifname: IfName) -> int:
    """The number of a link that must be there."""
    try:
        return socket.if_nametoindex(ifname)
    except OSError as error:
        raise KernelError(
            f"link {ifname} is not there; one of the host's must be plugged in or get its name "
            "again, one of pynet's comes back with the next tick"
        ) from error


def our_link(rtnl: Rtnl, ifname: IfName, mark: str, *kinds: str) -> LinkInfo:
    """The link of that name, which must be of one of the kinds and carry the mark.

    Raises ForeignLinkError if it is somebody else's.
    """
    link = rtnl.link(ifname)
    if link is None:
        raise KernelError(f"link {ifname} went away while it was being made")
    if link.kind not in kinds or not is_ours(link) or mark_of(link) not in (None, mark):
        raise ForeignLinkError(
            f"a link named {ifname} exists and is not this network's; "
            f"remove it or choose another name"
        )
    return link


def mark_of(link: LinkInfo) -> str | None:
    """Network, or network and endpoint, as the alias says; None before it is written."""
    if not link.alias.startswith(MARK_PREFIX):
        return None
    return link.alias.removeprefix(MARK_PREFIX)


def as_bridge(link: LinkInfo) -> Bridge:
    """A bridge as it is."""
    return Bridge(
        ifname=link.ifname,
        mac_address=link.mac_address,
        mtu=link.mtu,
        mark=mark_if_right(link),
    )


def mark_if_right(link: LinkInfo) -> str:
    """The mark; empty if the link is down or not ours, so that it differs from any plan."""
    return (mark_of(link) or "") if link.up and is_ours(link) else ""


def name_of(index: int) -> IfName:
    """The name of the link with that number; empty if there is none."""
    try:
        return IfName(socket.if_indextoname(index)) if index else IfName("")
    except OSError:
        return IfName("")


def _adopt(rtnl: Rtnl, bridge: Bridge) -> bool:
    """Use a bridge that somebody else made, if it is one; all it needs is to be up."""
    link = rtnl.link(bridge.ifname)
    if link is None or not _is_foreign_bridge(link):
        return False
    if not link.up:
        rtnl.change_link(link.index, LinkChange(up=True))
    return True


def _is_foreign_bridge(link: LinkInfo) -> bool:
    return link.kind == "bridge" and not is_ours(link) and not is_doomed(link)
