"""Links that stand on a parent: those that are handed over, and parents that are ours.

dockerd moves such a link into the sandbox as it is, so that the host sees it no more; where
it is then is for ``sandboxes`` to find out.
"""

import errno
import time
from dataclasses import replace
from typing import Final

from plugin import deadline
from plugin.errors import KernelError, RefusedError
from plugin.kernel.links import ownership
from plugin.kernel.links.link_errors import NO_SUCH_KIND, child_refusal, vlan_refusal
from plugin.kernel.links.stacking import is_used, standing_on
from plugin.kernel.netlink.link_messages import (
    IFLA_IPVLAN_FLAGS,
    IFLA_IPVLAN_MODE,
    IFLA_MACVLAN_MODE,
    IFLA_VLAN_ID,
    IFLA_VLAN_PROTOCOL,
    LinkChange,
    LinkInfo,
)
from plugin.kernel.netlink.messages import U16, U32, attribute
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName, MacAddress
from plugin.model.network import IPInterface
from plugin.model.resources import (
    MARK_PREFIX,
    Dummy,
    HandedOver,
    Ipvlan,
    Macvlan,
    MacvlanMode,
    Vlan,
)

# A link that dies with its sandbox has its address, and its parent, until the kernel gets to it.
PATIENCE_SECONDS: Final = 8.0
GLANCE_SECONDS: Final = 2.0  # for one that may be alive
_POLL_SECONDS: Final = 0.02
_OCCUPIED: Final = (errno.EBUSY, errno.EINVAL)  # by the other kind, by passthru
_802_1Q: Final = b"\x81\x00"  # and not 802.1ad
_NODAD: Final = {4: 0, 6: 0x02}  # linux/if_addr.h, IFA_F_NODAD
_DUMMY_KINDS: Final = ("dummy", "ifb")  # who has not the one has the other: both lead nowhere


def ensure_macvlan(rtnl: Rtnl, macvlan: Macvlan) -> None:
    """Make the link, down; its MAC address may take a while to become free."""
    parent = ownership.index_of(macvlan.parent)
    if macvlan.mac_address is not None:
        _await_free(rtnl, macvlan.parent, parent, macvlan)
    made = LinkChange(
        ifname=macvlan.ifname,
        parent=parent,
        mac_address=macvlan.mac_address,
        mtu=macvlan.mtu,
        group=ownership.GROUP_OURS,
    )
    mode = attribute(IFLA_MACVLAN_MODE, U32.pack(macvlan.mode))
    _ensure_child(rtnl, macvlan, made, mode)


def read_handed_over(rtnl: Rtnl, child: HandedOver) -> HandedOver | None:
    """The link as the host shows it while it has not been handed over."""
    link = rtnl.link(child.ifname)
    if link is None or ownership.is_doomed(link):
        return None
    mark = (ownership.mark_of(link) or "") if ownership.is_ours(link) else ""
    return replace(child, parent=ownership.name_of(link.parent), mark=mark)


def ensure_ipvlan(rtnl: Rtnl, ipvlan: Ipvlan) -> None:
    """Make the link, down; its addresses may take a while to become free."""
    made = LinkChange(
        ifname=ipvlan.ifname,
        parent=ownership.index_of(ipvlan.parent),
        mtu=ipvlan.mtu,
        group=ownership.GROUP_OURS,
    )
    mode = attribute(IFLA_IPVLAN_MODE, U16.pack(ipvlan.mode))
    _ensure_child(rtnl, ipvlan, made, mode + attribute(IFLA_IPVLAN_FLAGS, U16.pack(ipvlan.flag)))
    index = ownership.index_of(ipvlan.ifname)
    for interface in ipvlan.addresses:
        try:
            _await_address(rtnl, index, interface, ipvlan.parent)
        except RefusedError:
            rtnl.delete_link(index)
            raise


def ensure_vlan(rtnl: Rtnl, vlan: Vlan) -> None:
    """Make the sub-interface, or use the one that somebody else made; up."""
    made = LinkChange(
        ifname=vlan.ifname,
        parent=ownership.index_of(vlan.parent),
        group=ownership.GROUP_OURS,
        up=True,
    )
    try:
        _add_vlan(rtnl, vlan, made)
    except RtnlError as error:
        refusal = vlan_refusal(vlan.parent, error)
        if refusal is not None:
            raise refusal from error
        if error.code != errno.EEXIST:
            raise
        if _adopt(rtnl, vlan):
            return
        _take_up(rtnl, vlan, made)
    rtnl.change_link(ownership.index_of(vlan.ifname), LinkChange(alias=MARK_PREFIX + vlan.mark))


