"""Bridges: those that pynet makes, and adopted ones."""

import errno
from collections.abc import Iterable
from dataclasses import replace

from plugin.kernel.handler import ListedLinks, Session
from plugin.kernel.links import ownership
from plugin.kernel.links.link_handler import LinkHandler
from plugin.kernel.netlink.link_messages import LinkChange, LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.links import OWNER_PREFIX, Bridge


class BridgeHandler(ListedLinks[Bridge], LinkHandler[Bridge]):
    """Bridges that networks use."""

    def make(self, rtnl: Rtnl, bridge: Bridge) -> None:
        """Make the bridge, or set right what differs on the one that is there."""
        made = LinkChange(mac_address=bridge.mac_address, up=True)
        # Without a change of its MTU a bridge takes another with each port that comes or goes
        # (net/bridge/br_if.c, br_mtu_auto_adjust).
        wanted = LinkChange(alias=OWNER_PREFIX + bridge.owner, mtu=bridge.mtu)
        try:
            rtnl.add_link("bridge", replace(made, ifname=bridge.ifname, group=ownership.GROUP_OURS))
        except RtnlError as error:
            if error.code != errno.EEXIST:
                raise
            if bridge.adoptable and _adopt(rtnl, bridge):
                return
            found = ownership.owned_link(rtnl, bridge.ifname, bridge.owner, "bridge")
            rtnl.change_link(found.index, replace(wanted, mac_address=bridge.mac_address, up=True))
            return
        rtnl.change_link(ownership.index_of(bridge.ifname), wanted)

    def read_one(self, session: Session, value: Bridge) -> Bridge | None:
        """The bridge as it is; an adopted one is right as it is, if it is up."""
        link = session.link(value.ifname)
        if link is None:
            return None
        if value.adoptable and _is_foreign_bridge(link) and link.up:
            return value
        return replace(_as_bridge(link), adoptable=value.adoptable)

    def read_all(self, session: Session) -> Iterable[Bridge]:
        """With its owner also while it is down: without an owner it could not be removed."""
        for link in session.look(ownership.OwnedLinks).of("bridge"):
            yield replace(_as_bridge(link), owner=ownership.owner_of(link) or "")


def _adopt(rtnl: Rtnl, bridge: Bridge) -> bool:
    """Use the link of another owner, if it is a bridge; only set it up."""
    link = rtnl.link(bridge.ifname)
    if link is None or not _is_foreign_bridge(link):
        return False
    if not link.up:
        rtnl.change_link(link.index, LinkChange(up=True))
    return True


def _as_bridge(link: LinkInfo) -> Bridge:
    """A bridge as it is."""
    return Bridge(
        ifname=link.ifname,
        mac_address=link.mac_address,
        mtu=link.mtu,
        owner=ownership.owner_if_right(link),
    )


def _is_foreign_bridge(link: LinkInfo) -> bool:
    return link.kind == "bridge" and not ownership.is_ours(link) and not ownership.is_deleting(link)
