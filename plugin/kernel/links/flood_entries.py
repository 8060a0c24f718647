"""Whom a VXLAN device sends what is for everybody, and what it does not know the receiver of.

They are entries of the device's own table, at the hardware address of zeros.  The kernel keeps
several there, and takes one that is there already for done (drivers/net/vxlan, vxlan_fdb_append).
"""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from plugin.kernel.handler import OneByOne, Session
from plugin.kernel.links import ownership
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import route_messages as routes
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName, MacAddress
from plugin.model.network import IPAddress
from plugin.model.tunnels import FloodEntry

_KIND: Final = "vxlan"
_Table = frozenset[tuple[IPAddress, MacAddress]]


class FloodEntryHandler(OneByOne[FloodEntry]):
    """Such entries; they go with their device."""

    def ensure_one(self, session: Session, value: FloodEntry) -> None:
        flags = raw.NLM_F_ACK | raw.NLM_F_CREATE | raw.NLM_F_APPEND
        session.rtnl.ask(routes.RTM_NEWNEIGH, flags, _body(value))

    def remove_one(self, session: Session, value: FloodEntry) -> None:
        link = session.rtnl.link(value.ifname)
        if link is None or not ownership.is_ours(link):
            return
        try:
            session.rtnl.ask(routes.RTM_DELNEIGH, raw.NLM_F_ACK, _body(value))
        except RtnlError:
            if (value.peer, value.mac_address) in _lasting(session.rtnl, link.index):
                raise

    def read(self, session: Session, values: Iterable[FloodEntry]) -> Iterable[FloodEntry]:
        """Each device's table is read once."""
        known: dict[IfName, _Table] = {}
        for value in values:
            if value.ifname not in known:
                known[value.ifname] = _table_of(session.rtnl, value.ifname)
            if (value.peer, value.mac_address) in known[value.ifname]:
                yield value

    def read_one(self, session: Session, value: FloodEntry) -> FloodEntry | None:
        return next(iter(self.read(session, [value])), None)

    def read_all(self, session: Session) -> Iterable[FloodEntry]:
        """All lasting entries of pynet's devices: other programs must add none."""
        for link in session.look(ownership.OwnedLinks).of(_KIND):
            for peer, mac_address in _lasting(session.rtnl, link.index):
                yield FloodEntry(ifname=link.ifname, peer=peer, mac_address=mac_address)


def _body(entry: FloodEntry) -> bytes:
    return routes.forwarding_entry(
        ownership.index_of(entry.ifname),
        entry.mac_address,
        state=routes.NUD_PERMANENT,
        flags=routes.NTF_SELF,
        destination=entry.peer,
    )


def _table_of(rtnl: Rtnl, ifname: IfName) -> _Table:
    link = rtnl.link(ifname)
    return frozenset() if link is None or link.kind != _KIND else _lasting(rtnl, link.index)


def _lasting(rtnl: Rtnl, index: int) -> _Table:
    """What the device has not learned."""
    request = routes.neighbours_of(routes.AF_BRIDGE, index)
    found = map(routes.neighbour_info, rtnl.dump(routes.RTM_GETNEIGH, request))
    return frozenset(
        (ip_address(each.address), each.mac_address)
        for each in found
        if each.ifindex == index and each.mac_address and each.address
        if each.permanent or each.static
    )
