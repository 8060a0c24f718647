"""Bridge ports: veth pairs, and the flag that lets a port send frames back."""

import errno
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar, Final

from plugin.kernel.handler import ListedLinks, Session
from plugin.kernel.links import ownership
from plugin.kernel.links.link_handler import LinkHandler
from plugin.kernel.netlink.link_messages import LinkChange, LinkInfo, veth_peer
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import OWNER_PREFIX, Hairpin, Veth

# All but pause frames, which no bridge passes on (net/bridge/br_sysfs_if.c, Linux 4.15).
GROUP_FORWARD: Final = 0xFFFD


class VethHandler(ListedLinks[Veth], LinkHandler[Veth]):
    """Pairs of which the host's end is a bridge port."""

    patient: ClassVar[bool] = True

    def make(self, rtnl: Rtnl, veth: Veth) -> None:
        """Make the pair in one message, or correct the host's end of the pair that is there.

        A bridge gives frames for 01:80:C2:00:00:0X (IEEE 802.1D, table 7-10) to the host as received
        by the port.  They bypass the guards, and the bridge learns their source
        (net/bridge/br_input.c, br_handle_frame).  This port bridges them like any other frame.
        """
        wanted = LinkChange(master=ownership.index_of(veth.master), mtu=veth.mtu, up=True)
        alias = OWNER_PREFIX + veth.owner
        peer = LinkChange(
            ifname=veth.peer,
            mac_address=veth.peer_mac_address,
            mtu=veth.mtu,
            group=ownership.GROUP_OURS,
        )
        try:
            made = replace(wanted, ifname=veth.ifname, group=ownership.GROUP_OURS)
            rtnl.add_link("veth", made, veth_peer(peer))
        except RtnlError as error:
            if error.code != errno.EEXIST:
                raise
            link = ownership.owned_link(rtnl, veth.ifname, veth.owner, "veth")
            rtnl.change_link(link.index, wanted)
        change = LinkChange(ifname=veth.ifname, alias=alias, group_forward=GROUP_FORWARD)
        rtnl.change_link(0, change)

    def read_one(self, session: Session, value: Veth) -> Veth | None:
        """The pair as the host's end shows it; the other end's name and address are taken on trust."""
        link = session.link(value.ifname)
        if link is None:
            return None
        guarded = link.group_forward in (
            None,
            GROUP_FORWARD,
        )  # an older kernel has no such setting
        owner = ownership.owner_if_right(link) if guarded else ""
        master = session.name_of(link.master)
        if (master, link.mtu, owner) == (value.master, value.mtu, value.owner):
            return value  # nearly always, and a copy takes four times as long
        return replace(value, master=master, mtu=link.mtu, owner=owner)

    def read_all(self, session: Session) -> Iterable[Veth]:
        """Pairs by the host's ends: the peers go with them."""
        for link in session.look(ownership.OwnedLinks).of("veth"):
            if ownership.owner_of(link) is not None or link.master:
                yield _as_veth(session, link)


class HairpinHandler(ListedLinks[Hairpin]):
    """The flag of a bridge port."""

    def ensure_one(self, session: Session, value: Hairpin) -> None:
        session.rtnl.set_hairpin(ownership.index_of(value.ifname), on=True)

    def remove_one(self, session: Session, value: Hairpin) -> None:
        """Switch the flag off, if the port is still there and belongs to pynet."""
        link = session.rtnl.link(value.ifname)
        if link is not None and ownership.is_ours(link) and link.master:
            session.rtnl.set_hairpin(link.index, on=False)

    def read_one(self, session: Session, value: Hairpin) -> Hairpin | None:
        link = session.link(value.ifname)
        return value if link is not None and link.hairpin else None


def _as_veth(session: Session, link: LinkInfo) -> Veth:
    return Veth(
        ifname=link.ifname,
        peer=IfName(""),
        peer_mac_address=MacAddress(""),
        master=session.name_of(link.master),
        mtu=link.mtu,
        owner=ownership.owner_of(link) or "",
    )