def read_vlan(rtnl: Rtnl, vlan: Vlan) -> Vlan | None:
    """The sub-interface as it is; one that was adopted is right if it is up."""
    link = rtnl.link(vlan.ifname)
    if link is None or ownership.is_doomed(link):
        return None
    if not ownership.is_ours(link) and link.up and _is_same(link, vlan):
        return vlan
    parent, number = ownership.name_of(link.parent), vlan_number(link) or 0
    return replace(vlan, parent=parent, number=number, mark=ownership.mark_if_right(link))


def is_needed(rtnl: Rtnl, vlan: Vlan) -> bool:
    """Whether the sub-interface is ours and somebody else needs it."""
    link = rtnl.link(vlan.ifname)
    return link is not None and ownership.is_ours(link) and is_used(rtnl, link)


def vlan_number(link: LinkInfo) -> int | None:
    """The number of a VLAN; None for another kind of link, and for a tag of a provider's."""
    tagged = link.kind == "vlan" and link.data.get(IFLA_VLAN_PROTOCOL, _802_1Q) == _802_1Q
    packed = link.data.get(IFLA_VLAN_ID) if tagged else None
    return None if packed is None else int(U16.unpack(packed)[0])


def ensure_dummy(rtnl: Rtnl, dummy: Dummy) -> None:
    """Make the link, up."""
    wanted = LinkChange(mtu=dummy.mtu, up=True)
    alias = MARK_PREFIX + dummy.mark
    try:
        _add_dummy(rtnl, replace(wanted, ifname=dummy.ifname, group=ownership.GROUP_OURS))
    except RtnlError as error:
        if error.code != errno.EEXIST:
            raise
        link = ownership.our_link(rtnl, dummy.ifname, dummy.mark, *_DUMMY_KINDS)
        rtnl.change_link(link.index, replace(wanted, alias=alias))
        return
    rtnl.change_link(ownership.index_of(dummy.ifname), LinkChange(alias=alias))


def read_dummy(rtnl: Rtnl, dummy: Dummy) -> Dummy | None:
    """The link as it is."""
    link = rtnl.link(dummy.ifname)
    if link is None:
        return None
    return replace(dummy, mtu=link.mtu, mark=ownership.mark_if_right(link))


def _ensure_child(rtnl: Rtnl, child: HandedOver, made: LinkChange, data: bytes) -> None:
    kind = "macvlan" if isinstance(child, Macvlan) else "ipvlan"
    try:
        _add_child(rtnl, child.parent, kind, made, data)
    except RtnlError as error:
        refusal = child_refusal(rtnl, kind, child.parent, child.mtu, error)
        if refusal is not None:
            raise refusal from error
        if error.code != errno.EEXIST:
            raise
        ownership.our_link(rtnl, child.ifname, child.mark, kind)
    rtnl.change_link(ownership.index_of(child.ifname), LinkChange(alias=MARK_PREFIX + child.mark))


def _add_child(rtnl: Rtnl, parent: IfName, kind: str, made: LinkChange, data: bytes) -> None:
    """Add the link, when what died with its sandbox has let go of the parent.

    Such a link can be seen for a moment, as one that lives, and then not any more, and is there
    until the kernel gets to it (net/core/net_namespace.c, cleanup_net).
    """
    begun, longest = time.monotonic(), deadline.remaining(PATIENCE_SECONDS)
    while True:
        try:
            rtnl.add_link(kind, made, data)
        except RtnlError as error:
            waited = time.monotonic() - begun
            if error.code not in _OCCUPIED or waited >= longest:
                raise
            if waited >= _patience(rtnl, parent, made.mtu):
                raise
        else:
            return
        time.sleep(_POLL_SECONDS)


def _patience(rtnl: Rtnl, parent: IfName, mtu: int | None) -> float:
    """How long what is in the way may be about to go."""
    link = rtnl.link(parent)
    if link is None or not link.ethernet or link.master or (mtu or 0) > link.mtu:
        return 0
    found = list(standing_on(rtnl, link.index))
    if any(each.parent_nsid is None for each in found):
        return 0
    return GLANCE_SECONDS if found else PATIENCE_SECONDS


