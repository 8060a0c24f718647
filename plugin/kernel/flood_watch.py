"""Tells when somebody took an entry out of the table by which a network's frames reach other hosts.

The kernel announces neighbours of every kind to one group: most of them are told apart by a byte.
"""

import socket
from collections.abc import Callable

from plugin.kernel.links import ownership
from plugin.kernel.netlink import link_messages as words
from plugin.kernel.netlink import route_messages as routes
from plugin.kernel.watches import Watch
from plugin.model.tunnels import EVERYBODY


class FloodWatch(Watch):
    """Calls ``changed`` with the name of a link whose table lost an entry for everybody.

    And ``added`` with that of one which got a lasting entry for one receiver.  Whether the link is one
    of ours is for them to know: nobody of ours makes the latter.
    """

    def __init__(
        self,
        changed: Callable[[str], None],
        added: Callable[[str], None],
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
        lasts = kind == routes.RTM_NEWNEIGH and entry.permanent and entry.address is not None
        if lasts and entry.mac_address != EVERYBODY:
            self._added(ownership.name_of(entry.ifindex))
