"""Macvlan and ipvlan links that are made to be handed over to a sandbox.

dockerd moves such a link into the sandbox as it is, so that the host sees it no more; where
it is then is for ``sandboxes`` to find out.
"""

import errno
import time
from dataclasses import replace
from typing import ClassVar, Final, TypeVar

from plugin import deadline
from plugin.kernel.handler import Session
from plugin.kernel.links import ownership
from plugin.kernel.links.link_errors import child_refusal
from plugin.kernel.links.link_handler import LinkHandler
from plugin.kernel.links.sandboxes import Sandboxes
from plugin.kernel.links.stacking import standing_on
from plugin.kernel.netlink.link_messages import LinkChange
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName
from plugin.model.links import OWNER_PREFIX, HandedOver

# A link that dies with its sandbox has its address, and its parent, until the kernel gets to it.
PATIENCE_SECONDS: Final = 8.0
GLANCE_SECONDS: Final = 2.0  # for one that may be alive
POLL_SECONDS: Final = 0.02
_OCCUPIED: Final = (errno.EBUSY, errno.EINVAL)  # by the other kind, by passthru

C = TypeVar("C", bound=HandedOver)


class ChildHandler(LinkHandler[C]):
    """What macvlan and ipvlan links have in common."""

    patient: ClassVar[bool] = True

    def remove_one(self, session: Session, value: C) -> None:
        """Remove the link, in its sandbox if the engine did not hand it back."""
        if not self.delete_later(session.rtnl, value) and session.rtnl.link(value.ifname) is None:
            Sandboxes(session.rtnl).delete(value)

    def read_one(self, session: Session, value: C) -> C | None:
        """The link as the host shows it; one that is in a sandbox is taken on trust."""
        link = session.link(value.ifname)
        if link is None or ownership.is_deleting(link):
            return value if session.look(Sandboxes).has(value) else None
        owner = (ownership.owner_of(link) or "") if ownership.is_ours(link) else ""
        return replace(value, parent=session.name_of(link.parent), owner=owner)


def make_child(rtnl: Rtnl, child: HandedOver, kind: str, made: LinkChange, data: bytes) -> None:
    """Make the link, when its parent is free for it.  Raises RefusedError if it is not."""
    try:
        _add_child(rtnl, child.parent, kind, made, data)
    except RtnlError as error:
        refusal = child_refusal(rtnl, kind, child.parent, child.mtu, error)
        if refusal is not None:
            raise refusal from error
        if error.code != errno.EEXIST:
            raise
        ownership.owned_link(rtnl, child.ifname, child.owner, kind)
    rtnl.change_link(ownership.index_of(child.ifname), LinkChange(alias=OWNER_PREFIX + child.owner))


def _add_child(rtnl: Rtnl, parent: IfName, kind: str, made: LinkChange, data: bytes) -> None:
    """Add the link, once links of ended sandboxes have released the parent.

    Such a link is visible for a short time, then hidden, and still exists until the kernel deletes
    it in the background (net/core/net_namespace.c, cleanup_net).
    """
    begun, longest = time.monotonic(), deadline.remaining(PATIENCE_SECONDS)
    while True:
        try:
            rtnl.add_link(kind, made, data)
        except RtnlError as error:
            waited = time.monotonic() - begun
            if error.code not in _OCCUPIED or waited >= longest:
                raise
            if waited >= _patience(rtnl, parent, made.mtu):
                raise
        else:
            return
        time.sleep(POLL_SECONDS)


def _patience(rtnl: Rtnl, parent: IfName, mtu: int | None) -> float:
    """How long to wait for links in the way that the kernel may be deleting."""
    link = rtnl.link(parent)
    if link is None or not link.ethernet or link.master or (mtu or 0) > link.mtu:
        return 0
    found = list(standing_on(rtnl, link.index))
    if any(each.parent_nsid is None for each in found):
        return 0
    return GLANCE_SECONDS if found else PATIENCE_SECONDS
