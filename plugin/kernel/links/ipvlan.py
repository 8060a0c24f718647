"""Ipvlan links: their parent's MAC address, and addresses of their own."""

import errno
import time
from collections.abc import Iterable
from typing import Final

from plugin import deadline
from plugin.errors import RefusedError
from plugin.kernel.handler import Session
from plugin.kernel.links import children, ownership
from plugin.kernel.links.children import ChildHandler, make_child
from plugin.kernel.netlink.link_messages import (
    IFA_F_NODAD,
    IFLA_IPVLAN_FLAGS,
    IFLA_IPVLAN_MODE,
    LinkChange,
)
from plugin.kernel.netlink.messages import U16, attribute
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName
from plugin.model.links import Ipvlan, IpvlanFlag, IpvlanMode
from plugin.model.network import IPInterface

_FLAGS: Final = {4: 0, 6: IFA_F_NODAD}


class IpvlanHandler(ChildHandler[Ipvlan]):
    """Ipvlan links of endpoints."""

    def make(self, rtnl: Rtnl, ipvlan: Ipvlan) -> None:
        """Make the link, down; its addresses may take a while to become free."""
        made = LinkChange(
            ifname=ipvlan.ifname,
            parent=ownership.index_of(ipvlan.parent),
            mtu=ipvlan.mtu,
            group=ownership.GROUP_OURS,
        )
        mode = attribute(IFLA_IPVLAN_MODE, U16.pack(ipvlan.mode))
        make_child(
            rtnl, ipvlan, "ipvlan", made, mode + attribute(IFLA_IPVLAN_FLAGS, U16.pack(ipvlan.flag))
        )
        index = ownership.index_of(ipvlan.ifname)
        for interface in ipvlan.addresses:
            try:
                _await_address(rtnl, index, interface, ipvlan.parent)
            except RefusedError:
                rtnl.delete_link(index)
                raise

    def read_all(self, session: Session) -> Iterable[Ipvlan]:
        for link in session.look(ownership.OwnedLinks).of_endpoints("ipvlan"):
            yield Ipvlan(
                ifname=link.ifname,
                parent=session.name_of(link.parent),
                mode=IpvlanMode.L2,
                flag=IpvlanFlag.BRIDGE,
                mtu=link.mtu,
                owner=ownership.owner_of(link) or "",
            )


def _await_address(rtnl: Rtnl, index: int, interface: IPInterface, parent: IfName) -> None:
    """Wait until no other ipvlan link of the parent has the address, even in an ending namespace.

    Only the kernel knows, and refuses the address to a second link (drivers/net/ipvlan,
    ipvlan_addr_busy).  Without this wait the engine would get that error and fail the start.
    """
    end = time.monotonic() + deadline.remaining(children.PATIENCE_SECONDS)
    while True:
        try:
            rtnl.add_address(index, interface, flags=_FLAGS[interface.version], protocol=0)
        except RtnlError as error:
            if error.code != errno.EADDRINUSE:
                return  # as without IPv6: the engine reports it
        else:
            rtnl.delete_address(index, interface)
            return
        if time.monotonic() > end:
            raise RefusedError(
                f"address {interface.ip} is in use on {parent}: another ipvlan link there has it; "
                "stop the container that has it, or choose another address (--ip, --ip6)"
            )
        time.sleep(children.POLL_SECONDS)
