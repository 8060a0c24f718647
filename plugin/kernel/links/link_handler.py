"""What the handlers of all links have in common.

Links are not deleted here.  A deletion keeps its caller waiting for an RCU grace period,
16 ms and more, while all links of a group are deleted in one: removal moves the link to
the group DELETING and the reaper deletes the group.
"""

from abc import abstractmethod
from typing import ClassVar, TypeVar

from plugin.errors import RefusedError
from plugin.kernel.handler import OneByOne, Session
from plugin.kernel.links import ownership
from plugin.kernel.links.reaper import Reaper
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.resources import LinkResource

L = TypeVar("L", bound=LinkResource)


class LinkHandler(OneByOne[L]):
    """A handler that only defines how a link of its kind is made and read."""

    patient: ClassVar[bool] = False  # whether the deletion may wait for more: links of endpoints

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper

    @abstractmethod
    def make(self, rtnl: Rtnl, link: L) -> None:
        """Make the link, or set right what differs on the one that is there.

        Raises RefusedError (ForeignLinkError) if something is in the way.
        """

    def ensure_one(self, session: Session, value: L) -> None:
        """Make the link, past one that was removed a moment ago and is not gone yet.

        It may have the name, or keep its parent in its kind (macvlan or ipvlan) or its mode
        (passthru admits no other).
        """
        rtnl = session.rtnl
        link = rtnl.link(value.ifname)
        if link is not None and ownership.is_deleting(link):
            self._reaper.reap()
        deletions = self._reaper.deletions
        try:
            self.make(rtnl, value)
        except RefusedError:
            self._reaper.reap()
            # What was in the way may have gone since, by the reaper's own thread.
            if self._reaper.deletions == deletions:
                raise
            self.make(rtnl, value)

    def remove_one(self, session: Session, value: L) -> None:
        self.delete_later(session.rtnl, value)

    def delete_later(self, rtnl: Rtnl, value: L) -> bool:
        """Leave the link to the reaper; False if it is not there or does not belong to pynet."""
        left = ownership.delete_later(rtnl, value)
        if left:
            self._reaper.kick(patiently=self.patient)
        return left
