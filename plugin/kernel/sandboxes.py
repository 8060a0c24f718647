"""Links of ours that dockerd has moved into sandboxes.

A link that left keeps its alias, and the namespace it went to keeps a number in ours: by that
number the kernel shows, and deletes, its links to whoever has CAP_NET_ADMIN (net/core/rtnetlink.c,
IFLA_TARGET_NETNSID).  No path of the engine's has to be seen for it.
"""

import errno
from dataclasses import dataclass
from functools import cached_property

from plugin.kernel import links
from plugin.kernel.rtnl import Rtnl, RtnlError
from plugin.model.resources import HandedOver


@dataclass(frozen=True)
class Place:
    """Where a link is: its number, and that of its namespace."""

    index: int
    nsid: int


class Sandboxes:
    """One look into all of them, taken when it is first needed."""

    def __init__(self, rtnl: Rtnl) -> None:
        self._rtnl = rtnl

    def has(self, resource: HandedOver) -> bool:
        """Whether the link is in a sandbox; in doubt it is."""
        places = self._places
        return places is None or resource.mark in places

    def delete(self, resource: HandedOver) -> None:
        """Delete the link in its sandbox, if it is in one."""
        place = (self._places or {}).get(resource.mark)
        if place is None:
            return
        try:
            self._rtnl.delete_link(place.index, place.nsid)
        except RtnlError as error:
            # Of a namespace that ended since it was looked into the number means nothing (EINVAL).
            if not error.is_gone and error.code != errno.EINVAL:
                raise

    @cached_property
    def _places(self) -> dict[str, Place] | None:
        """By mark; None if the kernel does not tell (before Linux 4.16)."""
        try:
            return self._look()
        except RtnlError:
            return None

    def _look(self) -> dict[str, Place]:
        found = {}
        for nsid in self._rtnl.namespaces():
            try:
                inside = self._rtnl.links(nsid)
            except RtnlError:
                continue  # it ended meanwhile, and its links with it
            for link in inside:
                mark = links.mark_of(link)
                if mark is not None and links.is_ours(link):
                    found[mark] = Place(link.index, nsid)
        return found
