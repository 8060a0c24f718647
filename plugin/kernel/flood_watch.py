"""Watch the table by which a network's frames reach other hosts.

The kernel announces neighbours of every kind to one group: one byte distinguishes most of them.
"""

import socket
from collections.abc import Callable
from ipaddress import ip_address

from plugin.kernel.links import ownership
from plugin.kernel.netlink import link_messages as words
from plugin.kernel.netlink import route_messages as routes
from plugin.kernel.watches import Watch
from plugin.model.tunnels import EVERYBODY, FloodEntry


class FloodWatch(Watch):
    """Calls ``changed`` with the name of a link whose table lost an entry for all receivers.

    Calls ``added`` with each permanent entry that some link got.  The callbacks must check whether
    the link and the entry belong to pynet.
    """

    def __init__(
        self,
        changed: Callable[[str], None],
        added: Callable[[FloodEntry], None],
        lost: Callable[[], None],
    ) -> None:
        self._told = changed
        self._added = added
        super().__init__(socket.NETLINK_ROUTE, (words.RTNLGRP_NEIGH,), lost)

    def _hear(self, kind: int, body: bytes) -> None:
        if body[0] != routes.AF_BRIDGE:
            return
        entry = routes.neighbour_info(body)
        if kind == routes.RTM_DELNEIGH and entry.mac_address == EVERYBODY:
            self._told(ownership.name_of(entry.ifindex))
        lasts = kind == routes.RTM_NEWNEIGH and entry.permanent
        if lasts and entry.address is not None and entry.mac_address is not None:
            ifname = ownership.name_of(entry.ifindex)
            peer = ip_address(entry.address)
            self._added(FloodEntry(ifname=ifname, peer=peer, mac_address=entry.mac_address))
