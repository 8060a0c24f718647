"""Watch the table by which a network's frames reach other hosts.

The kernel announces neighbours of every kind to one group, and what every bridge of the host learns
from a container: a container that changes its hardware address with each frame would keep pynet
reading.  No container makes a lasting entry, so the kernel drops the others.  A bridge has a lasting
one for each of its ports, too, which leads to no host.
"""

import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import ClassVar, Final

from plugin import socket_filters as filters
from plugin.kernel.handler import name_of
from plugin.kernel.netlink import link_messages as words
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import route_messages as routes
from plugin.kernel.watch import Watch
from plugin.model.tunnels import EVERYBODY, FloodEntry

_FAMILY_AT: Final = raw.HEADER_BYTES  # struct ndmsg follows (linux/neighbour.h)
_STATE_AT: Final = _FAMILY_AT + 8
_ATTRIBUTES: Final = _FAMILY_AT + 12
# Of this host's byte order, and loaded as of the network's.
_LASTING: Final = socket.htons(routes.NUD_PERMANENT | routes.NUD_NOARP)
_LARGEST: Final = 1 << 16


class FloodWatch(Watch):
    """Calls ``changed`` with the name of a link whose table lost an entry for all receivers.

    Calls ``added`` with each lasting entry that some link got.  The callbacks must check whether
    the link and the entry belong to pynet.
    """

    wanted: ClassVar[filters.Program] = (
        (filters.LOAD_BYTE, 0, 0, _FAMILY_AT),
        (filters.JUMP_EQUAL, 0, 6, routes.AF_BRIDGE),
        (filters.LOAD_HALF, 0, 0, _STATE_AT),
        (filters.JUMP_ANY_BIT, 0, 4, _LASTING),
        (filters.LOAD_VALUE, 0, 0, _ATTRIBUTES),
        (filters.LOAD_VALUE_X, 0, 0, routes.NDA_DST),
        (filters.LOAD_WORD, 0, 0, filters.FIND_ATTRIBUTE),
        (filters.JUMP_EQUAL, 0, 1, 0),
        (filters.RETURN, 0, 0, 0),
        (filters.RETURN, 0, 0, _LARGEST),
    )

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
        entry = routes.neighbour_info(body)
        ifname = name_of(entry.ifindex)
        if kind == routes.RTM_DELNEIGH:
            if entry.mac_address == EVERYBODY:
                self._told(ifname)
        elif entry.address is not None and entry.mac_address is not None:
            peer = ip_address(entry.address)
            self._added(FloodEntry(ifname=ifname, peer=peer, mac_address=entry.mac_address))
