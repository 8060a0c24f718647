"""802.1Q sub-interfaces, which several networks may stand on."""

import errno
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from plugin.errors import KernelError, RefusedError
from plugin.kernel.handler import Session, name_of
from plugin.kernel.links import ownership
from plugin.kernel.links.link_errors import vlan_refusal
from plugin.kernel.links.link_handler import LinkHandler
from plugin.kernel.links.stacking import is_used, standing_on
from plugin.kernel.netlink.link_messages import (
    IFLA_VLAN_ID,
    IFLA_VLAN_PROTOCOL,
    LinkChange,
    LinkInfo,
)
from plugin.kernel.netlink.messages import U16, attribute
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.links import OWNER_PREFIX, Vlan

_802_1Q: Final = b"\x81\x00"  # and not 802.1ad


class VlanHandler(LinkHandler[Vlan]):
    """Sub-interfaces: those that pynet makes, and equal ones of other owners."""

    def make(self, rtnl: Rtnl, vlan: Vlan) -> None:
        """Make the sub-interface, or use an equal one of another owner; set it up.

        Raises RefusedError.
        """
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
        rtnl.change_link(
            ownership.index_of(vlan.ifname), LinkChange(alias=OWNER_PREFIX + vlan.owner)
        )

    def remove_one(self, session: Session, value: Vlan) -> None:
        """Leave a sub-interface that others use: the kernel would delete the links on it, too."""
        link = session.rtnl.link(value.ifname)
        if link is None or not ownership.is_ours(link) or is_used(session.rtnl, link):
            return
        self.delete_later(session.rtnl, value)

    def read_one(self, session: Session, value: Vlan) -> Vlan | None:
        """The sub-interface as it is; one that was adopted is right if it is up."""
        link = session.link(value.ifname)
        if link is None or ownership.is_deleting(link):
            return None
        if not ownership.is_ours(link) and link.up and _is_same(link, value):
            return value
        return replace(
            value,
            parent=name_of(link.parent),
            number=vlan_number(link) or 0,
            owner=ownership.owner_if_right(link),
        )

    def read_all(self, session: Session) -> Iterable[Vlan]:
        """All but those that others use: they are removed once the others are gone."""
        for link in session.look(ownership.OwnedLinks).of("vlan"):
            if not is_used(session.rtnl, link):
                yield Vlan(
                    ifname=link.ifname,
                    parent=name_of(link.parent),
                    number=vlan_number(link) or 0,
                    owner=ownership.owner_of(link) or "",
                )


def vlan_number(link: LinkInfo) -> int | None:
    """The number of a VLAN; None for another kind of link, and for a tag of a provider's."""
    tagged = link.kind == "vlan" and link.data.get(IFLA_VLAN_PROTOCOL, _802_1Q) == _802_1Q
    packed = link.data.get(IFLA_VLAN_ID) if tagged else None
    return None if packed is None else int(U16.unpack(packed)[0])


def _adopt(rtnl: Rtnl, vlan: Vlan) -> bool:
    """Use a sub-interface of another owner; only set it up."""
    link = rtnl.link(vlan.ifname)
    if link is None or ownership.is_ours(link) or not _is_same(link, vlan):
        return False
    if not link.up:
        rtnl.change_link(link.index, LinkChange(up=True))
    return True


def _take_up(rtnl: Rtnl, vlan: Vlan, made: LinkChange) -> None:
    """Use the sub-interface that pynet made before, or make it again on the right parent."""
    if rtnl.link(vlan.ifname) is None:
        raise _other_name(rtnl, vlan)
    link = ownership.owned_link(rtnl, vlan.ifname, vlan.owner, "vlan")
    if _is_same(link, vlan):
        rtnl.change_link(link.index, LinkChange(up=True))
        return
    if is_used(rtnl, link) or any(standing_on(rtnl, link.index)):
        raise RefusedError(
            f"{vlan.ifname} is VLAN {vlan_number(link)} of {name_of(link.parent)}, whose name "
            f"was {vlan.parent} when it was made, and links stand on it; stop its containers, or "
            "give the parents their names again"
        )
    rtnl.delete_link(link.index)
    _add_vlan(rtnl, vlan, made)


def _other_name(rtnl: Rtnl, vlan: Vlan) -> Exception:
    """The refusal: the kernel has one link per number, with another name or in another namespace."""
    for link in standing_on(rtnl, ownership.index_of(vlan.parent)):
        if vlan_number(link) == vlan.number:
            known = f"VLAN {vlan.number} of {vlan.parent} is there already, as {link.ifname}"
            if link.parent_nsid is None:
                return RefusedError(f"{known}; use parent={link.ifname}")
            return RefusedError(
                f"{known} in another network namespace; bring it back, or choose another VLAN"
            )
    return KernelError(f"link {vlan.ifname} went away while it was being made; try again")


def _add_vlan(rtnl: Rtnl, vlan: Vlan, made: LinkChange) -> None:
    rtnl.add_link("vlan", made, attribute(IFLA_VLAN_ID, U16.pack(vlan.number)))


def _is_same(link: LinkInfo, vlan: Vlan) -> bool:
    return vlan_number(link) == vlan.number and name_of(link.parent) == vlan.parent