def _await_free(rtnl: Rtnl, ifname: IfName, parent: int, macvlan: Macvlan) -> None:
    """Wait until no link that is up on the parent has the MAC address.

    Two cannot be up (drivers/net/macvlan.c, macvlan_addr_busy); the engine, which sets the link
    up, would be told "address already in use" and fail the start.
    """
    address = macvlan.mac_address
    own = rtnl.link(ifname)
    if own is not None and own.mac_address == address and macvlan.mode is not MacvlanMode.PASSTHRU:
        raise _in_use(address, ifname, "the parent itself has it")
    end = time.monotonic() + deadline.remaining(PATIENCE_SECONDS)
    while address in rtnl.unicast_filter(parent):
        if time.monotonic() > end:
            raise _in_use(address, ifname, "another link there has it")
        time.sleep(_POLL_SECONDS)


def _await_address(rtnl: Rtnl, index: int, interface: IPInterface, parent: IfName) -> None:
    """Wait until no other ipvlan link of the parent has the address, be it in a dying namespace.

    Only the kernel knows, and tells whoever would have the address too (drivers/net/ipvlan,
    ipvlan_addr_busy): that is the engine, which fails the start.
    """
    end = time.monotonic() + deadline.remaining(PATIENCE_SECONDS)
    while True:
        try:
            rtnl.add_address(index, interface, flags=_NODAD[interface.version], protocol=0)
        except RtnlError as error:
            if error.code != errno.EADDRINUSE:
                return  # as without IPv6: it is for the engine to say
        else:
            rtnl.delete_address(index, interface)
            return
        if time.monotonic() > end:
            raise RefusedError(
                f"address {interface.ip} is in use on {parent}: another ipvlan link there has it; "
                "stop the container that has it, or choose another address (--ip, --ip6)"
            )
        time.sleep(_POLL_SECONDS)


def _in_use(address: MacAddress | None, parent: IfName, why: str) -> RefusedError:
    return RefusedError(
        f"MAC address {address} is in use on {parent}: {why}; stop the container that has it, "
        "or choose another with --mac-address"
    )


def _adopt(rtnl: Rtnl, vlan: Vlan) -> bool:
    """Use a sub-interface that somebody else made; all it needs is to be up."""
    link = rtnl.link(vlan.ifname)
    if link is None or ownership.is_ours(link) or not _is_same(link, vlan):
        return False
    if not link.up:
        rtnl.change_link(link.index, LinkChange(up=True))
    return True


def _take_up(rtnl: Rtnl, vlan: Vlan, made: LinkChange) -> None:
    """Use the one that we made before, or make it anew where it is to be."""
    if rtnl.link(vlan.ifname) is None:
        raise _other_name(rtnl, vlan)
    link = ownership.our_link(rtnl, vlan.ifname, vlan.mark, "vlan")
    if _is_same(link, vlan):
        rtnl.change_link(link.index, LinkChange(up=True))
        return
    if is_used(rtnl, link) or any(standing_on(rtnl, link.index)):
        raise RefusedError(
            f"{vlan.ifname} is VLAN {vlan_number(link)} of {ownership.name_of(link.parent)}, whose name "
            f"was {vlan.parent} when it was made, and links stand on it; stop its containers, or "
            "give the parents their names again"
        )
    rtnl.delete_link(link.index)
    _add_vlan(rtnl, vlan, made)


def _other_name(rtnl: Rtnl, vlan: Vlan) -> Exception:
    """The kernel has one link for a number, whatever its name and wherever it is."""
    for link in standing_on(rtnl, ownership.index_of(vlan.parent)):
        if vlan_number(link) == vlan.number:
            known = f"VLAN {vlan.number} of {vlan.parent} is there already, as {link.ifname}"
            if link.parent_nsid is None:
                return RefusedError(f"{known}; say parent={link.ifname}")
            return RefusedError(
                f"{known} in another network namespace; bring it back, or choose another VLAN"
            )
    return KernelError(f"link {vlan.ifname} went away while it was being made; try again")


def _add_vlan(rtnl: Rtnl, vlan: Vlan, made: LinkChange) -> None:
    rtnl.add_link("vlan", made, attribute(IFLA_VLAN_ID, U16.pack(vlan.number)))


def _is_same(link: LinkInfo, vlan: Vlan) -> bool:
    return vlan_number(link) == vlan.number and ownership.name_of(link.parent) == vlan.parent


def _add_dummy(rtnl: Rtnl, made: LinkChange) -> None:
    for kind in _DUMMY_KINDS[:-1]:
        try:
            rtnl.add_link(kind, made)
        except RtnlError as error:
            if error.code not in NO_SUCH_KIND:
                raise
        else:
            return
    rtnl.add_link(_DUMMY_KINDS[-1], made)
