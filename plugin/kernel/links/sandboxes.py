"""Find the links that dockerd has moved into sandboxes.

A link that left keeps its alias, and its new namespace has a number in this one.  By that number
the kernel shows and deletes links there, for a process with CAP_NET_ADMIN (net/core/rtnetlink.c,
IFLA_TARGET_NETNSID).  So pynet needs no path of the engine.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from plugin.kernel.links import ownership
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.links import HandedOver


@dataclass(frozen=True)
class Place:
    """Where a link is: its number, and that of its namespace."""

    index: int
    nsid: int


_Places = dict[str, Place]  # by owner
# A list of namespaces may lack one if another ends while it is read (net/core/net_namespace.c,
# rtnl_net_dumpid_one continues by position and does not set NLM_F_DUMP_INTR).
_LOOKS: Final = 2
_UNSUPPORTED: Final = (errno.EINVAL, errno.EOPNOTSUPP)  # before Linux 4.16
_seen: ContextVar[_Places | None] = ContextVar("seen", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """Share one look into all sandboxes in the block, as long as links are found.

    An earlier look never proves that a link is missing: it may have come since.
    """
    token = _seen.set({})
    try:
        yield
    finally:
        _seen.reset(token)


class Sandboxes:
    """Looks into all of them, taken when they are first needed."""

    def __init__(self, rtnl: Rtnl) -> None:
        self._rtnl = rtnl
        self._taken: list[_Places | RtnlError] = []

    def has(self, resource: HandedOver) -> bool:
        """Whether the link is in a sandbox; in doubt it is."""
        if resource.owner in (_seen.get() or {}):
            return True
        return any(isinstance(look, RtnlError) or resource.owner in look for look in self._looks())

    def owners(self) -> frozenset[str]:
        """Owners of all links of pynet in sandboxes, as far as this kernel shows them."""
        return frozenset().union(
            *(look for look in self._looks() if not isinstance(look, RtnlError))
        )

    def delete(self, resource: HandedOver) -> None:
        """Delete the link in its sandbox, if it is in one.

        Raises RtnlError if that cannot be found out, or if the kernel refuses.
        """
        place = self._find(resource.owner)
        if place is None:
            return
        try:
            self._rtnl.delete_link(place.index, place.nsid)
        except RtnlError as error:
            # Of a namespace that ended since it was looked into the number means nothing (EINVAL).
            if not error.is_gone and error.code != errno.EINVAL:
                raise

    def _find(self, owner: str) -> Place | None:
        for look in self._looks():
            if isinstance(look, RtnlError):
                if look.code in _UNSUPPORTED:
                    return None
                raise look
            if owner in look:
                return look[owner]
        return None

    def _looks(self) -> Iterator[_Places | RtnlError]:
        """One look after the other; a caller that has found its link takes no more."""
        for number in range(_LOOKS):
            if number == len(self._taken):
                self._taken.append(self._look())
            yield self._taken[number]

    def _look(self) -> _Places | RtnlError:
        found = {}
        try:
            for nsid, inside in self._rtnl.links_elsewhere():
                for link in inside:
                    owner = ownership.owner_of(link)
                    if owner is not None and ownership.is_ours(link):
                        found[owner] = Place(link.index, nsid)
        except RtnlError as error:
            return error
        seen = _seen.get()
        if seen is not None:
            seen.update(found)
        return found
