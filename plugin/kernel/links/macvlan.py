"""Macvlan links: a MAC address of their own on a parent."""

import time
from collections.abc import Iterable

from plugin import deadline
from plugin.errors import RefusedError
from plugin.kernel.handler import Session
from plugin.kernel.links import children, ownership
from plugin.kernel.links.children import ChildHandler, make_child
from plugin.kernel.netlink.link_messages import IFLA_MACVLAN_MODE, LinkChange
from plugin.kernel.netlink.messages import U32, attribute
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import Macvlan, MacvlanMode


class MacvlanHandler(ChildHandler[Macvlan]):
    """Macvlan links of endpoints."""

    def make(self, rtnl: Rtnl, macvlan: Macvlan) -> None:
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
        make_child(rtnl, macvlan, "macvlan", made, mode)

    def read_all(self, session: Session) -> Iterable[Macvlan]:
        for link in session.look(ownership.OwnedLinks).of_endpoints("macvlan"):
            yield Macvlan(
                ifname=link.ifname,
                parent=session.name_of(link.parent),
                mode=MacvlanMode.BRIDGE,
                mac_address=link.mac_address,
                mtu=link.mtu,
                owner=ownership.owner_of(link) or "",
            )


def _await_free(rtnl: Rtnl, ifname: IfName, parent: int, macvlan: Macvlan) -> None:
    """Wait until no link that is up on the parent has the MAC address.

    Two cannot be up (drivers/net/macvlan.c, macvlan_addr_busy).  The engine, which sets the link
    up, would get "address already in use" and fail the start.
    """
    address = macvlan.mac_address
    own = rtnl.link(ifname)
    if own is not None and own.mac_address == address and macvlan.mode is not MacvlanMode.PASSTHRU:
        raise _in_use(address, ifname, "the parent itself has it")
    end = time.monotonic() + deadline.remaining(children.PATIENCE_SECONDS)
    while address in rtnl.unicast_filter(parent):
        if time.monotonic() > end:
            raise _in_use(address, ifname, "another link there has it")
        time.sleep(children.POLL_SECONDS)


def _in_use(address: MacAddress | None, parent: IfName, why: str) -> RefusedError:
    return RefusedError(
        f"MAC address {address} is in use on {parent}: {why}; stop the container that has it, "
        "or choose another with --mac-address"
    )
