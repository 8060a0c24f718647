"""Links that lead nowhere: parents of networks that are to have no other."""

import errno
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from plugin.kernel.handler import ListedLinks, Session
from plugin.kernel.links import ownership
from plugin.kernel.links.link_errors import NO_SUCH_KIND
from plugin.kernel.links.link_handler import LinkHandler
from plugin.kernel.netlink.link_messages import LinkChange
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.links import OWNER_PREFIX, Dummy

_DUMMY_KINDS: Final = ("dummy", "ifb")  # who has not the one has the other: both lead nowhere


class DummyHandler(ListedLinks[Dummy], LinkHandler[Dummy]):
    """Dummy links, and ifb links in their place."""

    def make(self, rtnl: Rtnl, dummy: Dummy) -> None:
        """Make the link, up."""
        wanted = LinkChange(mtu=dummy.mtu, up=True)
        alias = OWNER_PREFIX + dummy.owner
        try:
            _add_dummy(rtnl, replace(wanted, ifname=dummy.ifname, group=ownership.GROUP_OURS))
        except RtnlError as error:
            if error.code != errno.EEXIST:
                raise
            link = ownership.owned_link(rtnl, dummy.ifname, dummy.owner, *_DUMMY_KINDS)
            rtnl.change_link(link.index, replace(wanted, alias=alias))
            return
        rtnl.change_link(ownership.index_of(dummy.ifname), LinkChange(alias=alias))

    def read_one(self, session: Session, value: Dummy) -> Dummy | None:
        link = session.link(value.ifname)
        if link is None:
            return None
        return replace(value, mtu=link.mtu, owner=ownership.owner_if_right(link))

    def read_all(self, session: Session) -> Iterable[Dummy]:
        """An ifb link of an endpoint's is no dummy."""
        owned = session.look(ownership.OwnedLinks)
        for link in (*owned.of("dummy"), *owned.of_networks("ifb")):
            owner = ownership.owner_of(link) or ""
            yield Dummy(ifname=link.ifname, mtu=link.mtu, owner=owner)


def _add_dummy(rtnl: Rtnl, made: LinkChange) -> None:
    for kind in _DUMMY_KINDS[:-1]:
        try:
            rtnl.add_link(kind, made)
        except RtnlError as error:
            if error.code not in NO_SUCH_KIND:
                raise
        else:
            return
    rtnl.add_link(_DUMMY_KINDS[-1], made)
