"""One list of all links, shared by all readers in a block.

A link that is right in the list is believed.  A link that is missing or wrong there may have come
or changed since, and must be read again by itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from plugin.kernel.netlink.link_messages import LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.ids import IfName
from plugin.model.resources import HostResource


@dataclass(slots=True)
class Look:
    """All links, as they were, and what turned out to be ``right``.

    ``states`` are what that depends on, by kind, once a reader has asked.
    """

    listed: tuple[LinkInfo, ...]
    links: Mapping[IfName, LinkInfo]
    names: Mapping[int, IfName]
    right: set[HostResource] = field(default_factory=set)
    states: Mapping[type, object] | None = None


class _Block:
    """The look, once a reader has asked for it."""

    def __init__(self) -> None:
        self.look: Look | None = None


_block: ContextVar[_Block | None] = ContextVar("block", default=None)


@contextmanager
def one_list() -> Iterator[None]:
    """Read all links at most once in the block, until it changes one itself.

    A block inside another begins with a new list, and so does the outer one after it.
    """
    token = _block.set(_Block())
    try:
        yield
    finally:
        _block.reset(token)
        forget()


def look(rtnl: Rtnl) -> Look | None:
    """What has been seen in this block; None outside of one.  Raises RtnlError."""
    block = _block.get()
    if block is None:
        return None
    if block.look is None:
        there = rtnl.links()
        block.look = Look(
            there,
            {link.ifname: link for link in there},
            {link.index: link.ifname for link in there},
        )
    return block.look


def taken() -> Look | None:
    """The look of this block, if a reader has taken it."""
    block = _block.get()
    return None if block is None else block.look


def links(rtnl: Rtnl) -> Iterable[LinkInfo]:
    """Every link: as seen in this block, or as they are now outside of one.  Raises RtnlError."""
    seen = look(rtnl)
    return rtnl.links() if seen is None else seen.links.values()


def forget() -> None:
    """The block changes links: what it has seen is over."""
    block = _block.get()
    if block is not None:
        block.look = None
